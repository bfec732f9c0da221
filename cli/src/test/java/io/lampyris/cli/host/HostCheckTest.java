package io.lampyris.cli.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.cli.base.InputException;
import io.lampyris.cli.base.Json;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class HostCheckTest {
  private static final Set<String> ALWAYS =
      Set.of(
          "kernel",
          "io_uring",
          "thp",
          "overcommit",
          "fuse.device",
          "fuse.library",
          "shm",
          "memlock",
          "nofile",
          "clock.source",
          "clock.synchronised",
          "numa",
          "cpu",
          "cpu.governor",
          "rdma-core",
          "hugepages",
          "iommu",
          "vfio",
          "spdk");

  @TempDir private Path root;

  @Test
  void everyCheckAnswersOnThisMachine() throws Exception {
    HostReport report = HostCheck.run(List.of());
    Set<String> ids = report.findings().stream().map(Finding::id).collect(Collectors.toSet());
    assertTrue(ids.containsAll(ALWAYS), ids.toString());
    for (String area : List.of("net", "nvme", "rdma")) {
      assertTrue(ids.stream().anyMatch(id -> id.equals(area) || id.startsWith(area + ".")), area);
    }
    assertEquals(
        System.getProperty("os.version"),
        report.findings().getFirst().observed().replaceFirst("Linux ", ""));
    assertEquals(Json.parse(Json.write(report.json())), report.json());
  }

  @Test
  void aLaptopIsToldCalmlyThatIoUringAndTcpWillDo() throws IOException {
    HostReport report = MadeMachine.laptop(root).check();
    assertEquals(List.of(), MadeMachine.ids(report, Finding.State.WARN));
    assertTrue(report.isUsable());
    assertTrue(
        report
            .text()
            .endsWith(
                "Lampyris will use: io_uring for storage (SPDK is not prepared and not needed),"
                    + " TCP for the network (RDMA is not prepared and not needed)\n"),
        report.text());
    assertFalse(report.text().contains("remedy"), report.text());
  }

  @Test
  void aPreparedServerIsFoundToBeOne() throws IOException {
    HostReport report = MadeMachine.server(root).check(MadeMachine.NVME);
    assertEquals(List.of(), MadeMachine.ids(report, Finding.State.WARN), report.text());
    assertTrue(report.isUsable());
    assertTrue(report.text().contains("(prepared for SPDK)"), report.text());
    assertTrue(report.text().contains("(prepared for RDMA)"), report.text());
    Map<?, ?> summary = (Map<?, ?>) report.json().getOrDefault("summary", Map.of());
    assertEquals(true, summary.get("spdk_prepared"));
    assertEquals(true, summary.get("rdma_prepared"));
    assertEquals(0L, summary.get("err"));
  }

  @Test
  void anEmptyMachineGivesFindingsAndNoException() {
    HostReport report = new MadeMachine(root).check(MadeMachine.NVME);
    assertTrue(report.findings().stream().map(Finding::id).toList().containsAll(ALWAYS));
    assertEquals(
        List.of("fuse.device", "fuse.library", "shm", "nvme." + MadeMachine.NVME),
        MadeMachine.ids(report, Finding.State.ERR));
    assertTrue(report.text().contains("see ERR above"), report.text());
    assertTrue(report.text().contains("(SPDK is not prepared yet)"), report.text());
  }

  @Test
  void filesOfAnotherFormEndNothing() throws IOException {
    MadeMachine machine = MadeMachine.server(root).emptyNvme("0000:5f:00.0", "nvme0n1");
    for (String file :
        List.of(
            "/proc/self/mountinfo",
            "/proc/self/limits",
            "/proc/self/status",
            "/proc/swaps",
            "/proc/meminfo",
            "/proc/sys/kernel/osrelease",
            "/proc/sys/kernel/io_uring_disabled",
            "/etc/ld.so.cache",
            "/sys/devices/system/cpu/online",
            "/sys/devices/system/node/node0/distance",
            "/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages",
            "/sys/bus/pci/devices/0000:5e:00.0/numa_node",
            "/sys/class/block/nvme0n1/dev",
            "/sys/class/infiniband/mlx5_0/ports/1/state",
            "/sys/class/infiniband/mlx5_0/ports/1/gids/1",
            "/sys/class/net/ens1f0/mtu",
            "/opt/spdk/VERSION")) {
      machine.file(
          file, "glibc-ld.so.cache1.1\u0000 Max open files \uFFFF 9999999999999999999 - -");
      assertTrue(machine.check(MadeMachine.NVME).findings().size() > ALWAYS.size(), file);
    }
  }

  @Test
  void addressesAreReadInBothFormsAndOthersAreRefused() throws InputException {
    assertEquals("0000:5e:00.0", HostCheck.address("5E:00.0"));
    assertEquals("10000:01:00.0", HostCheck.address("10000:01:00.0"));
    for (String wrong :
        List.of("", "nvme0", "5e:00", "5e:00.8", "/sys/5e:00.0", "0000:5e:00.0/x")) {
      InputException e = assertThrows(InputException.class, () -> HostCheck.address(wrong));
      assertTrue(String.valueOf(e.getMessage()).contains("remedy: "), e.getMessage());
    }
  }
}
