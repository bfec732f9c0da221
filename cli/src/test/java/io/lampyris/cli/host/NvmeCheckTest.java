package io.lampyris.cli.host;

import static io.lampyris.cli.host.MadeMachine.NVME;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.cli.host.Finding.State;
import io.lampyris.reactor.device.Signatures;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A disk that holds something is never offered, however it is used. */
final class NvmeCheckTest {
  private static final String DISK = "nvme0n1";

  @TempDir private Path root;
  private MadeMachine machine = new MadeMachine(Path.of(""));

  @BeforeEach
  void makeMachine() throws IOException {
    machine = MadeMachine.laptop(root).emptyNvme(NVME, DISK);
  }

  private Finding named() {
    return machine.find("nvme." + NVME, NVME);
  }

  private Finding unnamed() {
    return machine.find("nvme." + NVME);
  }

  /** In use: an ERR for who wants it for SPDK, the kernel's business for who does not. */
  private void isKept(String because) {
    assertEquals(State.ERR, named().state(), named().toString());
    assertEquals(State.INFO, unnamed().state(), unnamed().toString());
    assertTrue(named().observed().contains("must not be unbound"), named().observed());
    assertTrue(named().observed().contains(because), named().observed());
    assertTrue(machine.check().isUsable());
    assertFalse(machine.check(NVME).isUsable());
  }

  @Test
  void anEmptyDiskMayBeBoundAndIsToldHow() {
    assertEquals(State.INFO, unnamed().state());
    Finding finding = named();
    assertEquals(State.WARN, finding.state());
    assertEquals(
        """
        modprobe vfio-pci
        echo vfio-pci > /sys/bus/pci/devices/0000:5e:00.0/driver_override
        echo 0000:5e:00.0 > /sys/bus/pci/devices/0000:5e:00.0/driver/unbind
        echo 0000:5e:00.0 > /sys/bus/pci/drivers_probe\
        """,
        finding.remedy());
    assertTrue(finding.observed().startsWith("driver nvme, node 0, nvme0n1"), finding.observed());
  }

  @Test
  void aMountedDiskIsKept() throws IOException {
    machine.mounts("27 1 259:0 / /data rw - ext4 /dev/root rw");
    isKept("nvme0n1 is mounted on /data");
  }

  @Test
  void aMountedPartitionIsKept() throws IOException {
    machine.partition(DISK, "nvme0n1p2", "259:2");
    machine.mounts("27 1 259:2 / / rw - ext4 /dev/root rw");
    isKept("nvme0n1p2 is mounted on /");
  }

  @Test
  void aMountWithADeviceNumberOfItsOwnIsKept() throws IOException {
    machine.mounts("27 1 0:35 / /home rw - btrfs /dev/nvme0n1 rw");
    isKept("nvme0n1 is mounted on /home");
  }

  @Test
  void aMountThatOnlyInitSeesIsKept() throws IOException {
    machine.file("/proc/1/mountinfo", "27 1 259:0 / /hidden rw - xfs /dev/nvme0n1 rw\n");
    isKept("nvme0n1 is mounted on /hidden");
  }

  @Test
  void swapIsKept() throws IOException {
    machine.partition(DISK, "nvme0n1p3", "259:3");
    machine.file(
        "/proc/swaps",
        "Filename\tType\tSize\tUsed\tPriority\n/dev/nvme0n1p3                 partition\t8\t0\t-2\n");
    isKept("nvme0n1p3 is swap");
  }

  @Test
  void aPartOfAVolumeIsKept() throws IOException {
    machine.directory("/sys/class/block/nvme0n1/holders/dm-0");
    machine.file("/sys/class/block/dm-0/dm/name", "vg0-root\n");
    isKept("nvme0n1 is part of dm-0 (vg0-root)");
  }

  @Test
  void aPartitionInARaidIsKept() throws IOException {
    machine.partition(DISK, "nvme0n1p1", "259:1");
    machine.directory("/sys/class/block/nvme0n1p1/holders/md127");
    isKept("nvme0n1p1 is part of md127");
  }

  @Test
  void whatUdevFoundIsKept() throws IOException {
    machine.partition(DISK, "nvme0n1p1", "259:1");
    machine.file("/run/udev/data/b259:0", "E:ID_PART_TABLE_TYPE=gpt\n");
    machine.file("/run/udev/data/b259:1", "E:ID_PART_TABLE_TYPE=gpt\nE:ID_FS_TYPE=vfat\n");
    isKept("nvme0n1 holds a gpt partition table; nvme0n1p1 holds vfat");
  }

  @Test
  void whatItsBytesSayIsKept() throws IOException {
    byte[] head = new byte[Signatures.HEAD_BYTES];
    System.arraycopy("EFI PART".getBytes(StandardCharsets.US_ASCII), 0, head, 512, 8);
    machine.file("/dev/nvme0n1", head);
    isKept("nvme0n1 holds a GPT partition table");
  }

  @Test
  void aSharedNamespaceIsTheDiskThatItsPathsLeadTo() throws IOException {
    String other = "0000:5f:00.0";
    machine.nvme(other, "nvme", 1);
    machine.directory("/sys/bus/pci/devices/%s/nvme/nvme3/nvme1c3n1".formatted(other));
    machine.block("nvme1n1", "259:7").mounts("27 1 259:7 / /data rw - ext4 /dev/nvme1n1 rw");
    Finding finding = machine.find("nvme." + other, other);
    assertEquals(State.ERR, finding.state());
    assertTrue(finding.observed().contains("nvme1n1 is mounted on /data"), finding.observed());
  }

