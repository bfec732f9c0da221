package io.lampyris.cli.host;

import java.util.List;

/** The IOMMU, and the drivers that let programs drive a device. */
final class IommuCheck {
  private static final String GROUPS = "/sys/kernel/iommu_groups";
  private static final String DRIVERS = "/sys/bus/pci/drivers/";
  private static final String NO_IOMMU = "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode";

  private IommuCheck() {}

  static List<Finding> of(HostFiles files, SpdkUse use) {
    return List.of(iommu(files, use), vfio(files, use));
  }

  private static Finding iommu(HostFiles files, SpdkUse use) {
    String id = "iommu";
    String limit = "groups: they confine what a device can reach to what it was given";
    int groups = files.names(GROUPS).size();
    if (isSwitchedOff(files)) {
      return Finding.warn(
          id,
          "%d groups; the unsafe no-IOMMU mode of vfio is on".formatted(groups),
          limit,
          "echo N > " + NO_IOMMU);
    }
    return groups > 0
        ? Finding.ok(id, groups + " groups", limit)
        : use.lacking(id, "no groups", limit, enable(files));
  }

  private static boolean isSwitchedOff(HostFiles files) {
    return files.text(NO_IOMMU).orElse("N").equals("Y");
  }

  /** How a machine of this maker gets its IOMMU. */
  static String enable(HostFiles files) {
    String arguments =
        files.lines("/proc/cpuinfo").stream().anyMatch(line -> line.contains("GenuineIntel"))
            ? "intel_iommu=on iommu=pt"
            : "iommu=pt";
    String add =
        files.exists("/usr/sbin/grubby")
            ? "grubby --update-kernel=ALL --args='%s'".formatted(arguments)
            : "sed -i 's/^GRUB_CMDLINE_LINUX=\"/&%s /' /etc/default/grub && update-grub"
                .formatted(arguments);
    return add + "\nreboot    # with VT-d or AMD-Vi enabled in the firmware";
  }

  private static Finding vfio(HostFiles files, SpdkUse use) {
    String id = "vfio";
    String limit = "vfio-pci loaded, for SPDK";
    boolean loaded = files.exists(DRIVERS + NvmeController.VFIO);
    List<String> uio =
        NvmeController.UIO.stream()
            .filter(driver -> files.exists(DRIVERS + driver))
            .map(driver -> "; %s is loaded as well".formatted(driver))
            .toList();
    String more = String.join("", uio);
    if (loaded) {
      return Finding.ok(id, "vfio-pci is loaded" + more, limit);
    }
    return isMissing(files)
        ? use.lacking(
            id,
            "this kernel has no vfio-pci" + more,
            limit,
            "install a kernel with CONFIG_VFIO_PCI and boot it")
        : use.lacking(
            id,
            "vfio-pci is not loaded" + more,
            limit,
            "modprobe vfio-pci && echo vfio-pci > /etc/modules-load.d/90-lampyris.conf");
  }

  /** Whether the list of this kernel's modules is there, without this one. */
  private static boolean isMissing(HostFiles files) {
    String release = files.text("/proc/sys/kernel/osrelease").orElse("");
    List<String> modules = files.lines("/lib/modules/%s/modules.dep".formatted(release));
    return !modules.isEmpty() && modules.stream().noneMatch(line -> line.contains("/vfio-pci.ko"));
  }
}
