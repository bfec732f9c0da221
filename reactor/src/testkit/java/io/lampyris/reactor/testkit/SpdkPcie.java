package io.lampyris.reactor.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lampyris.bindings.spdk.SpdkEnvironment;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * The NVMe controllers of the virtual rig, {@code nv0} and on: emulated, but on a PCI Express bus,
 * with registers, queues in memory that they reach by themselves, and a slot to take them out of.
 */
public final class SpdkPcie {
  private static final int MEMORY_MIB = 256;

  private SpdkPcie() {}

  private static List<String> addresses() {
    String addresses = System.getenv().getOrDefault("LAMPYRIS_RIG_NVME", "");
    assumeTrue(
        !addresses.isEmpty(),
        "no NVMe controller to spare; remedy: run it in the virtual rig: SPDK_HOME=… bin/test --rig");
    return List.of(addresses.split(" "));
  }

  /** With huge pages, and all controllers of the rig. Skips the test elsewhere. */
  public static SpdkEnvironment environment() throws IOException {
    List<String> addresses = addresses();
    return SpdkTarget.environment(
        new SpdkEnvironment.Options("lampyris-test", MEMORY_MIB, true, addresses));
  }

  public static String transportId(int controller) {
    return "trtype:PCIe traddr:" + addresses().get(controller);
  }

  /** Does to the machine what no program inside can: {@code bench/rig/guest/rig-host --help}. */
  public static void host(String... request) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("rig-host"));
    command.addAll(List.of(request));
    assertEquals(0, new ProcessBuilder(command).inheritIO().start().waitFor(), command::toString);
  }
}
