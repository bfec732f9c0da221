package io.lampyris.cli.host;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * An NVMe controller on PCIe.
 *
 * @param address of PCIe: {@code 0000:5e:00.0}
 * @param driver that holds it; empty when none does
 * @param node of NUMA; -1 when the firmware does not say
 * @param group of the IOMMU; empty without one
 * @param disks its namespaces, as the kernel's driver shows them
 * @param claim what in the configuration gives it to a user-space driver; empty when nothing does
 */
record NvmeController(
    String address, String driver, int node, String group, List<String> disks, String claim) {
  static final String DEVICES = "/sys/bus/pci/devices/";
  static final String VFIO = "vfio-pci";

  /** Drivers that let programs drive a device, and that device reach all of the memory. */
  static final List<String> UIO = List.of("uio_pci_generic", "igb_uio");

  /** Mass storage, non-volatile memory, NVMe I/O controller. */
  private static final String CLASS = "0x010802";

  private static final Pattern CONTROLLER = Pattern.compile("nvme[0-9]+");

  /**
   * A namespace, or one path to it when the controller shares it: nvme1c0n1 is a way to the disk
   * nvme1n1.
   */
  private static final Pattern NAMESPACE = Pattern.compile("(nvme[0-9]+)(?:c[0-9]+)?(n[0-9]+)");

  private static final Pattern IDS = Pattern.compile("ids=([0-9a-fA-F:,]+)");

  /** All of the machine, by address. */
  static List<NvmeController> all(HostFiles files) {
    return files.names(DEVICES).stream()
        .filter(address -> files.text(DEVICES + address + "/class").orElse("").equals(CLASS))
        .map(address -> read(files, address))
        .toList();
  }

  private static NvmeController read(HostFiles files, String address) {
    String device = DEVICES + address;
    return new NvmeController(
        address,
        files.link(device + "/driver").orElse(""),
        (int) files.number(device + "/numa_node").orElse(-1),
        files.link(device + "/iommu_group").orElse(""),
        disks(files, device + "/nvme"),
        claim(files, address));
  }

  private static List<String> disks(HostFiles files, String directory) {
    List<String> disks = new ArrayList<>();
    for (String controller : files.names(directory)) {
      if (CONTROLLER.matcher(controller).matches()) {
        for (String name : files.names(directory + "/" + controller)) {
          Matcher form = NAMESPACE.matcher(name);
          if (form.matches()) {
            disks.add(form.group(1) + form.group(2));
          }
        }
      }
    }
    return List.copyOf(disks);
  }

  private static String claim(HostFiles files, String address) {
    String device = DEVICES + address;
    String override = files.text(device + "/driver_override").orElse("");
    if (isForPrograms(override)) {
      return "driver_override is " + override;
    }
    // 0x144d and 0xa808 are 144d:a808 to vfio-pci.
    String id =
        files.text(device + "/vendor").orElse("").replace("0x", "")
            + ":"
            + files.text(device + "/device").orElse("").replace("0x", "");
    return claimById(files, id)
        .map(place -> "%s gives %s to %s".formatted(place, id, VFIO))
        .orElse("");
  }

  /** Where the ids of vfio-pci are set: the kernel's command line, modprobe.d(5). */
  private static Optional<String> claimById(HostFiles files, String id) {
    for (String word : files.text("/proc/cmdline").orElse("").split("\\s+", -1)) {
      if (word.matches("vfio[-_]pci\\.ids=.*") && names(word, id)) {
        return Optional.of("the kernel's command line");
      }
    }
    for (String file : files.names("/etc/modprobe.d")) {
      for (String line : files.lines("/etc/modprobe.d/" + file)) {
        if (line.matches("\\s*options\\s+vfio[-_]pci\\s.*") && names(line, id)) {
          return Optional.of("/etc/modprobe.d/" + file);
        }
      }
    }
    return Optional.empty();
  }

  private static boolean names(String text, String id) {
    Matcher ids = IDS.matcher(text);
    return ids.find()
        && Stream.of(ids.group(1).split(",", -1))
            .map(each -> each.toLowerCase(Locale.ROOT))
            // Subvendor, subdevice and class may follow.
            .anyMatch(each -> each.equals(id) || each.startsWith(id + ":"));
  }

  /** Whether a program may drive it now, as far as its driver goes. */
  boolean isForPrograms() {
    return isForPrograms(driver);
  }

  private static boolean isForPrograms(String driver) {
    return driver.equals(VFIO) || UIO.contains(driver);
  }

  /** What it is and where, in words. */
  String describe() {
    return "%s, node %s%s"
        .formatted(
            driver.isEmpty() ? "no driver" : "driver " + driver,
            node < 0 ? "unknown" : Integer.toString(node),
            disks.isEmpty() ? "" : ", " + String.join(" ", disks));
  }
}
