package io.lampyris.cli.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.cli.host.Finding.State;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class RdmaCheckTest {
  private static final String ID = "rdma.mlx5_0.1";
  private static final String PORT = "/sys/class/infiniband/mlx5_0/ports/1";

  @TempDir private Path root;
  private MadeMachine machine = new MadeMachine(Path.of(""));

  @BeforeEach
  void makeMachine() throws IOException {
    machine = MadeMachine.server(root);
  }

  private void warns(String observed, String remedy) {
    Finding finding = machine.find(ID);
    assertEquals(State.WARN, finding.state(), finding.toString());
    assertTrue(finding.observed().contains(observed), finding.observed());
    assertTrue(finding.remedy().contains(remedy), finding.remedy());
  }

  @Test
  void aPortOfACardIsDescribedInFull() {
    assertEquals(
        Finding.ok(
            ID,
            "ACTIVE, Ethernet, 100 Gb/sec (4X EDR), behind it ens1f0 with MTU 9000 and a link,"
                + " active MTU 4096, GIDs 0 fe80:0000:0000:0000:0e42:a1ff:fe00:0001 IB/RoCE v1,"
                + " 1 0000:0000:0000:0000:0000:ffff:0a00:0001 RoCE v2",
            machine.find(ID).limit()),
        machine.find(ID));
  }

  @Test
  void softRoceIsRecognisedAsSuch() throws IOException {
    machine.file("/sys/class/infiniband/mlx5_0/parent", "ens1f0\n");
    warns("played by the kernel", "TCP is faster");
    Files.delete(machine.path("/sys/class/infiniband/mlx5_0/parent"));
    Files.createDirectories(machine.path("/sys/devices/virtual/infiniband"));
    Files.move(
        machine.path("/sys/class/infiniband/mlx5_0"),
        machine.path("/sys/devices/virtual/infiniband/mlx5_0"));
    machine.link("/sys/class/infiniband/mlx5_0", "../../devices/virtual/infiniband/mlx5_0");
    warns("played by the kernel", "TCP is faster");
  }

  @Test
  void aPortThatIsDownIsAWarning() throws IOException {
    machine.file(PORT + "/state", "1: DOWN\n").file("/sys/class/net/ens1f0/carrier", "0\n");
    warns("DOWN, ", "ip link set dev ens1f0 up");
  }

  @Test
  void infiniBandWithoutASubnetManagerIsAWarning() throws IOException {
    machine.file(PORT + "/state", "2: INIT\n").file(PORT + "/link_layer", "InfiniBand\n");
    warns("INIT, InfiniBand", "opensm");
  }

  @Test
  void infiniBandNeedsNoGidOfRoce() throws IOException {
    machine.file(PORT + "/link_layer", "InfiniBand\n");
    machine.file(PORT + "/gid_attrs/types/1", "IB/RoCE v1\n");
    assertEquals(State.OK, machine.find(ID).state());
  }

  @Test
  void withoutARoutableGidItIsAWarning() throws IOException {
    machine.file(PORT + "/gid_attrs/types/1", "IB/RoCE v1\n");
    warns("1 0000:0000:0000:0000:0000:ffff:0a00:0001 IB/RoCE v1", "ip address show dev ens1f0");
  }

  @Test
  void framesOf1500BytesLeaveAnMtuOf1024() throws IOException {
    machine.file("/sys/class/net/ens1f0/mtu", "1500\n");
    warns("active MTU 1024", "ip link set dev ens1f0 mtu 9000");
    assertEquals(4096, RdmaPort.activeMtuBytes(4200));
    assertEquals(4096, RdmaPort.activeMtuBytes(4192));
    assertEquals(2048, RdmaPort.activeMtuBytes(4191));
    assertEquals(0, RdmaPort.activeMtuBytes(100));
  }

  @Test
  void withoutVerbsNoProgramCanOpenIt() throws IOException {
    machine.file("/sys/class/infiniband_verbs/uverbs0/ibdev", "mlx5_1\n");
    warns("ACTIVE", "modprobe -a ib_uverbs rdma_ucm");
  }

  @Test
  void theLibraryIsMissedOnlyWhereThereIsADevice() throws IOException {
    assertEquals(
        "rdma-core 44.0 (/usr/lib/x86_64-linux-gnu/libibverbs.so.1)",
        machine.find("rdma-core").observed());
    Files.delete(machine.path("/usr/lib/x86_64-linux-gnu/librdmacm.so.1"));
    assertEquals(State.WARN, machine.find("rdma-core").state());
    assertTrue(machine.find("rdma-core").remedy().startsWith("dnf install -y "));
    machine.file("/usr/bin/apt-get", "");
    assertTrue(machine.find("rdma-core").remedy().startsWith("apt-get install -y rdma-core"));
    assertEquals("2404.1", RdmaCheck.release("1.14.2404.1"));
    assertEquals("of unknown version", RdmaCheck.release("1"));
  }
}
