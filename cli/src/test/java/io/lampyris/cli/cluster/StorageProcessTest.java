package io.lampyris.cli.cluster;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.host.Host;
import io.lampyris.cli.base.InputException;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.cluster.AdminAnswer;
import io.lampyris.protocol.cluster.AdminCommand;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A manager and storage nodes over TCP in this JVM, with real disks, rings and stores. */
@Timeout(120)
final class StorageProcessTest {
  private static final int MANAGER = 1001;
  private static final int CHUNKS = 12;
  private static final long INODE = 77;

  @TempDir Path dir;

  private final Map<Integer, StorageProcess> nodes = new TreeMap<>();
  private ManagerProcess manager;
  private int managerPort;

  @BeforeEach
  void startManager() throws Exception {
    Files.writeString(dir.resolve("secret"), "a secret that only tests share\n");
    ClusterFile file = ClusterFile.read(write("manager.toml", ""));
    ClusterFile.Manager self = file.manager();
    assert self != null;
    manager = ManagerProcess.start(file, self, StorageProcessTest::fail);
    managerPort = manager.port();
  }

  @AfterEach
  void stopAll() {
    nodes.values().forEach(StorageProcess::close);
    manager.close();
  }

  private static void fail(Throwable fault) {
    fault.printStackTrace();
  }

  private Path write(String name, String section) throws IOException {
    return Files.writeString(
        dir.resolve(name),
        """
        [cluster]
        managers = ["%d@127.0.0.1:%d"]
        secret_file = "secret"
        [mgmtd]
        node = %d
        dir = "mgmtd"
        [mgmtd.settings]
        "mgmtd.spare.after" = "1h"
        %s
        """
            .formatted(MANAGER, managerPort, MANAGER, section));
  }

  private Path storageFile(int node, int targets, String more) throws IOException {
    Files.createDirectories(dir.resolve("disk-" + node));
    return write(
        "storage-%d.toml".formatted(node),
        """
        [storage]
        node = %d
        listen = "127.0.0.1:0"
        dir = "storage-%d"
        disks = ["disk-%d"]
        targets_per_disk = %d
        target_size = "256MiB"
        %s
        """
            .formatted(node, node, node, targets, more));
  }

  private void start(int node) throws Exception {
    start(node, 1);
  }

  private void start(int node, int targets) throws Exception {
    String shorter = "[storage.settings]\n\"mgmtd.lease.duration\" = \"2s\"";
    nodes.put(node, started(storageFile(node, targets, "scrub_period = \"12h\"\n" + shorter)));
  }

  private StorageProcess node(int id) {
    StorageProcess node = nodes.get(id);
    assert node != null : "node " + id + " runs";
    return node;
  }

  private void stop(int id) {
    node(id).close();
    nodes.remove(id);
  }

  private static StorageProcess started(Path config) throws Exception {
    ClusterFile file = ClusterFile.read(config);
    StorageSection self = file.storage();
    assert self != null;
    Files.createDirectories(self.dir());
    return StorageProcess.start(file, self, StorageProcessTest::fail);
  }

  private AdminAnswer ask(AdminCommand command, Map<String, String> arguments) throws Exception {
    try (ClusterLink link = ClusterLink.open(ClusterFile.read(write("cluster.toml", "")))) {
      return link.ask(command, arguments);
    }
  }

  private void awaitStatus(String what) throws Exception {
    long untilNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    String seen = "";
    while (!seen.contains(what)) {
      assertTrue(System.nanoTime() < untilNs, seen);
      AdminAnswer answer = ask(AdminCommand.STATUS, Map.of());
      seen = answer.text() + answer.rows();
      LockSupport.parkNanos(10_000_000);
    }
  }

  @Test
  void anRdmaDeviceThatIsNamedAndNotThereKeepsTheNodeFromBeginning() throws Exception {
    Path config = storageFile(1, 1, "");
    String text = Files.readString(config);
    Files.writeString(config, text.replace("[mgmtd]", "rdma = \"nosuch0:1\"\n[mgmtd]"));
    InputException refused = assertThrows(InputException.class, () -> started(config));
    String why = String.valueOf(refused.getMessage());
    assertTrue(why.contains("no RDMA") && why.contains("remedy: "), why);
    try (Stream<Path> files = Files.list(dir.resolve("disk-1"))) {
      assertEquals(0, files.count(), "nothing was formatted");
    }
    Files.writeString(config, text.replace("[mgmtd]", "rdma = \"two words\"\n[mgmtd]"));
    refused = assertThrows(InputException.class, () -> ClusterFile.read(config));
    assertTrue(String.valueOf(refused.getMessage()).contains("cluster.rdma"));
  }

  private static byte[] bytes(int index, int round) {
    byte[] made = new byte[1000 + index * 5000];
    new Random(index * 1000L + round).nextBytes(made);
    return made;
  }

  private static void writeAll(ChunkCaller caller, int round) {
    for (int index = 0; index < CHUNKS; index++) {
      caller.write(1, INODE, index, bytes(index, round));
    }
  }

  /** Every chunk at every member that serves. */
  private static void readAll(ChunkCaller caller, int round) {
    for (Routing.Target member : caller.serving(1)) {
      for (int index = 0; index < CHUNKS; index++) {
        assertArrayEquals(bytes(index, round), caller.read(1, member, INODE, index));
      }
    }
  }

  private static Map<?, ?> onlyTarget(StorageProcess node) {
    Object targets = node.status().get("targets");
    assert targets instanceof List<?> list && list.size() == 1 : targets;
    return (Map<?, ?>) ((List<?>) targets).getFirst();
  }

