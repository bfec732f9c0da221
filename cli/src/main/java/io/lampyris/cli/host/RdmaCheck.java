package io.lampyris.cli.host;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** RDMA: the libraries that programs call, and each port of each device. */
final class RdmaCheck {
  private static final String VERBS = "libibverbs.so.1";
  private static final String CONNECTIONS = "librdmacm.so.1";
  private static final int MTU_BYTES = 4096;

  private static final String PORT_LIMIT =
      "ACTIVE, in hardware, with a RoCE v2 GID and an active MTU of 4096 on Ethernet";

  private RdmaCheck() {}

  static List<Finding> of(Host host, Libraries libraries, List<RdmaPort> ports) {
    List<Finding> findings = new ArrayList<>();
    findings.add(library(host, libraries, !ports.isEmpty()));
    ports.forEach(port -> findings.add(judge(host.files(), port)));
    if (ports.isEmpty()) {
      findings.add(Finding.info("rdma", "no RDMA device", "one; TCP needs none", ""));
    }
    return findings;
  }

  private static Finding library(Host host, Libraries libraries, boolean hasDevice) {
    String id = "rdma-core";
    String limit = "%s and %s in the loader's path".formatted(VERBS, CONNECTIONS);
    Optional<Libraries.Library> verbs = libraries.find(VERBS);
    Optional<Libraries.Library> connections = libraries.find(CONNECTIONS);
    if (verbs.isPresent() && connections.isPresent()) {
      return Finding.ok(
          id,
          "rdma-core %s (%s)".formatted(release(verbs.get().version()), verbs.get().path()),
          limit);
    }
    String observed =
        verbs.isEmpty() ? "no " + VERBS : "%s without %s".formatted(VERBS, CONNECTIONS);
    return hasDevice
        ? Finding.warn(
            id,
            observed,
            limit,
            host.install(
                "rdma-core ibverbs-providers librdmacm1", "rdma-core libibverbs librdmacm"))
        : Finding.info(id, observed, limit, "");
  }

  /** 1.14.44.0 is the ABI's major and minor number, and release 44.0. */
  static String release(String version) {
    String[] parts = version.split("\\.", 3);
    return parts.length == 3 ? parts[2] : "of unknown version";
  }

  private static Finding judge(HostFiles files, RdmaPort port) {
    String id = "rdma.%s.%d".formatted(port.device(), port.number());
    long networkMtuBytes = NetCheck.mtuBytes(files, port.network());
    int mtuBytes = RdmaPort.activeMtuBytes(networkMtuBytes);
    String observed = describe(files, port, networkMtuBytes, mtuBytes);
    String remedy = remedy(files, port, mtuBytes);
    return remedy.isEmpty()
        ? Finding.ok(id, observed, PORT_LIMIT)
        : Finding.warn(id, observed, PORT_LIMIT, remedy);
  }

  private static String describe(
      HostFiles files, RdmaPort port, long networkMtuBytes, int mtuBytes) {
    StringBuilder text = new StringBuilder();
    text.append("%s, %s, %s".formatted(port.state(), port.linkLayer(), port.rate()));
    if (port.software()) {
      text.append(", played by the kernel (soft-RoCE, siw)");
    }
    if (!port.network().isEmpty()) {
      text.append(
          ", behind it %s with MTU %d and %s"
              .formatted(
                  port.network(),
                  networkMtuBytes,
                  NetCheck.hasCarrier(files, port.network()) ? "a link" : "no link"));
    }
    // On InfiniBand the subnet manager decides, and sysfs does not say.
    if (port.isEthernet() && mtuBytes > 0) {
      text.append(", active MTU %d".formatted(mtuBytes));
    }
    return text.append(", ").append(port.describeGids()).toString();
  }

  /** The first thing that is to be done; empty when all is well. */
  private static String remedy(HostFiles files, RdmaPort port, int mtuBytes) {
    if (!port.verbs()) {
      return "modprobe -a ib_uverbs rdma_ucm";
    }
    if (!port.isActive()) {
      return inactive(files, port);
    }
    if (port.isEthernet() && port.gids().stream().noneMatch(RdmaPort.Gid::isRoutable)) {
      return "ip address show dev %s    # a GID comes with each address; give it one"
          .formatted(port.network());
    }
    if (port.isEthernet() && !port.network().isEmpty() && mtuBytes < MTU_BYTES) {
      return NetCheck.raiseMtu(port.network());
    }
    return port.software()
        ? "rdma link show    # it shows that RDMA works, not that it is fast: TCP is faster"
        : "";
  }

  private static String inactive(HostFiles files, RdmaPort port) {
    if (!port.isEthernet()) {
      return port.state().equals("INIT")
          ? "systemctl enable --now opensm    # on one machine of the fabric: a subnet manager"
          : "ibstat %s    # the cable, and the switch's port".formatted(port.device());
    }
    return port.network().isEmpty()
        ? "rdma link show    # the port has no network interface"
        : NetCheck.hasCarrier(files, port.network())
            ? "ip link set dev %s up".formatted(port.network())
            : "ip link set dev %s up    # then the cable, and the switch's port"
                .formatted(port.network());
  }
}
