package io.lampyris.bench.cluster;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Links of the virtual rig, each an RDMA device with its address: the first one is for everything
 * that is no storage node, the next one is storage node 1's, and so on.
 */
record RigLinks(List<String> devices, List<String> addresses) implements RealCluster.Wiring {
  /**
   * @param links DEVICE=ADDRESS, between blanks
   */
  static RigLinks of(String links) {
    List<String> devices = new ArrayList<>();
    List<String> addresses = new ArrayList<>();
    for (String link : links.strip().split(" +", -1)) {
      int equals = link.indexOf('=');
      if (equals < 1) {
        throw new IllegalArgumentException(
            "a link is malformed; observed=%s, limit=DEVICE=ADDRESS; remedy: correct --links"
                .formatted(link));
      }
      devices.add(link.substring(0, equals));
      addresses.add(link.substring(equals + 1));
    }
    return new RigLinks(List.copyOf(devices), List.copyOf(addresses));
  }

  private String of(List<String> list, int node) {
    if (node >= list.size()) {
      throw new IllegalArgumentException(
          "there are too few links; observed=%d for storage node %d, limit=one more than nodes; remedy: name more of them in --links"
              .formatted(list.size(), node));
    }
    return list.get(node);
  }

  @Override
  public String host() {
    return addresses.getFirst();
  }

  @Override
  public String host(int node) {
    return of(addresses, node);
  }

  @Override
  public List<String> prefix(int node) {
    return List.of();
  }

  @Override
  public String rdma(int node) {
    return of(devices, node);
  }

  @Override
  public int patience() {
    return 5;
  }

  /** TCP between addresses of one machine needs no cable. */
  @Override
  public void cable(int node, boolean in) throws IOException, InterruptedException {
    Cli.run(List.of("rig-host", "link", "nic" + node, in ? "up" : "down"));
  }
}
