package io.lampyris.cli.host;

import io.lampyris.reactor.device.Signatures;
import java.util.ArrayList;
import java.util.List;

/** Every NVMe controller: who drives it, and whether SPDK may. */
final class NvmeCheck {
  private static final String DRIVEN = "driven by vfio-pci, with an IOMMU group of its own";
  private static final String EMPTY =
      "nothing mounted, swap, held or written on a disk that SPDK is to drive";

  private final HostFiles files;
  private final SpdkUse use;

  private NvmeCheck(HostFiles files, SpdkUse use) {
    this.files = files;
    this.use = use;
  }

  static List<Finding> of(HostFiles files, SpdkUse use) {
    return new NvmeCheck(files, use).findings();
  }

  private List<Finding> findings() {
    List<Finding> findings = new ArrayList<>();
    use.controllers().forEach(controller -> findings.add(judge(controller)));
    for (String address : use.named()) {
      if (use.controllers().stream().noneMatch(each -> each.address().equals(address))) {
        findings.add(
            Finding.err(
                id(address),
                "no NVMe controller at this address",
                "one that is there",
                "lspci -D -d ::0108    # lists them"));
      }
    }
    if (findings.isEmpty()) {
      findings.add(
          Finding.info(
              "nvme", "no NVMe controller on PCIe", "one, for SPDK; io_uring needs none", ""));
    }
    return findings;
  }

  private static String id(String address) {
    return "nvme." + address;
  }

  private Finding judge(NvmeController controller) {
    if (controller.driver().equals(NvmeController.VFIO)) {
      return ofVfio(controller);
    }
    return NvmeController.UIO.contains(controller.driver())
        ? Finding.warn(
            id(controller.address()),
            controller.describe() + ": it can reach all of the memory",
            DRIVEN,
            bind(controller))
        : ofKernel(controller);
  }

  // ---- Held by vfio-pci

  private Finding ofVfio(NvmeController controller) {
    String id = id(controller.address());
    String node = "/dev/vfio/" + controller.group();
    if (controller.group().isEmpty() || files.exists("/dev/vfio/noiommu-" + controller.group())) {
      return Finding.warn(
          id,
          controller.describe() + ", no IOMMU: it can reach all of the memory",
          DRIVEN,
          IommuCheck.enable(files));
    }
    List<String> others = othersInGroup(controller);
    String observed = controller.describe() + ", IOMMU group " + controller.group();
    if (!others.isEmpty()) {
      return Finding.warn(
          id,
          "%s, which it shares with %s".formatted(observed, String.join(", ", others)),
          DRIVEN,
          "give those to vfio-pci too, or put the controller into another slot");
    }
    return files.isUsable(node)
        ? Finding.ok(id, observed, DRIVEN)
        : Finding.warn(
            id,
            "%s; no access to %s".formatted(observed, node),
            DRIVEN,
            "sudo chown $USER %s    # whoever runs Lampyris".formatted(node));
  }

  /** Devices of its group that the kernel drives, which VFIO refuses. */
  private List<String> othersInGroup(NvmeController controller) {
    String directory = "/sys/kernel/iommu_groups/" + controller.group() + "/devices";
    return files.names(directory).stream()
        .filter(address -> !address.equals(controller.address()))
        .filter(address -> {
          String driver = files.link(NvmeController.DEVICES + address + "/driver").orElse("");
          return !driver.isEmpty() && !driver.equals("pcieport") && !driver.startsWith("vfio");
        })
        .toList();
  }

  // ---- Held by the kernel's driver, or by none

  private Finding ofKernel(NvmeController controller) {
    List<String> uses = new ArrayList<>();
    // Without a driver, or without a namespace, nobody knows what is on it.
    boolean known = !controller.disks().isEmpty();
    boolean target = false;
    for (String disk : controller.disks()) {
      BlockUse found = BlockUse.of(files, disk);
      uses.addAll(found.uses());
      known &= found.known();
      target |= found.target();
    }
    boolean named = use.named().contains(controller.address());
    if (!uses.isEmpty()) {
      return inUse(controller, uses, named);
    }
    return known ? free(controller, target, named) : unknown(controller, named);
  }

  private static Finding inUse(NvmeController controller, List<String> uses, boolean named) {
    String id = id(controller.address());
    String observed =
        "%s: must not be unbound, %s".formatted(controller.describe(), String.join("; ", uses));
    if (!controller.claim().isEmpty()) {
      return Finding.err(
          id,
          observed + "; but " + controller.claim(),
          EMPTY,
          "echo > %s%s/driver_override    # and take its ids out of vfio-pci's options"
              .formatted(NvmeController.DEVICES, controller.address()));
    }
    return named
        ? Finding.err(
            id,
            observed,
            EMPTY,
            "lsblk -o NAME,FSTYPE,MOUNTPOINTS %s    # leave it to the kernel; name another --device"
                .formatted(paths(controller)))
        : Finding.info(id, observed, EMPTY, "");
  }

  private static String paths(NvmeController controller) {
    return "/dev/" + String.join(" /dev/", controller.disks());
  }

  private static Finding free(NvmeController controller, boolean target, boolean named) {
    String id = id(controller.address());
    String observed =
        "%s; %s".formatted(controller.describe(), target ? Signatures.TARGET : "nothing on it");
    return named
        ? Finding.warn(id, observed, DRIVEN, bind(controller))
        : Finding.info(
            id,
            observed,
            DRIVEN,
            "lampyris check host --device %s    # what SPDK needs to drive it"
                .formatted(controller.address()));
  }

  /** Nobody is told how to unbind it (I5). */
  private static Finding unknown(NvmeController controller, boolean named) {
    String id = id(controller.address());
    String observed = controller.describe() + "; what is on it is not known";
    if (!named) {
      return Finding.info(id, observed, EMPTY, "");
    }
    String again = "sudo lampyris check host --device " + controller.address();
    return Finding.warn(
        id,
        observed,
        EMPTY,
        controller.driver().isEmpty()
            ? "modprobe nvme; echo %s > /sys/bus/pci/drivers/nvme/bind\n%s"
                .formatted(controller.address(), again)
            : again);
  }

  /** Takes it from its driver and gives it to vfio-pci, until the next boot. */
  private static String bind(NvmeController controller) {
    String device = NvmeController.DEVICES + controller.address();
    String unbind =
        controller.driver().isEmpty()
            ? ""
            : "echo %s > %s/driver/unbind\n".formatted(controller.address(), device);
    return "modprobe vfio-pci\necho vfio-pci > %s/driver_override\n%secho %s > /sys/bus/pci/drivers_probe"
        .formatted(device, unbind, controller.address());
  }
}
