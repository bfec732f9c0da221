package io.lampyris.chunkengine.host;

import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.StoreException.Reason;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which NVMe namespace a target's device is, as SPDK's programs write it: a transport id, and
 * {@code ns:} with the number, 1 if there is none.
 *
 * @param transportId of the controller
 * @param namespace from 1
 * @param isOverwritten whether something else's bytes on it may go when a target is made
 */
public record NamespaceName(String transportId, int namespace, boolean isOverwritten) {
  private static final Pattern NAMESPACE = Pattern.compile("ns:([1-9][0-9]{0,8})");
  private static final Pattern PCI =
      Pattern.compile("(?i)trtype:pcie(?= ).* traddr:([0-9a-f:.]+).*");
  private static final String OVERWRITE = "overwrite:yes";

  /** How one is written. */
  public static final String SYNTAX =
      "trtype:PCIe|TCP|RDMA|VFIOUSER traddr:ADDRESS [ns:N] [overwrite:yes], for fabrics with trsvcid: and subnqn:";

  /**
   * Reads one.
   *
   * @throws StoreException INVALID_ARGUMENT
   */
  public static NamespaceName parse(String text) throws StoreException {
    StringBuilder transport = new StringBuilder();
    int namespace = 1;
    boolean overwritten = false;
    for (String part : List.of(text.strip().split("\\s+", -1))) {
      Matcher number = NAMESPACE.matcher(part);
      if (number.matches()) {
        namespace = Integer.parseInt(number.group(1));
      } else if (part.equals(OVERWRITE)) {
        overwritten = true;
      } else if (part.matches("[a-z]+:\\S+") && !part.startsWith("ns:")) {
        transport.append(transport.isEmpty() ? "" : " ").append(part);
      } else {
        throw malformed(text);
      }
    }
    String id = transport.toString();
    if (!id.contains("trtype:") || !id.contains("traddr:")) {
      throw malformed(text);
    }
    return new NamespaceName(id, namespace, overwritten);
  }

  private static StoreException malformed(String text) {
    return new StoreException(
        Reason.INVALID_ARGUMENT,
        "not the name of an NVMe namespace; observed='%s', limit=%s; remedy: correct it"
            .formatted(text, SYNTAX));
  }

  /** The address on the PCI Express bus; empty when it is elsewhere. */
  public String pciAddress() {
    Matcher pci = PCI.matcher(transportId);
    return pci.matches() ? pci.group(1) : "";
  }

  /** Whether it is the same namespace, whatever may be done with it. */
  public boolean isSame(NamespaceName other) {
    return namespace == other.namespace && transportId.equals(other.transportId);
  }

  @Override
  public String toString() {
    return transportId + " ns:" + namespace;
  }
}
