package io.lampyris.cli;

import io.lampyris.cli.base.InputException;
import io.lampyris.cli.base.Json;
import io.lampyris.cli.host.HostCheck;
import io.lampyris.cli.host.HostReport;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code lampyris check host}. */
@Command(
    name = "host",
    mixinStandardHelpOptions = true,
    description = {
      "Says what this machine offers Lampyris, and changes nothing.",
      "",
      "Looks at the kernel and io_uring, FUSE, /dev/shm, limits of locked memory and open files,"
          + " clocks, CPUs and NUMA nodes, network links, RDMA devices with their GIDs and"
          + " libraries, NVMe controllers with their drivers and what is on them, huge pages, IOMMU"
          + " and VFIO, and SPDK.",
      "",
      "ERR: Lampyris fails, or data is in danger. WARN: it costs speed or safety. INFO: hardware"
          + " that is not there, or is left to the kernel; io_uring and TCP need none of it. Each"
          + " has what to type.",
      "",
      "A machine is prepared for SPDK by naming the controllers that Lampyris is to drive: then"
          + " what they lack is a WARN, and a disk that is mounted, swap, part of something or not"
          + " empty is an ERR."
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {"0:no ERR", "1:at least one ERR", "2:wrong input"},
    footerHeading = "%nExamples:%n",
    footer = {
      "  lampyris check host",
      "  lampyris check host --device 0000:5e:00.0 --device 0000:5f:00.0",
      "  lampyris check host -o json | jq -r '.checks[] | select(.state == \"warn\") | .remedy'",
      "",
      "What disks hold is known in full only to root."
    })
final class CheckHostCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @ParentCommand private @Nullable CheckCommand check;

  @Option(
      names = "--device",
      paramLabel = "ADDRESS",
      description = "PCIe address of an NVMe controller that SPDK is to drive; may be repeated.")
  private List<String> devices = List.of();

  @Override
  public Integer call() throws InputException {
    assert spec != null && check != null : "picocli fills them in";
    if (check.isTargetNamed()) {
      throw new ParameterException(
          spec.commandLine(), "--dir and --no-data are of lampyris check alone");
    }
    HostReport report = HostCheck.run(devices);
    PrintWriter out = spec.commandLine().getOut();
    out.print(
        check.output() == OutputFormat.JSON ? Json.pretty(report.json()) + "\n" : report.text());
    out.flush();
    return report.isUsable() ? Main.DONE : Main.FAILED;
  }
}