  @Test
  void aDiskInUseThatIsGivenAwayIsAnErrorByItself() throws IOException {
    machine.mounts("27 1 259:0 / / rw - ext4 /dev/nvme0n1 rw");
    assertTrue(machine.check().isUsable());
    machine.file("/proc/cmdline", "root=/dev/nvme0n1 vfio-pci.ids=8086:1,144d:a808 quiet\n");
    assertEquals(State.ERR, unnamed().state());
    assertTrue(unnamed().observed().contains("command line gives 144d:a808"), unnamed().observed());
    machine.file("/proc/cmdline", "vfio-pci.ids=144d:a809\n");
    assertEquals(State.INFO, unnamed().state());
    machine.file("/etc/modprobe.d/vfio.conf", "options vfio_pci ids=144D:A808 disable_vga=1\n");
    assertEquals(State.ERR, unnamed().state());
    machine.file("/etc/modprobe.d/vfio.conf", "# options vfio-pci ids=144d:a808\n");
    assertEquals(State.INFO, unnamed().state());
    machine.file("/sys/bus/pci/devices/0000:5e:00.0/driver_override", "uio_pci_generic\n");
    assertEquals(State.ERR, unnamed().state());
    assertTrue(unnamed().remedy().contains("/0000:5e:00.0/driver_override"), unnamed().remedy());
  }

  @Test
  void aTargetOfLampyrisIsNoReasonToKeepIt() throws IOException {
    byte[] head = new byte[Signatures.HEAD_BYTES];
    System.arraycopy("LLYRCHNK".getBytes(StandardCharsets.US_ASCII), 0, head, 0, 8);
    machine.file("/dev/nvme0n1", head);
    assertEquals(State.WARN, named().state());
    assertTrue(named().observed().endsWith("; a Lampyris target"), named().observed());
  }

  @Test
  void whatMayNotBeReadIsNotCalledEmpty() throws IOException {
    Files.delete(machine.path("/dev/nvme0n1"));
    machine.directory("/dev/nvme0n1"); // which even root cannot read
    isUnknown();
  }

  @Test
  void aDiskWithoutADeviceFileIsNotCalledEmpty() throws IOException {
    Files.delete(machine.path("/dev/nvme0n1"));
    isUnknown();
  }

  private void isUnknown() {
    assertEquals(State.WARN, named().state());
    assertTrue(named().observed().contains("is not known"), named().observed());
    assertFalse(named().remedy().contains("unbind"), named().remedy());
  }

  @Test
  void withoutADriverNobodyKnowsWhatIsOnIt() throws IOException {
    machine.nvme("0000:60:00.0", "", -1);
    Finding finding = machine.find("nvme.0000:60:00.0", "0000:60:00.0");
    assertTrue(finding.observed().startsWith("no driver, node unknown"), finding.observed());
    assertTrue(finding.observed().contains("is not known"), finding.observed());
    assertTrue(finding.remedy().contains("/sys/bus/pci/drivers/nvme/bind"), finding.remedy());
  }

  @Test
  void aControllerWithoutADiskIsNotCalledEmpty() throws IOException {
    Files.delete(machine.path("/sys/bus/pci/devices/0000:5e:00.0/nvme/nvme0/nvme0n1"));
    isUnknown();
  }

  @Test
  void aDeviceFileThatEndsEarlyIsNotCalledEmpty() throws IOException {
    machine.file("/dev/nvme0n1", new byte[4096]);
    isUnknown();
  }

  @Test
  void aControllerThatIsNotThereIsAnError() {
    Finding finding = machine.find("nvme.0000:99:00.0", "0000:99:00.0");
    assertEquals(State.ERR, finding.state());
  }

  @Test
  void underVfioItIsReadyWhenItsGroupIsItsOwnAndOpen() throws IOException {
    String address = "0000:61:00.0";
    machine.vfioNvme(address);
    assertEquals(State.OK, machine.find("nvme." + address).state());
    machine.directory("/sys/kernel/iommu_groups/12/devices/0000:00:01.0");
    machine.link("/sys/bus/pci/devices/0000:00:01.0/driver", "../../drivers/pcieport");
    assertEquals(State.OK, machine.find("nvme." + address).state(), "bridges do not count");
    machine.directory("/sys/kernel/iommu_groups/12/devices/0000:62:00.0");
    machine.link("/sys/bus/pci/devices/0000:62:00.0/driver", "../../drivers/ahci");
    Finding shared = machine.find("nvme." + address);
    assertEquals(State.WARN, shared.state());
    assertTrue(shared.observed().contains("shares with 0000:62:00.0"), shared.observed());
    Files.delete(machine.path("/sys/kernel/iommu_groups/12/devices/0000:62:00.0"));
    Files.delete(machine.path("/dev/vfio/12"));
    assertTrue(machine.find("nvme." + address).remedy().contains("chown"));
  }

  @Test
  void withoutAnIommuItIsAWarning() throws IOException {
    machine.nvme("0000:61:00.0", "uio_pci_generic", 0);
    machine.nvme("0000:62:00.0", "vfio-pci", 0);
    for (String address : new String[] {"0000:61:00.0", "0000:62:00.0"}) {
      Finding finding = machine.find("nvme." + address);
      assertEquals(State.WARN, finding.state());
      assertTrue(finding.observed().contains("all of the memory"), finding.observed());
    }
  }
}
