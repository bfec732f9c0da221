package io.lampyris.cli.local;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.cli.base.InputException;
import io.lampyris.cli.cluster.ChunkCaller;
import io.lampyris.cli.cluster.ClusterFile;
import io.lampyris.cli.operate.Display;
import io.lampyris.protocol.Routing;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real processes on the loopback device, killed and started again. */
@Timeout(300)
final class LocalClusterTest {
  private static final int CHAIN = 1;
  private static final int CHUNKS = 8;
  private static final long INODE = 77;

  @TempDir Path tmp;

  private Path dir() {
    return tmp.resolve("c");
  }

  @AfterEach
  void killWhatRuns() throws Exception {
    if (LocalCluster.isAt(dir())) {
      for (Long pid : pids(LocalCluster.at(dir())).values()) {
        kill(pid);
      }
    }
  }

  private LocalCluster.Request request(int nodes, int replicas) {
    return new LocalCluster.Request(dir(), nodes, replicas, 1, 256L << 20, null);
  }

  /** Of the processes that run, by name. */
  private static Map<String, Long> pids(LocalCluster cluster) throws InputException, IOException {
    Map<String, Long> pids = new LinkedHashMap<>();
    Object processes = cluster.status().get("processes");
    for (Object each : processes instanceof List<?> list ? list : List.of()) {
      if (each instanceof Map<?, ?> row && row.get("pid") instanceof Long pid && pid > 0) {
        pids.put(String.valueOf(row.get("process")), pid);
      }
    }
    return pids;
  }

  /** As kill -9 does; returns when it is gone. */
  private static void kill(long pid) throws Exception {
    ProcessHandle process = ProcessHandle.of(pid).orElse(null);
    if (process != null) {
      process.destroyForcibly();
      while (process.isAlive()) {
        LockSupport.parkNanos(5_000_000);
      }
    }
  }

  private static void kill(LocalCluster cluster, String name) throws Exception {
    Long pid = pids(cluster).get(name);
    assert pid != null : name + " runs";
    kill(pid);
  }

  private static byte[] bytes(int index, int round) {
    byte[] made = new byte[3000 + index * 7000];
    new Random(index * 1000L + round).nextBytes(made);
    return made;
  }

  private static void write(ChunkCaller caller, int round) {
    for (int index = 0; index < CHUNKS; index++) {
      caller.write(CHAIN, INODE, index, bytes(index, round));
    }
  }

  /** Every chunk at every member. */
  private static void readAll(ChunkCaller caller, int round) {
    for (Routing.Target member : caller.serving(CHAIN)) {
      for (int index = 0; index < CHUNKS; index++) {
        assertArrayEquals(
            bytes(index, round), caller.read(CHAIN, member, INODE, index), member.toString());
      }
    }
  }

  @Test
  void aClusterOutlivesTheHeadOfItsChainAndThenAllOfItsProcesses() throws Exception {
    LocalCluster cluster = LocalCluster.prepare(request(3, 3));
    cluster.start();
    assertEquals("HEALTH_OK", cluster.status().get("health"));
    try (ChunkCaller caller = new ChunkCaller(ClusterFile.read(cluster.config()))) {
      caller.awaitServing(CHAIN, 3);
      write(caller, 1);
      int head = caller.serving(CHAIN).getFirst().nodeId();
      kill(cluster, "storage-" + head);
      long killedNs = System.nanoTime();
      write(caller, 2);
      System.out.printf(
          "writes went on %d ms after the head was killed%n",
          (System.nanoTime() - killedNs) / 1_000_000);
      caller.awaitServing(CHAIN, 2);
      readAll(caller, 2);
      Map<String, Object> status = cluster.status();
      assertEquals("HEALTH_WARN", status.get("health"), status.toString());
      assertTrue(String.valueOf(status.get("reasons")).contains("NODE_DOWN"), status.toString());

      cluster.start();
      caller.awaitServing(CHAIN, 3);
      readAll(caller, 2);
      write(caller, 3);
      for (Long pid : pids(cluster).values()) {
        kill(pid);
      }
      assertEquals("HEALTH_ERR", cluster.status().get("health"));

      LocalCluster again = LocalCluster.prepare(request(3, 3));
      again.start();
      caller.awaitServing(CHAIN, 3);
      readAll(caller, 3);
    }
    assertEquals(5, cluster.stop());
    assertEquals(0, cluster.stop());
    assertEquals(false, cluster.status().get("running"));
  }

  @Test
  void aClusterThatGrowsEvensItsChainsOutWithOneCommandAndKeepsWhatWasWritten() throws Exception {
    LocalCluster cluster =
        LocalCluster.prepare(new LocalCluster.Request(dir(), 2, 2, 2, 256L << 20, null));
    cluster.start();
    try (ChunkCaller caller = new ChunkCaller(ClusterFile.read(cluster.config()))) {
      caller.awaitServing(CHAIN, 2);
      write(caller, 1);
      LocalCluster grown =
          LocalCluster.prepare(new LocalCluster.Request(dir(), 4, null, null, null, null));
      StringWriter said = new StringWriter();
      StringWriter shown = new StringWriter();
      grown.start(new Display(Display.Form.LINES, new PrintWriter(said), new PrintWriter(shown)));
      assertTrue(said.toString().startsWith("rebalance: done, 2 members"), said.toString());
      assertTrue(shown.toString().contains("of 2 members"), shown.toString());
      Map<String, Object> status = grown.status();
      assertEquals("HEALTH_OK", status.get("health"), status.toString());
      assertEquals(6, pids(grown).size());
      readAll(caller, 1);
    }
    assertEquals(6, LocalCluster.at(dir()).stop());
  }

  @Test
  void aDirectoryThatIsSomethingElseIsRefusedAndAnAgreementHolds() throws Exception {
    Files.createDirectories(dir());
    Files.createFile(dir().resolve("thesis.tex"));
    assertRefused("something else", request(3, 3));
    Files.delete(dir().resolve("thesis.tex"));
    assertRefused("--replicas is out of range", request(2, 3));
    assertFalse(LocalCluster.isAt(dir()));
    LocalCluster.prepare(request(2, 2));
    assertRefused("more nodes than --nodes", request(1, 2));
    assertRefused("--nodes is out of range", request(33, 2));
    assertRefused("another --replicas", request(3, 1));
    LocalCluster.prepare(new LocalCluster.Request(dir(), null, null, null, null, null));
  }

  private static void assertRefused(String why, LocalCluster.Request request) {
    InputException e = assertThrows(InputException.class, () -> LocalCluster.prepare(request));
    assertTrue(String.valueOf(e.getMessage()).contains(why), e.getMessage());
  }
}
