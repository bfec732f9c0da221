package io.lampyris.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.Status;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A client's reads and writes while the members of its chains come and go. */
@Timeout(120)
class ChainFailoverTest {
  private static final int CHUNK = ChainCluster.CHUNK;
  private static final long MS = 1_000_000;
  private static final long S = 1_000_000_000;
  private static final int FILE_CHUNKS = 12;

  private final Arena arena = Arena.ofShared();
  private @Nullable ChainCluster made;
  private OpenInode inode = OpenInode.NONE;
  private long slowestNs;
  private int done;

  private ChainCluster cluster(long seed, int nodes, int chains, int replicas) {
    System.out.println("seed=" + seed);
    ChainCluster cluster = new ChainCluster(seed, nodes, chains, replicas, DataPathOptions.REMOTE);
    made = cluster;
    inode = new OpenInode(77, cluster.layout, (long) FILE_CHUNKS * CHUNK, 0);
    return cluster;
  }

  @AfterEach
  void close() {
    if (made != null) {
      made.close();
    }
    arena.close();
  }

  private final class Io extends FileIo {
    private final LongConsumer then;
    final long sinceNs;

    Io(ChainCluster in, boolean write, long at, MemorySegment bytes, LongConsumer then) {
      this.then = then;
      this.sinceNs = in.simulation.nowNs();
      this.write = write;
      this.inode = ChainFailoverTest.this.inode;
      this.fileOffset = at;
      this.memory = bytes;
      this.lengthBytes = (int) bytes.byteSize();
    }

    @Override
    protected void onComplete(long result) {
      done++;
      ChainCluster in = made;
      assert in != null : "there is a cluster";
      slowestNs = Math.max(slowestNs, in.simulation.nowNs() - sinceNs);
      then.accept(result);
    }
  }

  private void submit(
      ChainCluster in, boolean write, long at, MemorySegment bytes, LongConsumer then) {
    in.dataPath.submit(new Io(in, write, at, bytes, then));
  }

