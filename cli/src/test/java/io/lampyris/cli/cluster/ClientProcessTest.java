package io.lampyris.cli.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.cli.base.InputException;
import io.lampyris.protocol.cluster.AdminAnswer;
import io.lampyris.protocol.cluster.AdminCommand;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** All roles of a cluster over TCP in this JVM; its files are used by other processes. */
@Timeout(180)
final class ClientProcessTest {
  @TempDir Path dir;

  private final Map<Integer, StorageProcess> nodes = new HashMap<>();
  private int managerPort;
  private int metaPort;
  private @Nullable ManagerProcess manager;
  private @Nullable MetaProcess meta;
  private @Nullable ClientProcess client;

  @BeforeEach
  void begin() throws Exception {
    Files.writeString(dir.resolve("secret"), "a secret that only tests share\n");
    Files.createDirectories(mount());
    managerPort = freePort();
    metaPort = freePort();
  }

  @AfterEach
  void end() {
    if (client != null) {
      client.close();
    }
    nodes.values().forEach(StorageProcess::close);
    if (meta != null) {
      meta.close();
    }
    if (manager != null) {
      manager.close();
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private Path mount() {
    return dir.resolve("mnt");
  }

  private ClusterFile file(String section) throws Exception {
    Path path =
        Files.writeString(
            dir.resolve("cluster.toml"),
            """
            [cluster]
            managers = ["1001@127.0.0.1:%d"]
            meta = ["2001@127.0.0.1:%d"]
            secret_file = "secret"
            %s
            """
                .formatted(managerPort, metaPort, section));
    return ClusterFile.read(path);
  }

  private static void fail(Throwable fault) {
    fault.printStackTrace();
  }

  private void startManager() throws Exception {
    ClusterFile file = file("[mgmtd]\nnode = 1001\ndir = \"mgmtd\"");
    ClusterFile.Manager self = file.manager();
    assert self != null;
    manager = ManagerProcess.start(file, self, ClientProcessTest::fail);
  }

  private void startMeta() throws Exception {
    ClusterFile file = file("[meta]\nnode = 2001\ndir = \"meta\"\nchunk_size = \"64KiB\"");
    MetaSection self = file.meta();
    assert self != null;
    Files.createDirectories(self.dir());
    meta = MetaProcess.start(file, self, ClientProcessTest::fail);
  }

  private void startStorage(int node) throws Exception {
    Files.createDirectories(dir.resolve("disk-" + node));
    ClusterFile file =
        file(
            """
            [storage]
            node = %d
            listen = "127.0.0.1:0"
            dir = "storage-%d"
            disks = ["disk-%d"]
            target_size = "256MiB"
            """
                .formatted(node, node, node));
    StorageSection self = file.storage();
    assert self != null;
    Files.createDirectories(self.dir());
    nodes.put(node, StorageProcess.start(file, self, ClientProcessTest::fail));
  }

  private void stopStorage(int id) {
    StorageProcess node = nodes.remove(id);
    assert node != null : "node " + id + " runs";
    node.close();
  }

  private AdminAnswer ask(AdminCommand command, Map<String, String> arguments) throws Exception {
    try (ClusterLink link = ClusterLink.open(file(""))) {
      return link.ask(command, arguments);
    }
  }

  private void awaitStatus(String what) throws Exception {
    long untilNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    for (String seen = ""; !seen.contains(what); ) {
      assertTrue(System.nanoTime() < untilNs, seen);
      AdminAnswer answer = ask(AdminCommand.STATUS, Map.of());
      seen = answer.text() + answer.rows();
      LockSupport.parkNanos(10_000_000);
    }
  }

  private void startAll() throws Exception {
    startManager();
    for (int node = 1; node <= 3; node++) {
      startStorage(node);
    }
    startMeta();
    awaitStatus("targets=3");
    ask(AdminCommand.CHAIN_CREATE, Map.of("replicas", "3"));
    awaitStatus("HEALTH_OK");
    ClusterFile file = file("[client]\nname = \"trial\"");
    client = ClientProcess.start(file, file.client(), mount(), ClientProcessTest::fail);
  }

  private void sh(String script) throws Exception {
    Process process =
        new ProcessBuilder("sh", "-ec", script)
            .directory(dir.toFile())
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), () -> script + ": " + output);
  }

  private void source(int number) throws IOException {
    byte[] bytes = new byte[3_000_000 + number];
    new Random(number).nextBytes(bytes);
    Files.write(dir.resolve("file-" + number), bytes);
  }

  @Test
  void filesStayWhileEveryOtherProcessIsStartedAgain() throws Exception {
    Assumptions.assumeTrue(Files.isWritable(Path.of("/dev/fuse")), "mounts work here");
    for (int i = 0; i < 6; i++) {
      source(i);
    }
    startAll();
    sh("grep ' %s ' /proc/self/mountinfo | grep -q lampyris.trial".formatted(mount()));
    sh("cp file-0 mnt/file-0; sync mnt/file-0; cmp file-0 mnt/file-0");
    stopStorage(1);
    sh("for i in 1 2 3; do cp file-$i mnt/; sync mnt/file-$i; done; cmp file-0 mnt/file-0");
    startStorage(1);
    assert meta != null && manager != null && client != null;
    meta.close();
    startMeta();
    sh("cp file-4 mnt/; sync mnt/file-4; mkdir mnt/d; mv mnt/file-4 mnt/d");
    manager.close();
    startManager();
    sh("cp file-5 mnt/d/; sync mnt/d/file-5; cmp file-4 mnt/d/file-4; cmp file-5 mnt/d/file-5");
    sh("for i in 0 1 2 3; do cmp file-$i mnt/file-$i; done");
    sh("truncate -s 100000 mnt/file-1; rm mnt/file-2; df mnt; ls -l mnt");
    sh("head -c 100000 file-1 | cmp - mnt/file-1; test ! -e mnt/file-2");
    assertNull(client.loss());
    assertEquals("mount", client.status().get("role"));
    sh("umount -l mnt || fusermount -uz mnt");
    long untilNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (client.loss() == null && System.nanoTime() < untilNs) {
      LockSupport.parkNanos(10_000_000);
    }
    assertNotNull(client.loss());
    assertEquals("HEALTH_ERR", client.status().get("health"));
  }

  @Test
  void aFileWithoutMetadataServicesIsRefused() throws Exception {
    Path path =
        Files.writeString(
            dir.resolve("none.toml"),
            "[cluster]\nmanagers = [\"1001@127.0.0.1:1\"]\nsecret_file = \"secret\"\n");
    ClusterFile file = ClusterFile.read(path);
    InputException refused =
        assertThrows(
            InputException.class,
            () -> ClientProcess.start(file, file.client(), mount(), ClientProcessTest::fail));
    assertTrue(String.valueOf(refused.getMessage()).contains("cluster.meta"));
  }

  @Test
  void programsWaitAsLongAsTheFileSays() throws Exception {
    assertEquals(TimeUnit.SECONDS.toNanos(30), file("").client().timeoutNs());
    assertEquals(
        TimeUnit.HOURS.toNanos(2), file("[client]\ntimeout = \"2h\"").client().timeoutNs());
    for (String wrong : new String[] {"4s", "8d", "soon", ""}) {
      InputException refused =
          assertThrows(InputException.class, () -> file("[client]\ntimeout = \"" + wrong + "\""));
      assertTrue(String.valueOf(refused.getMessage()).contains("5s to 7d"), refused::getMessage);
    }
  }
}
