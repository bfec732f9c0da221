package io.lampyris.chunkengine.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.bindings.NativeMemory;
import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.Geometry;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.options.Durability;
import io.lampyris.chunkengine.options.SpaceOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.sim.PowerCut;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.SimPower;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Power cuts of targets that answer before anything is durable. What a cut may leave of a chunk:
 *
 * <pre>
 *   no update since the last sync           that version, bit by bit
 *   replaced or removed since               that version bit by bit, or a later one bit by bit, or
 *                                             a later one that is refused as DATA_CORRUPTION
 *   overwritten in place since              any of these, or that version refused
 * </pre>
 *
 * Never other bytes, and never an older version.
 */
final class RelaxedPowerCutTest {
  private static final int LIVES = Integer.getInteger("relaxed.lives", 60);
  private static final int CHUNKS = 20;
  private static final int LARGE_FROM = 8;
  private static final int LARGE_BYTES = 5 << 20;
  private static final int SMALL_BYTES = 300_000;
  private static final int INTERVAL_MS = 20;
  private static final int PIECE_MAX = 20_000;

  @TempDir Path tmp;

  private final long seed = Long.getLong("seed", System.nanoTime());
  private final Prng prng = new Prng(seed);
  private final List<Versions> chunks = new ArrayList<>();
  private final MemorySegment memory = NativeMemory.allocateAligned(16 << 20);
  private int cuts;
  private int atFloor;
  private int later;
  private int refused;
  private long moved;

  /** What a chunk has been since the last completed sync, oldest first; null: it was not there. */
  private static final class Versions {
    final List<byte @Nullable []> states = new ArrayList<>();
    boolean inPlace;

    Versions() {
      states.add(null);
    }

    byte @Nullable [] now() {
      return states.getLast();
    }

    void settle(byte @Nullable [] state) {
      states.clear();
      states.add(state);
      inPlace = false;
    }
  }

  private static final class Update extends UpdateOp {
    long answer = Long.MIN_VALUE;

    @Override
    protected void onComplete(long result) {
      answer = result;
    }
  }

  private static final class Remove extends RemoveOp {
    long answer = Long.MIN_VALUE;

    @Override
    protected void onComplete(long result) {
      answer = result;
    }
  }

  private static final class Read extends ReadOp {
    long answer = Long.MIN_VALUE;

    @Override
    protected void onComplete(long result) {
      answer = result;
    }
  }

  @Test
  void intervalLosesNoMoreThanWhatNoSyncCovered() throws Exception {
    run(Durability.interval(INTERVAL_MS));
  }

  @Test
  void noneLosesNoMoreThanWhatNoSyncCovered() throws Exception {
    run(Durability.NONE);
  }

  private void run(Durability durability) throws Exception {
    System.out.println("seed=" + seed);
    Path base = SimTarget.workDirectory(tmp);
    try (SimTarget target = new SimTarget(base, prng.split())) {
      target.spec = new TargetSpec(1, 7, Geometry.FIRST_EXTENT_OFFSET + 3 * (64L << 20));
      target.format(SimPower.steady());
      for (int i = 0; i < CHUNKS; i++) {
        chunks.add(new Versions());
      }
      for (int life = 0; life < LIVES; life++) {
        boolean rewrites = prng.coin();
        target.options =
            o ->
                o.withDurability(durability)
                    .withSpace(SpaceOptions.defaults().withCompaction(1L << 40))
                    .withLog(o.log().withRewriteBytes(rewrites ? 5_000 : 1 << 30));
        live(target);
      }
    } catch (AssertionError failure) {
      throw new AssertionError("seed=" + seed, failure);
    } finally {
      NativeMemory.unmap(memory);
      Host.posix().deleteTree(base);
    }
    System.out.printf(
        "%d cuts left %d chunks as synced, %d later, %d refused; %d chunks were moved%n",
        cuts, atFloor, later, refused, moved);
    assertTrue(cuts > LIVES / 4, "many lives end in a cut");
  }

  private void live(SimTarget target) throws StoreException {
    long before = moved;
    try {
      target.boot(SimPower.cutAt(1 + prng.below(prng.coin() ? 400 : 900)));
      // What was replayed was made durable by the start.
      check(target);
      for (int step = 0; step < 80; step++) {
        step(target);
        moved = Math.max(moved, before + target.store().maintenance().compactedChunks());
      }
      target.shutdown();
      chunks.forEach(versions -> versions.settle(versions.now()));
    } catch (PowerCut cut) {
      cuts++;
      target.crash();
    }
  }

  // ---- steps ----

  private void step(SimTarget target) {
    int chance = prng.below(20);
    int key = prng.below(CHUNKS);
    Versions versions = chunks.get(key);
    byte[] now = versions.now();
    if (chance < 10) {
      // Large ones fill more than an extent, so that there is something to compact.
      int length = key >= LARGE_FROM ? prng.between(4 << 20, LARGE_BYTES) : prng.below(SMALL_BYTES);
      replace(target, key, versions, 1 + length);
    } else if (chance < 12 && now != null) {
      int at = prng.below(now.length);
      overwrite(target, key, versions, at, 1 + prng.below(Math.min(PIECE_MAX, now.length - at)));
    } else if (chance < 14 && now != null) {
      overwrite(target, key, versions, now.length, 1 + prng.below(PIECE_MAX));
    } else if (chance < 18 && now != null) {
      remove(target, key, versions);
    } else if (chance < 19) {
      target.runFor(prng.below(500_000_000L));
    } else {
      sync(target);
    }
  }

