package io.lampyris.cli.host;

import static io.lampyris.cli.host.MadeMachine.NVME;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.cli.host.Finding.State;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What SPDK needs beside a controller: huge pages, an IOMMU, vfio-pci and its libraries. */
final class SpdkPartsTest {
  @TempDir private Path root;
  private MadeMachine machine = new MadeMachine(Path.of(""));

  @BeforeEach
  void makeMachine() throws IOException {
    machine = MadeMachine.laptop(root).emptyNvme(NVME, "nvme0n1");
  }

  /** Nobody who does not want SPDK is bothered. */
  private Finding isMissedOnlyWhenWanted(String id) {
    assertEquals(State.INFO, machine.find(id).state());
    assertEquals("", machine.find(id).remedy());
    Finding wanted = machine.find(id, NVME);
    assertEquals(State.WARN, wanted.state());
    return wanted;
  }

  @Test
  void hugePagesAreCountedByNodeAndSize() throws IOException {
    machine.nvme("0000:af:00.0", "vfio-pci", 1);
    machine.hugePages(0, 512, 500).hugePages(1, 511, 0);
    String large = "/sys/devices/system/node/node0/hugepages/hugepages-1048576kB/";
    machine.file(large + "nr_hugepages", "2\n").file(large + "free_hugepages", "1\n");
    Finding finding = machine.find("hugepages");
    assertEquals(
        "node 0: 2 x 1GiB, 1 free; node 0: 512 x 2MiB, 500 free; node 1: 511 x 2MiB, 0 free",
        finding.observed());
    assertEquals(State.WARN, finding.state(), "node 1 has a controller and too few");
    assertEquals(
        """
        echo 512 > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages
        echo vm.nr_hugepages=1024 > /etc/sysctl.d/90-lampyris-hugepages.conf    # for each boot\
        """,
        finding.remedy());
    assertEquals(State.WARN, machine.find("hugepages.mount").state());
    machine.hugePages(1, 512, 0);
    assertEquals(State.OK, machine.find("hugepages").state());
  }

  @Test
  void hugePagesOfAKernelWithoutNodesCount() throws IOException {
    MadeMachine flat = new MadeMachine(root.resolve("flat")).vfioNvme(NVME);
    String pool = "/sys/kernel/mm/hugepages/hugepages-2048kB/";
    flat.file(pool + "nr_hugepages", "512\n").file(pool + "free_hugepages", "512\n");
    assertEquals("512 x 2MiB, 512 free", flat.find("hugepages").observed());
    assertEquals(State.OK, flat.find("hugepages").state());
    flat.file(pool + "nr_hugepages", "1\n");
    assertTrue(flat.find("hugepages").remedy().startsWith("echo 512 > " + pool));
  }

  @Test
  void withoutHugePagesThereIsNothingToMount() {
    isMissedOnlyWhenWanted("hugepages");
    assertTrue(
        machine.check().findings().stream().noneMatch(f -> f.id().equals("hugepages.mount")));
  }

  @Test
  void theIommuIsSwitchedOnByTheWordOfItsMaker() throws IOException {
    assertTrue(isMissedOnlyWhenWanted("iommu").remedy().contains("/&iommu=pt /"));
    machine.file("/proc/cpuinfo", "processor : 0\nvendor_id\t: GenuineIntel\n");
    machine.file("/usr/sbin/grubby", "");
    assertTrue(
        isMissedOnlyWhenWanted("iommu")
            .remedy()
            .startsWith("grubby --update-kernel=ALL --args='intel_iommu=on iommu=pt'"));
    machine.directory("/sys/kernel/iommu_groups/0").directory("/sys/kernel/iommu_groups/1");
    assertEquals("2 groups", machine.find("iommu").observed());
    assertEquals(State.OK, machine.find("iommu", NVME).state());
  }

  @Test
  void theUnsafeModeOfVfioIsAWarningInAnyCase() throws IOException {
    machine.directory("/sys/kernel/iommu_groups/0");
    machine.file("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
    assertEquals(State.WARN, machine.find("iommu").state());
    machine.file("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "N\n");
    assertEquals(State.OK, machine.find("iommu").state());
  }

  @Test
  void vfioIsLoadedOrCanBeOrIsNotThere() throws IOException {
    assertTrue(isMissedOnlyWhenWanted("vfio").remedy().startsWith("modprobe vfio-pci"));
    machine.file("/lib/modules/6.12.9-amd64/modules.dep", "kernel/drivers/nvme/host/nvme.ko:\n");
    assertTrue(isMissedOnlyWhenWanted("vfio").observed().startsWith("this kernel has no vfio-pci"));
    machine.file(
        "/lib/modules/6.12.9-amd64/modules.dep", "kernel/drivers/vfio/pci/vfio-pci.ko.xz: a\n");
    assertTrue(isMissedOnlyWhenWanted("vfio").remedy().startsWith("modprobe vfio-pci"));
    machine.directory("/sys/bus/pci/drivers/uio_pci_generic");
    assertTrue(machine.find("vfio").observed().contains("uio_pci_generic is loaded as well"));
    machine.directory("/sys/bus/pci/drivers/vfio-pci");
    assertEquals(State.OK, machine.find("vfio", NVME).state());
  }

  @Test
  void spdkIsFoundAtHomeByPkgConfigOrByTheLoader() throws IOException {
    isMissedOnlyWhenWanted("spdk");
    machine.libraries("libspdk_nvme.so.15.0");
    assertEquals(State.WARN, machine.find("spdk").state(), "half of it is there");
    assertTrue(machine.find("spdk").observed().contains("does not find libspdk_env_dpdk"));
    machine.libraries("libspdk_env_dpdk.so.15.1");
    assertEquals(
        "/usr/lib/x86_64-linux-gnu/libspdk_nvme.so.15.0, ABI 15.0",
        machine.find("spdk").observed());
    String file = "/usr/local/lib/pkgconfig/spdk_nvme.pc";
    machine.file(file, "Name: spdk_nvme\nVersion: 24.09\nLibs: -lspdk_nvme\n");
    assertEquals("SPDK 24.09 by " + file, machine.find("spdk").observed());
    machine.environment("SPDK_HOME", "/opt/spdk").directory("/opt/spdk/build/lib");
    assertEquals(State.WARN, machine.find("spdk").state());
    machine.file("/opt/spdk/lib/libspdk_nvme.so.15.0", "");
    machine.file("/opt/spdk/lib/libspdk_env_dpdk.so.15.1", "");
    machine.file(
        "/opt/spdk/include/spdk/version.h",
        """
        #define SPDK_VERSION_MAJOR	24
        #define SPDK_VERSION_MINOR	9
        #define SPDK_VERSION_PATCH	1
        """);
    assertEquals("SPDK 24.9.1 in /opt/spdk/lib", machine.find("spdk").observed());
    assertEquals(State.OK, machine.find("spdk").state());
  }
}
