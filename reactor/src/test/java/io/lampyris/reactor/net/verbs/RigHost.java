package io.lampyris.reactor.net.verbs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The virtual rig, whose cables and interfaces tests may spoil. */
final class RigHost {
  private RigHost() {}

  /** Skips the calling test elsewhere. */
  static void orSkip() {
    assumeTrue(
        Files.exists(Path.of("/run/rig/control")),
        "no network that may be spoilt; remedy: run it in the rig, bin/test --rig");
  }

  static void run(String... command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int exit = process.onExit().join().exitValue();
    assertEquals(0, exit, () -> String.join(" ", command) + ": " + said);
  }

  /** The interface that carries a soft-RoCE device. */
  static String interfaceOf(String device) throws IOException {
    Path names = Path.of("/sys/class/infiniband", device, "ports/1/gid_attrs/ndevs/1");
    return Files.readString(names).strip();
  }

  /** Packets to a device's interface that are dropped, as by a firewall or a switch. */
  static final class Obstacle implements AutoCloseable {
    private final String at;
    private boolean removed;

    /**
     * @param match what packets, as tc-u32(8) has it
     */
    Obstacle(String device, String match) throws IOException {
      at = interfaceOf(device);
      run("tc", "qdisc", "add", "dev", at, "clsact");
      List<String> filter = new ArrayList<>();
      filter.addAll(List.of("tc", "filter", "add", "dev", at, "ingress", "protocol", "ip", "u32"));
      filter.addAll(List.of(match.split(" ")));
      filter.addAll(List.of("action", "drop"));
      run(filter.toArray(String[]::new));
    }

    @Override
    public void close() throws IOException {
      remove();
    }

    void remove() throws IOException {
      if (!removed) {
        run("tc", "qdisc", "del", "dev", at, "clsact");
        removed = true;
      }
    }
  }
}