  /** Waits for a sync that began now: all that was answered before is safe. */
  private void sync(SimTarget target) {
    GroupCommit commit = target.store().commit();
    long wanted = commit.requestSync();
    List<byte @Nullable []> covered = new ArrayList<>(chunks.stream().map(Versions::now).toList());
    target.runUntil(() -> commit.syncs() >= wanted);
    // A redo goes to its place by itself, perhaps behind that sync.
    long again = commit.requestSync();
    target.runUntil(() -> target.store().redos().isEmpty() && commit.syncs() >= again);
    for (int i = 0; i < CHUNKS; i++) {
      chunks.get(i).settle(covered.get(i));
    }
  }

  /** All of it: a removal that is answered, then a new chunk, or a longer one over it. */
  private void replace(SimTarget target, int key, Versions versions, int length) {
    byte[] now = versions.now();
    byte[] bytes = random(Math.max(length, now == null ? 0 : now.length));
    write(target, key, versions, 0, bytes, bytes);
  }

  private void overwrite(SimTarget target, int key, Versions versions, int at, int length) {
    byte[] now = versions.now();
    assert now != null : "there is something";
    byte[] bytes = random(length);
    byte[] after = Arrays.copyOf(now, Math.max(now.length, at + length));
    System.arraycopy(bytes, 0, after, at, length);
    versions.inPlace = true;
    write(target, key, versions, at, bytes, after);
  }

  private byte[] random(int length) {
    byte[] bytes = new byte[length];
    for (int i = 0; i < length; i += 8) {
      long x = prng.nextLong();
      for (int j = i; j < Math.min(length, i + 8); j++) {
        bytes[j] = (byte) (x >>> (8 * (j - i)));
      }
    }
    return bytes;
  }

  private void write(
      SimTarget target, int key, Versions versions, int at, byte[] bytes, byte[] after) {
    Update op = new Update();
    op.kind = UpdateOp.Kind.WRITE;
    op.inode = 1;
    op.chunkIndex = key;
    op.chunkSizeBytes = 8 << 20;
    op.chainVersion = 1;
    op.chunkOffset = at;
    op.lengthBytes = bytes.length;
    op.payload = memory;
    MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
    op.payloadCrc32c = new Crc32c().of(memory, 0, bytes.length);
    // Before it is answered: it may be there, whole.
    versions.states.add(after);
    target.store().submit(op);
    target.runUntil(() -> op.answer != Long.MIN_VALUE);
    if (op.answer == Status.NO_SPACE.code()) {
      versions.states.removeLast();
    } else {
      assertEquals(bytes.length, op.answer);
    }
  }

  private void remove(SimTarget target, int key, Versions versions) {
    Remove op = new Remove();
    op.inode = 1;
    op.fromIndex = key;
    op.removeMax = 1;
    versions.states.add(null);
    target.store().submit(op);
    target.runUntil(() -> op.answer != Long.MIN_VALUE);
    assertEquals(1, op.answer);
  }

  // ---- after a cut ----

  private void check(SimTarget target) throws StoreException {
    StoreAudit.blocks(target.store());
    for (int i = 0; i < CHUNKS; i++) {
      check(target, i, chunks.get(i));
    }
    sync(target);
  }

  private void check(SimTarget target, int key, Versions versions) {
    Read op = new Read();
    op.inode = 1;
    op.chunkIndex = key;
    op.lengthBytes = 8 << 20;
    op.payload = memory;
    op.payloadCapacityBytes = 8 << 20;
    target.store().submit(op);
    target.runUntil(() -> op.answer != Long.MIN_VALUE);
    if (op.answer == Status.DATA_CORRUPTION.code()) {
      judgeRefused(target, key, versions);
      return;
    }
    byte[] found = op.answer < 0 ? null : new byte[(int) op.answer];
    if (found == null) {
      assertEquals(Status.CHUNK_NOT_FOUND.code(), op.answer, "chunk " + key);
    } else {
      MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, 0, found, 0, found.length);
    }
    boolean synced = Arrays.equals(versions.states.getFirst(), found);
    assertTrue(
        synced || versions.states.stream().anyMatch(state -> Arrays.equals(state, found)),
        () ->
            "chunk %d is of version %d what it never was since the last sync, %s; it was %s"
                .formatted(
                    key,
                    op.state.version,
                    text(found),
                    versions.states.stream().map(RelaxedPowerCutTest::text).toList()));
    atFloor += synced ? 1 : 0;
    later += synced ? 0 : 1;
    versions.settle(found);
  }

  private static String text(byte @Nullable [] state) {
    return state == null
        ? "absent"
        : state.length + "/" + Integer.toHexString(Arrays.hashCode(state));
  }

  private void judgeRefused(SimTarget target, int key, Versions versions) {
    assertTrue(versions.states.size() > 1, () -> "chunk %d was safe and is refused".formatted(key));
    ChunkState state = new ChunkState();
    boolean exists = target.store().index().get(1, key, state);
    byte[] floor = versions.states.getFirst();
    if (!versions.inPlace && exists && floor != null) {
      byte[] safe = floor;
      int crc = new Crc32c().of(MemorySegment.ofArray(safe), 0, safe.length);
      assertTrue(
          state.lengthBytes != safe.length || state.crc32c != crc,
          () -> "chunk %d is back at its safe version, in a block with other bytes".formatted(key));
    }
    refused++;
    // Its removal is at risk as any update: the refused version may come back.
    versions.inPlace = true;
    remove(target, key, versions);
  }
}
