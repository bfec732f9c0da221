package io.lampyris.cli.host;

import java.util.ArrayList;
import java.util.List;

/** Network interfaces that have a device behind them: link, speed, MTU, NUMA node. */
final class NetCheck {
  static final String INTERFACES = "/sys/class/net/";

  /** linux/if_arp.h: Ethernet; InfiniBand's interfaces have MTUs of their own. */
  private static final long ETHERNET = 1;

  /** From there on frames of 1500 bytes cost more CPU than a core has. */
  private static final long FAST_MBIT = 25_000;

  private static final long JUMBO_BYTES = 9000;

  private NetCheck() {}

  static List<Finding> of(HostFiles files) {
    List<Finding> findings = new ArrayList<>();
    for (String name : files.names(INTERFACES)) {
      if (files.exists(INTERFACES + name + "/device")) {
        findings.add(judge(files, name));
      }
    }
    if (findings.isEmpty()) {
      findings.add(
          Finding.info("net", "virtual interfaces alone", "a device, between machines", ""));
    }
    return findings;
  }

  private static Finding judge(HostFiles files, String name) {
    String id = "net." + name;
    long mtuBytes = mtuBytes(files, name);
    long speedMbit = files.number(INTERFACES + name + "/speed").orElse(-1);
    long node = files.number(INTERFACES + name + "/device/numa_node").orElse(-1);
    String observed =
        "%s, %s, MTU %d, node %s"
            .formatted(
                hasCarrier(files, name) ? "link" : "no link",
                speedMbit <= 0 ? "speed unknown" : speedMbit + " Mbit/s",
                mtuBytes,
                node < 0 ? "unknown" : Long.toString(node));
    String limit = "a link; MTU %d from %d Gbit/s on".formatted(JUMBO_BYTES, FAST_MBIT / 1000);
    if (!hasCarrier(files, name)) {
      return Finding.info(id, observed, limit, "");
    }
    boolean slow =
        files.number(INTERFACES + name + "/type").orElse(0) == ETHERNET
            && speedMbit >= FAST_MBIT
            && mtuBytes < JUMBO_BYTES;
    return slow
        ? Finding.warn(id, observed, limit, raiseMtu(name))
        : Finding.ok(id, observed, limit);
  }

  static boolean hasCarrier(HostFiles files, String name) {
    return files.number(INTERFACES + name + "/carrier").orElse(0) == 1;
  }

  static long mtuBytes(HostFiles files, String name) {
    return files.number(INTERFACES + name + "/mtu").orElse(0);
  }

  static String raiseMtu(String name) {
    return "ip link set dev %s mtu %d    # when the switch and all peers take it"
        .formatted(name, JUMBO_BYTES);
  }
}
