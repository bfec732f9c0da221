package io.lampyris.cli.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lampyris.cli.Main;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Processes that may lock too little memory for RDMA: what they say, and do. Needs the rig. */
@Timeout(150)
final class RdmaSetUpTest {
  private static final long MEMLOCK_BYTES = 8 << 20;

  @TempDir Path dir;

  @BeforeEach
  void needsTheRig() throws Exception {
    assumeTrue(
        System.getenv("LAMPYRIS_RIG") != null
            && Files.exists(Path.of("/sys/class/infiniband/rxe0")),
        "no RDMA device of which a process may be deprived; remedy: bin/test --rig");
    Files.writeString(dir.resolve("secret"), "a secret that only tests share\n");
    Files.createDirectories(dir.resolve("disk"));
    Files.createDirectories(dir.resolve("mnt"));
  }

  private Path config(String rdma) throws IOException {
    return Files.writeString(
        dir.resolve("cluster.toml"),
        """
        [cluster]
        managers = ["1001@127.0.0.1:9"]
        meta = ["2001@127.0.0.1:9"]
        secret_file = "secret"
        rdma = "%s"
        [storage]
        node = 1
        listen = "127.0.0.1:0"
        dir = "storage"
        disks = ["disk"]
        targets_per_disk = 1
        target_size = "256MiB"
        [client]
        dir = "client"
        """
            .formatted(rdma));
  }

  /** Of root's rights it lacks the one to lock as much as it wants. */
  private static Process start(List<String> arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.addAll(List.of("setpriv", "--bounding-set=-ipc_lock", "--inh-caps=-ipc_lock"));
    command.addAll(List.of("prlimit", "--memlock=%d:%1$d".formatted(MEMLOCK_BYTES)));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    command.addAll(arguments);
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private static void assertRefused(String... arguments) throws Exception {
    Process process = start(List.of(arguments));
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(2, process.waitFor(), said);
    assertTrue(said.contains("no RDMA: rxe0 port 1"), said);
    assertTrue(said.contains("observed=ibv_reg_mr"), said);
    assertTrue(said.contains("limit=") && said.contains("remedy: raise the limit"), said);
    assertTrue(said.contains("LimitMEMLOCK=infinity"), said);
  }

  @Test
  void aNamedDeviceWithTooLittleLockedMemoryKeepsANodeFromBeginning() throws Exception {
    assertRefused("storage", "--config", config("rxe0").toString());
    try (Stream<Path> files = Files.list(dir.resolve("disk"))) {
      assertEquals(0, files.count(), "nothing was formatted");
    }
  }

  @Test
  void aNamedDeviceWithTooLittleLockedMemoryKeepsAMountFromBeginning() throws Exception {
    Path mount = dir.resolve("mnt");
    assertRefused("mount", "--config", config("rxe0").toString(), "--mount", mount.toString());
    assertFalse(
        Files.readString(Path.of("/proc/self/mounts")).contains(mount.toString()),
        "nothing was mounted");
  }

  @Test
  void withoutANameANodeSaysWhyItGoesByTcp() throws Exception {
    // Nothing else here takes O_DIRECT.
    run("mkfs.ext4", "-q", "-F", "/dev/nvme0n1");
    run("mount", "-t", "ext4", "/dev/nvme0n1", dir.resolve("disk").toString());
    try {
      startsByTcp();
    } finally {
      run("umount", dir.resolve("disk").toString());
    }
  }

  private static void run(String... command) throws Exception {
    Process process = new ProcessBuilder(command).inheritIO().start();
    assertEquals(0, process.waitFor(), () -> String.join(" ", command));
  }

  private void startsByTcp() throws Exception {
    Process process = start(List.of("storage", "--config", config("auto").toString()));
    StringBuilder said = new StringBuilder();
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      String line = lines.readLine();
      while (line != null && !line.startsWith("READY storage=1")) {
        said.append(line).append('\n');
        line = lines.readLine();
      }
      assertTrue(line != null, said::toString);
    } finally {
      process.destroy();
      process.waitFor();
    }
    String log = log();
    assertTrue(log.contains("calls go by TCP; no RDMA: rxe0 port 1"), log);
    assertTrue(log.contains("observed=ibv_reg_mr") && log.contains("LimitMEMLOCK=infinity"), log);
  }

  private String log() throws IOException {
    StringBuilder all = new StringBuilder();
    try (Stream<Path> files = Files.walk(dir.resolve("storage"))) {
      for (Path file : files.filter(f -> f.toString().endsWith(".log")).toList()) {
        all.append(Files.readString(file));
      }
    }
    return all.toString();
  }
}
