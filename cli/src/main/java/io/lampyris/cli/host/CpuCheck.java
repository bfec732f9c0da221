package io.lampyris.cli.host;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Processors: NUMA nodes, how many CPUs, which are isolated, and their governors. */
final class CpuCheck {
  private static final String NODES = "/sys/devices/system/node";
  private static final String CPUS = "/sys/devices/system/cpu";
  private static final String FREQUENCY = CPUS + "/cpufreq";

  /** A reactor polls; others need to run beside it. */
  private static final int CPUS_MIN = 2;

  /** Those that raise the clock at once. */
  private static final Set<String> FAST_GOVERNORS = Set.of("performance", "schedutil");

  private CpuCheck() {}

  static List<Finding> of(HostFiles files) {
    return List.of(nodes(files), cpus(files), governor(files));
  }

  /** The numbers of the NUMA nodes; none where the kernel knows none. */
  static List<Integer> nodeNumbers(HostFiles files) {
    return files.names(NODES).stream()
        .filter(name -> name.matches("node[0-9]{1,5}"))
        .map(name -> Integer.parseInt(name.substring(4)))
        .sorted()
        .toList();
  }

  private static Finding nodes(HostFiles files) {
    List<String> nodes = new ArrayList<>();
    for (int node : nodeNumbers(files)) {
      String directory = NODES + "/node" + node;
      nodes.add(
          "node %d: CPUs %s, distances %s"
              .formatted(
                  node,
                  files.text(directory + "/cpulist").orElse("?"),
                  files.text(directory + "/distance").orElse("?")));
    }
    String limit = "devices, memory and reactors that work together on one node";
    return nodes.isEmpty()
        ? Finding.info("numa", "the kernel knows no nodes", limit, "")
        : Finding.ok("numa", String.join("; ", nodes), limit);
  }

  private static Finding cpus(HostFiles files) {
    String online = files.text(CPUS + "/online").orElse("");
    String isolated = files.text(CPUS + "/isolated").orElse("");
    int count = count(online);
    String observed =
        "%d CPUs, %s isolated".formatted(count, isolated.isEmpty() ? "none" : isolated);
    String limit = "%d: a reactor polls, others run beside it".formatted(CPUS_MIN);
    return count > 0 && count < CPUS_MIN
        ? Finding.warn("cpu", observed, limit, "give the machine another CPU")
        : Finding.ok("cpu", observed, limit);
  }

  /** How many are in a list like {@code 0-3,8}. */
  static int count(String list) {
    int count = 0;
    for (String range : list.split(",", -1)) {
      if (range.matches("[0-9]{1,6}(-[0-9]{1,6})?")) {
        String[] ends = range.split("-", 2);
        count += Integer.parseInt(ends[ends.length - 1]) - Integer.parseInt(ends[0]) + 1;
      }
    }
    return count;
  }

  private static Finding governor(HostFiles files) {
    Set<String> governors = new TreeSet<>();
    for (String policy : files.names(FREQUENCY)) {
      files.text(FREQUENCY + "/" + policy + "/scaling_governor").ifPresent(governors::add);
    }
    String id = "cpu.governor";
    String limit = "performance or schedutil";
    if (governors.isEmpty()) {
      return Finding.info(id, "the kernel scales no frequency here", limit, "");
    }
    String observed = String.join(", ", governors);
    return FAST_GOVERNORS.containsAll(governors)
        ? Finding.ok(id, observed, limit)
        : Finding.warn(
            id,
            observed,
            limit,
            "for g in %s/policy*/scaling_governor; do echo performance > $g; done"
                .formatted(FREQUENCY));
  }
}
