package io.lampyris.cli.host;

import io.lampyris.cli.base.Sizes;
import java.util.List;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The kernel: its version, io_uring, transparent huge pages, and what memory it promises. */
final class KernelCheck {
  private static final Pattern VERSION = Pattern.compile("([0-9]{1,4})\\.([0-9]{1,4}).*");

  // What io.lampyris.bindings.uring needs, and from where on completions cost no interrupt.
  private static final int NEEDED = version(5, 15);
  private static final int BEST = version(6, 1);

  private static final String URING_LIMIT = "a ring can be opened, by every user";
  private static final String URING_ALLOW =
      """
      echo kernel.io_uring_disabled=0 > /etc/sysctl.d/90-lampyris-uring.conf
      sysctl --system\
      """;

  /** Heap and direct memory of bin/lampyris.options, and what the JVM takes beside them. */
  private static final long COMMIT_MIN_BYTES = 1L << 30;

  private KernelCheck() {}

  static List<Finding> of(Host host) {
    HostFiles files = host.files();
    return List.of(version(files), uring(host), transparentHugePages(files), overcommit(files));
  }

  private static int version(int major, int minor) {
    return major * 10_000 + minor;
  }

  private static Finding version(HostFiles files) {
    String release = files.text("/proc/sys/kernel/osrelease").orElse("unknown");
    Matcher form = VERSION.matcher(release);
    String observed = "Linux " + release;
    String limit = "5.15; 6.1 for all of its speed";
    String remedy = "install a newer kernel and boot it";
    if (!form.matches()) {
      return Finding.info("kernel", observed, limit, "");
    }
    int version = version(Integer.parseInt(form.group(1)), Integer.parseInt(form.group(2)));
    if (version < NEEDED) {
      return Finding.err("kernel", observed, limit, remedy);
    }
    return version < BEST
        ? Finding.warn("kernel", observed, limit, remedy)
        : Finding.ok("kernel", observed, limit);
  }

  private static Finding uring(Host host) {
    OptionalLong disabled = host.files().number("/proc/sys/kernel/io_uring_disabled");
    // The probe's failure carries a remedy for whoever cannot look at the machine.
    String probed = host.uring().reason().replaceFirst("; remedy: .*", "");
    String observed =
        (disabled.isPresent()
                ? "kernel.io_uring_disabled=%d; ".formatted(disabled.getAsLong())
                : "")
            + probed;
    if (!host.uring().available()) {
      return Finding.err(
          "io_uring",
          observed,
          URING_LIMIT,
          disabled.orElse(0) > 0
              ? URING_ALLOW
              : "allow io_uring_setup, io_uring_enter and io_uring_register in the container's"
                  + " seccomp profile, or boot a kernel with CONFIG_IO_URING");
    }
    return disabled.orElse(0) > 0
        ? Finding.warn("io_uring", observed + "; not for other users", URING_LIMIT, URING_ALLOW)
        : Finding.ok("io_uring", observed, URING_LIMIT);
  }

  private static Finding transparentHugePages(HostFiles files) {
    String id = "thp";
    String limit = "always or madvise: large tables ask for them";
    String setting = files.text("/sys/kernel/mm/transparent_hugepage/enabled").orElse("absent");
    return setting.contains("[never]")
        ? Finding.warn(
            id, setting, limit, "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled")
        : setting.contains("[")
            ? Finding.ok(id, setting, limit)
            : Finding.info(id, setting, limit, "");
  }

  private static Finding overcommit(HostFiles files) {
    String id = "overcommit";
    long mode = files.number("/proc/sys/vm/overcommit_memory").orElse(0);
    String limit = "0 or 1, or with 2 room for " + Sizes.human(COMMIT_MIN_BYTES);
    if (mode != 2) {
      return Finding.ok(id, "vm.overcommit_memory=" + mode, limit);
    }
    long leftBytes = memoryBytes(files, "CommitLimit:") - memoryBytes(files, "Committed_AS:");
    String observed =
        "vm.overcommit_memory=2; " + Sizes.human(Math.max(0, leftBytes)) + " can still be promised";
    return leftBytes < COMMIT_MIN_BYTES
        ? Finding.err(
            id,
            observed,
            limit,
            """
            echo vm.overcommit_memory=0 > /etc/sysctl.d/90-lampyris-memory.conf
            sysctl --system\
            """)
        : Finding.ok(id, observed, limit);
  }

  private static long memoryBytes(HostFiles files, String key) {
    return files.lines("/proc/meminfo").stream()
        .filter(line -> line.startsWith(key))
        .flatMap(line -> HostFiles.parse(line.replaceAll("[^0-9]", "")).stream().boxed())
        .findFirst()
        .map(kibibytes -> kibibytes << 10)
        .orElse(0L);
  }
}
