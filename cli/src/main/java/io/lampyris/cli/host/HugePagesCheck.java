package io.lampyris.cli.host;

import io.lampyris.cli.base.Sizes;
import io.lampyris.cli.instance.Mounts;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Huge pages that are reserved, by size and NUMA node, and where programs map them. */
final class HugePagesCheck {
  /** What SPDK is given on a node: its queues, and a reactor's buffers ten times over. */
  static final long NEEDED_BYTES = 1L << 30;

  private static final String ALL_NODES = "/sys/kernel/mm/hugepages";
  private static final Pattern SIZE = Pattern.compile("hugepages-([0-9]{1,9})kB");
  private static final long PAGES_OF_2_MIB = NEEDED_BYTES >> 21;

  private HugePagesCheck() {}

  /**
   * One size of pages on one node.
   *
   * @param node -1 for the machine as a whole
   */
  private record Pool(int node, long pageBytes, long reserved, long free) {
    String describe() {
      return "%s%d x %s, %d free"
          .formatted(node < 0 ? "" : "node " + node + ": ", reserved, Sizes.exact(pageBytes), free);
    }
  }

  static List<Finding> of(HostFiles files, SpdkUse use) {
    List<Pool> pools = pools(files);
    List<Finding> findings = new ArrayList<>();
    findings.add(reserved(pools, use));
    if (pools.stream().anyMatch(pool -> pool.reserved > 0)) {
      findings.add(mounted(files, use));
    }
    return findings;
  }

  private static Finding reserved(List<Pool> pools, SpdkUse use) {
    String id = "hugepages";
    String limit =
        "%s on each NUMA node with a controller for SPDK".formatted(Sizes.human(NEEDED_BYTES));
    List<String> some =
        pools.stream().filter(pool -> pool.reserved > 0).map(Pool::describe).toList();
    String observed = some.isEmpty() ? "none reserved" : String.join("; ", some);
    List<String> remedies = new ArrayList<>();
    for (int node : use.nodes()) {
      long bytes =
          pools.stream()
              .filter(pool -> pool.node == node || pool.node < 0)
              .mapToLong(pool -> pool.reserved * pool.pageBytes)
              .sum();
      if (bytes < NEEDED_BYTES) {
        remedies.add(reserve(node, pools));
      }
    }
    if (!remedies.isEmpty()) {
      remedies.add(
          "echo vm.nr_hugepages=%d > /etc/sysctl.d/90-lampyris-hugepages.conf    # for each boot"
              .formatted(PAGES_OF_2_MIB * Math.max(1, nodes(pools))));
      return Finding.warn(id, observed, limit, String.join("\n", remedies));
    }
    return some.isEmpty()
        ? use.lacking(id, observed, limit, "sysctl vm.nr_hugepages=" + PAGES_OF_2_MIB)
        : Finding.ok(id, observed, limit);
  }

  private static long nodes(List<Pool> pools) {
    return pools.stream().mapToInt(Pool::node).distinct().count();
  }

  private static String reserve(int node, List<Pool> pools) {
    String directory =
        pools.stream().anyMatch(pool -> pool.node == node)
            ? "/sys/devices/system/node/node%d/hugepages".formatted(node)
            : ALL_NODES;
    return "echo %d > %s/hugepages-2048kB/nr_hugepages".formatted(PAGES_OF_2_MIB, directory);
  }

  private static Finding mounted(HostFiles files, SpdkUse use) {
    String id = "hugepages.mount";
    String limit = "a hugetlbfs, where SPDK maps them";
    List<String> points =
        Mounts.parse(files.lines("/proc/self/mountinfo")).stream()
            .filter(mount -> mount.type().equals("hugetlbfs"))
            .map(Mounts.Mount::point)
            .toList();
    return points.isEmpty()
        ? use.lacking(
            id,
            "no hugetlbfs is mounted",
            limit,
            "mkdir -p /dev/hugepages && mount -t hugetlbfs hugetlbfs /dev/hugepages")
        : Finding.ok(id, String.join(", ", points), limit);
  }

  private static List<Pool> pools(HostFiles files) {
    List<Pool> pools = new ArrayList<>();
    for (int node : CpuCheck.nodeNumbers(files)) {
      read(files, node, "/sys/devices/system/node/node%d/hugepages".formatted(node), pools);
    }
    if (pools.isEmpty()) {
      read(files, -1, ALL_NODES, pools);
    }
    return pools;
  }

  private static void read(HostFiles files, int node, String directory, List<Pool> pools) {
    for (String name : files.names(directory)) {
      Matcher size = SIZE.matcher(name);
      OptionalLong reserved = files.number(directory + "/" + name + "/nr_hugepages");
      OptionalLong free = files.number(directory + "/" + name + "/free_hugepages");
      if (size.matches() && reserved.isPresent()) {
        long pageBytes = Long.parseLong(size.group(1)) << 10;
        pools.add(new Pool(node, pageBytes, reserved.getAsLong(), free.orElse(0)));
      }
    }
  }
}
