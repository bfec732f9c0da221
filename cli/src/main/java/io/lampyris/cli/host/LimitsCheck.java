package io.lampyris.cli.host;

import io.lampyris.cli.base.Sizes;
import io.lampyris.reactor.BufferPool;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;

/** What this process may have: locked memory and open files. */
final class LimitsCheck {
  /** proc(5): the name of a limit takes 25 columns and a space. */
  private static final int NAME_COLUMNS = 26;

  /** linux/capability.h. */
  private static final int CAP_IPC_LOCK = 14;

  /** 1024 connections, 512 files of the metadata store, and targets, logs and rings. */
  private static final long FILES_MIN = 2048;

  private LimitsCheck() {}

  /**
   * @param pinsMore whether memory of SPDK or RDMA is pinned as well
   */
  static List<Finding> of(HostFiles files, boolean pinsMore) {
    return List.of(lockedMemory(files, pinsMore), openFiles(files));
  }

  private static Finding lockedMemory(HostFiles files, boolean pinsMore) {
    String id = "memlock";
    long neededBytes =
        BufferPool.arenaBytes(BufferPool.DEFAULT_CLASSES)
            + (pinsMore ? HugePagesCheck.NEEDED_BYTES : 0);
    String limit = Sizes.human(neededBytes) + " that a reactor pins; unlimited is best";
    OptionalLong allowed = softLimit(files, "Max locked memory");
    String observed =
        allowed.isEmpty()
            ? "not known"
            : allowed.getAsLong() == Long.MAX_VALUE
                ? "unlimited"
                : Sizes.human(allowed.getAsLong());
    if (isUnbound(files)) {
      return Finding.ok(id, observed + ", which does not bind this user (CAP_IPC_LOCK)", limit);
    }
    return allowed.orElse(Long.MAX_VALUE) >= neededBytes
        ? Finding.ok(id, observed, limit)
        : Finding.warn(id, observed, limit, raise("memlock", "unlimited"));
  }

  private static Finding openFiles(HostFiles files) {
    String id = "nofile";
    OptionalLong allowed = softLimit(files, "Max open files");
    String observed = allowed.isEmpty() ? "not known" : Long.toString(allowed.getAsLong());
    String limit = FILES_MIN + " open files";
    return allowed.orElse(Long.MAX_VALUE) >= FILES_MIN
        ? Finding.ok(id, observed, limit)
        : Finding.warn(id, observed, limit, raise("nofile", "65536"));
  }

  /** Soft and hard, for everybody and for root, whom a star leaves out; pam_limits reads it. */
  private static String raise(String item, String value) {
    return """
    printf '%%s - %s %s\\n' '*' root > /etc/security/limits.d/90-lampyris-%s.conf
    # log in again; a service of systemd takes Limit%s=%s instead\
    """
        .formatted(
            item,
            value,
            item,
            item.toUpperCase(Locale.ROOT),
            value.equals("unlimited") ? "infinity" : value);
  }

  private static boolean isUnbound(HostFiles files) {
    return files.lines("/proc/self/status").stream()
        .filter(line -> line.matches("CapEff:\\s*[0-9a-f]{1,16}"))
        .map(line -> Long.parseUnsignedLong(line.substring(7).strip(), 16))
        .anyMatch(effective -> (effective >>> CAP_IPC_LOCK & 1) != 0);
  }

  private static OptionalLong softLimit(HostFiles files, String name) {
    for (String line : files.lines("/proc/self/limits")) {
      if (line.startsWith(name) && line.length() > NAME_COLUMNS) {
        String soft = line.substring(NAME_COLUMNS).strip().split("\\s+", 2)[0];
        return soft.equals("unlimited") ? OptionalLong.of(Long.MAX_VALUE) : HostFiles.parse(soft);
      }
    }
    return OptionalLong.empty();
  }
}