  private static void awaitTarget(StorageProcess node, String key, Object value) {
    long untilNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!value.equals(onlyTarget(node).get(key))) {
      assertTrue(System.nanoTime() < untilNs, () -> key + ": " + onlyTarget(node));
      LockSupport.parkNanos(10_000_000);
    }
  }

  @Test
  void whatWasWrittenSurvivesThatEachNodeIsStartedAgain() throws Exception {
    for (int node = 1; node <= 3; node++) {
      start(node);
    }
    awaitStatus("targets=3");
    String made = ask(AdminCommand.CHAIN_CREATE, Map.of("replicas", "3")).text();
    assertTrue(made.contains("1 chains of 3"), made);
    try (ChunkCaller caller = new ChunkCaller(ClusterFile.read(write("cluster.toml", "")))) {
      caller.awaitServing(1, 3);
      awaitStatus("HEALTH_OK");
      for (StorageProcess node : nodes.values()) {
        awaitTarget(node, "state", "serving");
        awaitTarget(node, "whole", true);
      }
      writeAll(caller, 1);
      readAll(caller, 1);
      for (int node = 1; node <= 3; node++) {
        stop(node);
        // It left before it ended: nobody waits for a lease.
        caller.awaitServing(1, 2);
        String rows = ask(AdminCommand.CHAIN_SHOW, Map.of("chain", "1")).rows().toString();
        assertTrue(rows.contains("OFFLINE"), "nor is it brought in again: " + rows);
        writeAll(caller, 1 + node);
        start(node);
        caller.awaitServing(1, 3);
        readAll(caller, 1 + node);
      }
      awaitStatus("HEALTH_OK");
      Object counters = node(1).status().get("counters");
      assertTrue(counters instanceof Map<?, ?> map && map.containsKey("chain_forwards"));
    }
  }

  @Test
  void aStoreThatCameInPlaceOfAnotherIsFilledBeforeItServes() throws Exception {
    for (int node = 1; node <= 2; node++) {
      start(node);
    }
    awaitStatus("targets=2");
    ask(AdminCommand.CHAIN_CREATE, Map.of("replicas", "2"));
    try (ChunkCaller caller = new ChunkCaller(ClusterFile.read(write("cluster.toml", "")))) {
      caller.awaitServing(1, 2);
      awaitStatus("HEALTH_OK");
      writeAll(caller, 1);
      stop(1);
      Host.posix().deleteTree(dir.resolve("disk-1"));
      start(1);
      caller.awaitServing(1, 2);
      readAll(caller, 1);
      awaitTarget(node(1), "whole", true);
    }
  }

  @Test
  void whatIsNotThisNodesIsRefused() throws Exception {
    start(1);
    stop(1);
    // Another node's state.
    Path config = storageFile(2, 1, "");
    Files.writeString(config, Files.readString(config).replace("\"storage-2\"", "\"storage-1\""));
    assertRefused("storage.dir is another node's", config);
    // Another node's disk.
    config = storageFile(3, 1, "");
    Files.move(
        dir.resolve("disk-1").resolve("target-1000001"),
        dir.resolve("disk-3").resolve("target-3000001"));
    assertRefused("a directory holds another target", config);
    Files.writeString(config, Files.readString(config).replace("256MiB", "320MiB"));
    Files.move(
        dir.resolve("disk-3").resolve("target-3000001"),
        dir.resolve("disk-1").resolve("target-1000001"));
    config = storageFile(1, 1, "");
    Files.writeString(config, Files.readString(config).replace("256MiB", "320MiB"));
    assertRefused("another size", config);
    Files.writeString(config, Files.readString(config).replace("disk-1", "no-such-disk"));
    assertRefused("directory is missing", config);
    assertRefused("there is no key 'storage.colour'", storageFile(1, 1, "colour = \"red\""));
    assertRefused("durability", storageFile(1, 1, "durability = \"maybe\""));
    assertRefused(
        "settings of the storage node",
        storageFile(1, 1, "[storage.settings]\n\"mgmtd.lease.duration\" = \"soon\""));
    assertFalse(Files.exists(dir.resolve("disk-9")));
  }

  private static void assertRefused(String why, Path config) {
    InputException e = assertThrows(InputException.class, () -> started(config).close());
    assertTrue(String.valueOf(e.getMessage()).contains(why), e.getMessage());
  }

  @Test
  void addressesAreWhatRoutingSaysLast() throws Exception {
    try (Addresses addresses =
        new Addresses(Map.of(MANAGER, new ClusterFile.Endpoint("127.0.0.1", 7)))) {
      assertEquals(7, portOf(addresses, MANAGER));
      assertEquals(0, portOf(addresses, 5));
      addresses.onRouting(routingWith("127.0.0.1:801"));
      awaitPort(addresses, 801);
      addresses.onRouting(routingWith("[::1]:802"));
      awaitPort(addresses, 802);
      assertEquals(7, portOf(addresses, MANAGER));
    }
    byte[] secret = ClusterFile.read(write("cluster.toml", "")).secret().bytes();
    assertTrue(new String(secret, StandardCharsets.US_ASCII).startsWith("a secret"));
  }

  private static Routing routingWith(String address) {
    return new Routing(
        1,
        Map.of(),
        Map.of(),
        Map.of(),
        Map.of(
            5, new Routing.Node(5, address, ""), MANAGER, new Routing.Node(MANAGER, address, "")));
  }

  private static void awaitPort(Addresses addresses, int port) {
    while (portOf(addresses, 5) != port) {
      LockSupport.parkNanos(1_000_000);
    }
  }

  private static int portOf(Addresses addresses, int node) {
    InetSocketAddress at = addresses.apply(node);
    return at == null ? 0 : at.getPort();
  }
}
