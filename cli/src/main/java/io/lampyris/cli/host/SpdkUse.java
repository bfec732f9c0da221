package io.lampyris.cli.host;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Which controllers are meant for SPDK: those that were named, and those that a user-space driver
 * holds.
 *
 * @param controllers all of the machine
 * @param named addresses that the user gave
 */
record SpdkUse(List<NvmeController> controllers, Set<String> named) {
  boolean isMeant(NvmeController controller) {
    return named.contains(controller.address()) || controller.isForPrograms();
  }

  boolean isWanted() {
    return !named.isEmpty() || controllers.stream().anyMatch(this::isMeant);
  }

  /** The NUMA nodes of these controllers; node 0 where the firmware does not say. */
  Set<Integer> nodes() {
    Set<Integer> nodes = new TreeSet<>();
    controllers.stream()
        .filter(this::isMeant)
        .forEach(controller -> nodes.add(Math.max(0, controller.node())));
    return nodes;
  }

  /** WARN where SPDK is wanted, and no reason to worry elsewhere. */
  Finding lacking(String id, String observed, String limit, String remedy) {
    return isWanted()
        ? Finding.warn(id, observed, limit, remedy)
        : Finding.info(id, observed, limit, "");
  }
}
