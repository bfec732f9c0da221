package io.lampyris.cli.host;

import io.lampyris.cli.base.Sizes;
import io.lampyris.cli.instance.Mounts;
import java.util.List;
import java.util.Optional;

/** {@code /dev/shm}, where programs and a mount share their rings and the memory for data. */
final class MemoryFsCheck {
  private static final String DIRECTORY = "/dev/shm";

  /** What a program of 32 threads takes under lampyris exec: 8 MiB a thread. */
  private static final long FREE_MIN_BYTES = 256L << 20;

  private static final String LIMIT =
      "a tmpfs with %s free, for rings".formatted(Sizes.human(FREE_MIN_BYTES));
  private static final String MOUNT = "mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs /dev/shm";
  private static final String ENLARGE =
      "mount -o remount,size=50% /dev/shm    # in a container: start it with --shm-size=1g";

  private MemoryFsCheck() {}

  static List<Finding> of(HostFiles files) {
    String type =
        Mounts.parse(files.lines("/proc/self/mountinfo")).stream()
            .filter(mount -> mount.point().equals(DIRECTORY))
            .reduce((below, above) -> above)
            .map(Mounts.Mount::type)
            .orElse("");
    return List.of(judge(type, files.space(DIRECTORY)));
  }

  /**
   * @param type of the file system that is mounted there; empty for none
   */
  static Finding judge(String type, Optional<HostFiles.Space> space) {
    if (space.isEmpty()) {
      return Finding.err("shm", "no " + DIRECTORY, LIMIT, "mkdir -p /dev/shm && " + MOUNT);
    }
    if (!type.equals("tmpfs")) {
      return Finding.warn(
          "shm", "%s is %s".formatted(DIRECTORY, type.isEmpty() ? "no mount" : type), LIMIT, MOUNT);
    }
    String observed =
        "%s, %s free"
            .formatted(Sizes.human(space.get().totalBytes()), Sizes.human(space.get().freeBytes()));
    return space.get().freeBytes() < FREE_MIN_BYTES
        ? Finding.warn("shm", observed, LIMIT, ENLARGE)
        : Finding.ok("shm", observed, LIMIT);
  }
}