  private MemorySegment random(int length, long seed) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    MemorySegment memory = arena.allocate(length);
    MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, length);
    return memory;
  }

  private static void whole(long result, MemorySegment bytes) {
    assertEquals(bytes.byteSize(), result, () -> result < 0 ? Status.of(result).name() : "short");
  }

  /** Writes parts of chunks, one at a time in each, as long as it is told to. */
  private final class Writers {
    final byte[] model = new byte[FILE_CHUNKS * CHUNK];
    private final ChainCluster in;
    private final Random random;
    private boolean going = true;
    private int underWay;

    Writers(ChainCluster in, long seed) {
      this.in = in;
      this.random = new Random(seed);
      for (int chunk = 0; chunk < FILE_CHUNKS; chunk++) {
        next(chunk);
      }
    }

    private void next(int chunk) {
      int from = random.nextInt(CHUNK);
      int length = random.nextInt(3) == 0 ? CHUNK - from : Math.min(CHUNK - from, 4096);
      int at = chunk * CHUNK + from;
      MemorySegment bytes = random(length, random.nextLong());
      underWay++;
      submit(
          in,
          true,
          at,
          bytes,
          result -> {
            whole(result, bytes);
            underWay--;
            MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, 0, model, at, length);
            if (going) {
              in.simulation.after(MS + in.prng.below(20 * MS), () -> next(chunk));
            }
          });
    }

    void end() {
      going = false;
      in.simulation.runUntil(() -> underWay == 0);
      in.simulation.runFor(50 * MS);
      in.simulation.runUntil(() -> underWay == 0);
    }
  }

  private byte[] readAll(ChainCluster in) {
    MemorySegment memory = arena.allocate(FILE_CHUNKS * CHUNK);
    long[] result = {Long.MIN_VALUE};
    submit(in, false, 0, memory, value -> result[0] = value);
    in.simulation.runUntil(() -> result[0] != Long.MIN_VALUE);
    whole(result[0], memory);
    return memory.toArray(ValueLayout.JAVA_BYTE);
  }

  /** Reads the whole file from every member that is left. */
  private void everyMemberHas(ChainCluster in, byte[] model) {
    for (int i = 0; i < 6; i++) {
      assertArrayEquals(model, readAll(in));
    }
  }

  /** Each of the heads; also those that die when the chain has lost its first one. */
  @Test
  void writesGoOnAtTheNextHeadWhenHeadsAreKilled() {
    for (long seed = 1; seed <= 2; seed++) {
      try (ChainCluster in = cluster(seed, 3, 2, 3)) {
        slowestNs = 0;
        Writers writers = new Writers(in, seed);
        in.simulation.runFor(300 * MS);
        in.kill(in.head(1));
        in.simulation.runFor(4 * S);
        assertTrue(slowestNs > ChainCluster.LEASE_NS, "some had to wait");
        in.kill(in.head(1));
        in.simulation.runFor(4 * S);
        writers.end();
        assertTrue(slowestNs < 3 * S, "a write took " + slowestNs);
        everyMemberHas(in, writers.model);
      }
    }
    made = null;
  }

  @Test
  void writesGoOnAtTheNextHeadWhenTheHeadAnswersNothing() {
    ChainCluster in = cluster(11, 3, 2, 3);
    Writers writers = new Writers(in, 11);
    in.simulation.runFor(300 * MS);
    in.stop(in.head(1));
    in.simulation.runFor(5 * S);
    writers.end();
    assertTrue(slowestNs < 3 * S, "a write took " + slowestNs);
    everyMemberHas(in, writers.model);
  }

  /** Reads from all over the file, some at a time. */
  private final class Readers {
    private final ChainCluster in;
    private final byte[] model;
    private final Random random;
    private boolean going = true;
    private int underWay;

    Readers(ChainCluster in, byte[] model, int count, long seed) {
      this.in = in;
      this.model = model;
      this.random = new Random(seed);
      for (int i = 0; i < count; i++) {
        next();
      }
    }

    private void next() {
      boolean all = random.nextInt(3) == 0;
      int length = all ? CHUNK : 1 + random.nextInt(8192);
      int at = all ? random.nextInt(FILE_CHUNKS) * CHUNK : random.nextInt(model.length - length);
      MemorySegment memory = arena.allocate(length);
      underWay++;
      submit(
          in,
          false,
          at,
          memory,
          result -> {
            whole(result, memory);
            underWay--;
            MemorySegment expected = MemorySegment.ofArray(model).asSlice(at, length);
            assertEquals(-1, expected.mismatch(memory));
            if (going) {
              in.simulation.after(in.prng.below(5 * MS), this::next);
            }
          });
    }

    void end() {
      going = false;
      in.simulation.runUntil(() -> underWay == 0);
      in.simulation.runFor(20 * MS);
      in.simulation.runUntil(() -> underWay == 0);
    }
  }

  private byte[] filled(ChainCluster in, long seed) {
    MemorySegment bytes = random(FILE_CHUNKS * CHUNK, seed);
    long[] result = {Long.MIN_VALUE};
    submit(in, true, 0, bytes, value -> result[0] = value);
    in.simulation.runUntil(() -> result[0] != Long.MIN_VALUE);
    whole(result[0], bytes);
    slowestNs = 0;
    done = 0;
    return bytes.toArray(ValueLayout.JAVA_BYTE);
  }

  @Test
  void readsFailOverAtOnceWhenTheirMemberIsKilled() {
    ChainCluster in = cluster(21, 3, 2, 3);
    Readers readers = new Readers(in, filled(in, 21), 8, 21);
    in.simulation.runFor(300 * MS);
    in.kill(2);
    in.simulation.runFor(300 * MS);
    in.kill(3);
    in.simulation.runFor(4 * S);
    readers.end();
    assertTrue(slowestNs < 60 * MS, "a read took " + slowestNs);
    assertTrue(done > 1000, "reads went on: " + done);
    assertTrue(in.counters.snapshot().failovers() > 0);
  }

  /** Among them seeds where the one that is left was asked by the chain's old version before. */
  @ParameterizedTest
  @ValueSource(ints = {22, 23, 24, 25, 32, 34})
  void aMemberThatAnswersNothingHoldsNoReadForLong(int seed) {
    ChainCluster in = cluster(seed, 3, 2, 3);
    Readers readers = new Readers(in, filled(in, seed), 8, seed);
    in.simulation.runFor(300 * MS);
    in.stop(2);
    in.simulation.runFor(6 * S);
    readers.end();
    assertTrue(slowestNs < 500 * MS, "a read took " + slowestNs);
    assertTrue(done > 4000, "reads went on: " + done);
  }

  @Test
  void readsAreSharedByAllMembers() {
    ChainCluster in = cluster(23, 3, 1, 3);
    Readers readers = new Readers(in, filled(in, 23), 8, 23);
    long[] before = new long[4];
    for (int node = 1; node <= 3; node++) {
      before[node] = in.node(node).calls;
    }
    in.simulation.runFor(S);
    readers.end();
    for (int node = 1; node <= 3; node++) {
      long share = in.node(node).calls - before[node];
      assertTrue(share > done / 4, "node " + node + " answered " + share + " of " + done);
    }
  }

  @Test
  void newChainVersionsAreFollowedByReadsAndWrites() {
    ChainCluster in = cluster(31, 3, 2, 3);
    Writers writers = new Writers(in, 31);
    for (int i = 0; i < 100; i++) {
      in.newVersions();
      in.simulation.runFor(1 + in.prng.below(40 * MS));
    }
    writers.end();
    assertTrue(slowestNs < S, "a write took " + slowestNs);
    assertTrue(in.refreshes > 10, "asked for routing: " + in.refreshes);
    everyMemberHas(in, writers.model);
  }

  @Test
  void aNodeThatComesBackElsewhereIsFoundThere() {
    ChainCluster in = cluster(41, 2, 2, 1);
    Writers writers = new Writers(in, 41);
    in.simulation.runFor(300 * MS);
    ChainCluster.Node node = in.node(1);
    node.end();
    in.simulation.runFor(3 * S);
    node.machine = 50;
    node.start();
    in.simulation.runFor(S);
    writers.end();
    assertTrue(slowestNs > 3 * S && slowestNs < 4 * S, "a write took " + slowestNs);
    everyMemberHas(in, writers.model);
  }

  @Test
  void aNodeThatHangsWithAllItMayHaveLeavesOthersTheirRoom() {
    ChainCluster in = cluster(51, 2, 2, 1);
    filled(in, 51);
    in.cutOff(1);
    FileLayout layout = in.layout;
    int hanging = layout.chainPosition(0, 2) == 0 ? 0 : 1;
    List<Long> results = new ArrayList<>();
    MemorySegment bytes = random(100, 51);
    for (int i = 0; i < 2 * ChunkClient.NODE_CALLS_MAX; i++) {
      submit(in, true, hanging * (long) CHUNK + i, bytes, results::add);
      submit(in, false, hanging * (long) CHUNK + i, arena.allocate(10), results::add);
    }
    for (int i = 0; i < 3000; i++) {
      long at = (1 - hanging) * (long) CHUNK + 7L * i;
      long[] result = {Long.MIN_VALUE};
      long sinceNs = in.simulation.nowNs();
      submit(in, true, at, bytes, value -> result[0] = value);
      in.simulation.runUntil(() -> result[0] != Long.MIN_VALUE);
      assertEquals(100, result[0]);
      assertTrue(in.simulation.nowNs() - sinceNs < 100 * MS, "others' calls are in the way");
    }
    assertEquals(0, results.size());
    in.fabric.unblockAll();
    in.simulation.runUntil(() -> results.size() == 4 * ChunkClient.NODE_CALLS_MAX);
    assertTrue(results.stream().allMatch(result -> result == 100 || result == 10));
  }

  @Test
  void whatIsDamagedOnTheWayIsReadAgain() {
    ChainCluster in = cluster(61, 3, 2, 3);
    byte[] model = filled(in, 61);
    in.faults.flipAnswerOneIn = 4;
    in.faults.flipRequestOneIn = 4;
    for (int i = 0; i < 20; i++) {
      assertArrayEquals(model, readAll(in));
    }
    Readers readers = new Readers(in, model, 4, 61);
    in.simulation.runFor(S / 2);
    readers.end();
    assertTrue(in.counters.snapshot().damagedPayloads() > 100);
    byte[] other = filled(in, 62);
    in.faults.none();
    assertArrayEquals(other, readAll(in));
  }

  @Test
  void removalsAndQueriesSurviveTheHeadsEnd() {
    ChainCluster in = cluster(71, 3, 2, 3);
    filled(in, 71);
    Map<String, Long> results = new HashMap<>();
    in.kill(in.head(1));
    in.dataPath.chunks().queryEnd(77, in.layout, end -> results.put("end", end));
    in.simulation.runUntil(() -> results.containsKey("end"));
    assertEquals((long) FILE_CHUNKS * CHUNK, results.get("end"));
    in.kill(in.head(2));
    in.dataPath.chunks().removeChunks(77, in.layout, 3, n -> results.put("removed", n));
    in.dataPath.chunks().truncateChunks(77, in.layout, 2, 3, 100, n -> results.put("cut", n));
    in.simulation.runUntil(() -> results.containsKey("removed") && results.containsKey("cut"));
    assertEquals(0L, results.get("cut"));
    assertTrue(results.getOrDefault("removed", -1L) >= 0);
    results.clear();
    in.dataPath.chunks().queryEnd(77, in.layout, end -> results.put("end", end));
    in.simulation.runUntil(() -> results.containsKey("end"));
    assertEquals(2L * CHUNK + 100, results.get("end"));
  }

  /** Lost, late and repeated messages, ends of connections, and a member that dies on the way. */
  @Test
  void everyAcknowledgedByteIsReadBackWhateverTheNetworkDoes() {
    for (long seed = 81; seed < 83; seed++) {
      try (ChainCluster in = cluster(seed, 4, 3, 3)) {
        in.faults.loseOneIn = 50;
        in.faults.resetOneIn = 200;
        in.faults.flipRequestOneIn = 100;
        in.faults.flipAnswerOneIn = 100;
        Writers writers = new Writers(in, seed);
        in.simulation.runFor(S);
        if (in.prng.oneIn(2)) {
          in.kill(1 + in.prng.below(4));
        } else {
          in.stop(1 + in.prng.below(4));
        }
        in.simulation.runFor(6 * S);
        in.faults.none();
        writers.end();
        everyMemberHas(in, writers.model);
      }
    }
    made = null;
  }
}
