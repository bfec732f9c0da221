package io.lampyris.cli.host;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A port of an RDMA device, as sysfs shows it (the kernel's ABI/stable/sysfs-class-infiniband).
 *
 * @param state {@code ACTIVE} when it can be used
 * @param linkLayer {@code Ethernet} (RoCE), {@code InfiniBand} or {@code iWARP}
 * @param rate in the kernel's words: {@code 100 Gb/sec (4X EDR)}
 * @param gids those that are set
 * @param network the interface behind it; empty when there is none
 * @param software whether the kernel plays the device (rdma_rxe, siw)
 * @param verbs whether programs can open it
 */
record RdmaPort(
    String device,
    int number,
    String state,
    String linkLayer,
    String rate,
    List<Gid> gids,
    String network,
    boolean software,
    boolean verbs) {
  static final String DEVICES = "/sys/class/infiniband/";
  private static final String VERBS = "/sys/class/infiniband_verbs";

  /** A table has up to 256 entries; a machine uses a few. */
  private static final int GIDS_SHOWN = 6;

  /**
   * What RoCE puts around the payload, at most: GRH 40, UDP 8, BTH 12, XRC 4, AtomicETH 28, ICRC 4
   * bytes. The kernel counts so as well (rdma/ib_addr.h).
   */
  private static final int ROCE_HEADER_BYTES = 96;

  private static final int[] MTUS = {4096, 2048, 1024, 512, 256};

  /**
   * An address.
   *
   * @param type {@code RoCE v2}, or {@code IB/RoCE v1}
   */
  record Gid(int index, String address, String type) {
    boolean isRoutable() {
      return type.equals("RoCE v2");
    }
  }

  /** All ports of all devices. */
  static List<RdmaPort> all(HostFiles files) {
    List<RdmaPort> ports = new ArrayList<>();
    for (String device : files.names(DEVICES)) {
      for (String port : files.names(DEVICES + device + "/ports")) {
        if (port.matches("[0-9]{1,3}")) {
          ports.add(read(files, device, Integer.parseInt(port)));
        }
      }
    }
    return ports;
  }

  private static RdmaPort read(HostFiles files, String device, int number) {
    String port = DEVICES + device + "/ports/" + number;
    return new RdmaPort(
        device,
        number,
        // The files say "4: ACTIVE".
        files.text(port + "/state").orElse("unknown").replaceFirst("^[0-9]+: ", ""),
        linkLayer(files, device, port),
        files.text(port + "/rate").orElse("rate unknown"),
        gids(files, port),
        network(files, device, port),
        isSoftware(files, device),
        hasVerbs(files, device));
  }

  private static String linkLayer(HostFiles files, String device, String port) {
    return files.text(DEVICES + device + "/node_type").orElse("").endsWith("RNIC")
        ? "iWARP"
        : files.text(port + "/link_layer").orElse("unknown");
  }

  private static List<Gid> gids(HostFiles files, String port) {
    return files.names(port + "/gids").stream()
        .filter(name -> name.matches("[0-9]{1,5}"))
        .map(Integer::parseInt)
        .sorted()
        .flatMap(index -> gid(files, port, index).stream())
        .toList();
  }

  private static Optional<Gid> gid(HostFiles files, String port, int index) {
    return files
        .text(port + "/gids/" + index)
        .filter(address -> address.matches("[0-9a-f:]*[1-9a-f][0-9a-f:]*"))
        // A port of InfiniBand has a default entry with a prefix and no more.
        .filter(address -> !address.endsWith(":0000:0000:0000:0000"))
        .map(address ->
            new Gid(
                index,
                address,
                files.text(port + "/gid_attrs/types/" + index).orElse("type unknown")));
  }

  private static String network(HostFiles files, String device, String port) {
    return files
        .text(port + "/gid_attrs/ndevs/0")
        .or(() -> files.text(DEVICES + device + "/parent"))
        .or(() -> files.names(DEVICES + device + "/device/net").stream().findFirst())
        .orElse("");
  }

  private static boolean isSoftware(HostFiles files, String device) {
    return files.exists(DEVICES + device + "/parent")
        || files.real(DEVICES + device).orElse("").contains("/devices/virtual/");
  }

  private static boolean hasVerbs(HostFiles files, String device) {
    return files.names(VERBS).stream()
        .anyMatch(name -> files.text(VERBS + "/" + name + "/ibdev").orElse("").equals(device));
  }

  boolean isActive() {
    return state.equals("ACTIVE");
  }

  boolean isEthernet() {
    return linkLayer.equals("Ethernet");
  }

  /** The largest payload of a RoCE frame, which follows from the interface's MTU; 0 for none. */
  static int activeMtuBytes(long networkMtuBytes) {
    for (int mtu : MTUS) {
      if (mtu + ROCE_HEADER_BYTES <= networkMtuBytes) {
        return mtu;
      }
    }
    return 0;
  }

  String describeGids() {
    List<String> shown =
        gids.stream()
            .limit(GIDS_SHOWN)
            .map(gid -> "%d %s %s".formatted(gid.index, gid.address, gid.type))
            .toList();
    return gids.isEmpty()
        ? "no GID"
        : "GIDs %s%s"
            .formatted(
                String.join(", ", shown),
                gids.size() > GIDS_SHOWN ? " and %d more".formatted(gids.size() - GIDS_SHOWN) : "");
  }
}
