package io.lampyris.cli.host;

import io.lampyris.cli.base.InputException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/** All checks of a machine. */
public final class HostCheck {
  private HostCheck() {}

  /**
   * Looks at this machine and changes nothing.
   *
   * @param devices PCIe addresses of controllers that SPDK is to drive
   */
  public static HostReport run(List<String> devices) throws InputException {
    Set<String> named = new TreeSet<>();
    for (String device : devices) {
      named.add(address(device));
    }
    return of(Host.observed(), named);
  }

  /**
   * Refuses a controller that SPDK cannot drive, or that somebody else uses; changes nothing.
   *
   * @param device PCIe address
   */
  public static void requireDrivable(String device) throws InputException {
    String address = address(device);
    HostFiles files = Host.observed().files();
    SpdkUse use = new SpdkUse(NvmeController.all(files), Set.of(address));
    if (use.controllers().stream()
        .anyMatch(each -> each.address().equals(address) && each.isForPrograms())) {
      return;
    }
    for (Finding finding : NvmeCheck.of(files, use)) {
      if (finding.id().endsWith(address)) {
        throw InputException.of(
            "SPDK cannot drive " + address,
            finding.observed(),
            finding.limit(),
            finding.remedy().replace("\n", "; "));
      }
    }
  }

  /** The full form: {@code 5e:00.0} is {@code 0000:5e:00.0}. */
  static String address(String text) throws InputException {
    String form = text.strip().toLowerCase(Locale.ROOT);
    if (form.matches("[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7]")) {
      return "0000:" + form;
    }
    if (!form.matches("[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\\.[0-7]")) {
      throw InputException.of(
          "--device is no PCIe address",
          "'" + text + "'",
          "a form like 0000:5e:00.0",
          "lspci -D -d ::0108 lists those of NVMe controllers");
    }
    return form;
  }

  static HostReport of(Host host, Set<String> named) {
    HostFiles files = host.files();
    Libraries libraries = new Libraries(host);
    SpdkUse use = new SpdkUse(NvmeController.all(files), named);
    List<RdmaPort> ports = RdmaPort.all(files);
    List<Finding> findings = new ArrayList<>();
    findings.addAll(KernelCheck.of(host));
    findings.addAll(FuseCheck.of(host, libraries));
    findings.addAll(MemoryFsCheck.of(files));
    findings.addAll(LimitsCheck.of(files, use.isWanted() || !ports.isEmpty()));
    findings.addAll(ClockCheck.of(host));
    findings.addAll(CpuCheck.of(files));
    findings.addAll(NetCheck.of(files));
    findings.addAll(RdmaCheck.of(host, libraries, ports));
    findings.addAll(NvmeCheck.of(files, use));
    findings.addAll(HugePagesCheck.of(files, use));
    findings.addAll(IommuCheck.of(files, use));
    findings.addAll(SpdkCheck.of(host, libraries, use));
    return new HostReport(findings, use.isWanted(), !ports.isEmpty());
  }
}
