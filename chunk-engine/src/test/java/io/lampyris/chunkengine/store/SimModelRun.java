package io.lampyris.chunkengine.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.check.CheckFinding;
import io.lampyris.chunkengine.check.CheckReport;
import io.lampyris.chunkengine.check.TargetChecker;
import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.Geometry;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.Superblock;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.options.IntegrityOptions;
import io.lampyris.chunkengine.options.IntegrityOptions.Verify;
import io.lampyris.chunkengine.options.SpaceOptions;
import io.lampyris.chunkengine.recovery.TargetFiles;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.sim.PowerCut;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.SimFaults;
import io.lampyris.reactor.sim.SimPower;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The model test's run of one seed: lives of one target, each with its own kind of trouble. */
final class SimModelRun {
  /** What a life has to bear. */
  private enum Trouble {
    NONE,
    ROTTEN_BITS,
    MISDIRECTED_WRITES,
    DEVICE_ERRORS
  }

  private final Path work;
  private final long seed;
  private final Prng prng;
  private final byte[][] superblocks = new byte[2][];
  private int lives;
  private int cuts;
  private int flips;
  private int misdirected;
  private int offline;
  private long completed;
  private long corruptions;
  private boolean scrubs;
  private int scrubbed;
  private int offlineChecks;

  SimModelRun(Path work, long seed) {
    this.work = work;
    this.seed = seed;
    this.prng = new Prng(seed);
  }

  /**
   * Runs until so many operations were answered; returns how many were.
   *
   * @param breakIt breaks a target on purpose, before its first life
   */
  long run(long ops, Consumer<SimTarget> breakIt) throws Exception {
    Host.posix().createDirectories(work);
    try (SimTarget target = new SimTarget(work, prng.split())) {
      SimWorkload client = new SimWorkload(target, prng.split());
      breakIt.accept(target);
      try {
        target.format(SimPower.steady());
        saveSuperblocks(target);
        while (client.completed < ops) {
          live(target, client);
        }
        last(target, client);
      } catch (Throwable failure) {
        throw new AssertionError("seed=" + seed + " " + this + "\n" + client.history(), failure);
      }
      completed = client.completed;
      corruptions = client.corruptions;
      return completed;
    }
  }

  private void last(SimTarget target, SimWorkload client) throws StoreException {
    boot(target, client, SimPower.steady());
    for (long inode = 0; inode < ModelSteps.INODES; inode++) {
      client.remove(inode, 0, 100);
    }
    client.await();
    target.runFor(5_000_000_000L);
    assertEquals(0, target.store().chunkCount());
    assertEquals(target.store().capacityBytes(), target.store().freeBytes(), "all is free again");
    target.shutdown();
  }

  // ---- lives ----

  private void live(SimTarget target, SimWorkload client) throws StoreException {
    lives++;
    int chance = prng.below(10);
    Trouble trouble =
        chance < 5
            ? Trouble.NONE
            : chance < 7
                ? Trouble.ROTTEN_BITS
                : chance < 9 ? Trouble.MISDIRECTED_WRITES : Trouble.DEVICE_ERRORS;
    SimPower power =
        prng.coin() ? SimPower.steady() : SimPower.cutAt(1 + prng.below(prng.coin() ? 200 : 4_000));
    client.note("life " + lives + " " + trouble);
    try {
      boot(target, client, power);
      trouble(target, client, trouble);
      ModelSteps steps = new ModelSteps(client, prng);
      int count = 20 + prng.below(200);
      for (int step = 0; step < count && !target.store().isOffline(); step++) {
        steps.step();
        if (trouble == Trouble.ROTTEN_BITS && prng.oneIn(20)) {
          rot(target, client);
        }
      }
      client.await();
      boolean failed = target.store().isOffline();
      offline += failed ? 1 : 0;
      settle(target, client);
      Map<String, String> states = StoreAudit.states(target.store());
      ChunkKey key = prng.oneIn(4) && !failed ? anyChunk(client) : null;
      ChunkState chunk = new ChunkState();
      boolean found = key != null && target.store().index().get(key.inode(), key.index(), chunk);
      target.shutdown();
      if (found) {
        checkOffline(target, chunk);
      }
      if (!failed) {
        boot(target, client, SimPower.steady());
        assertEquals(states, StoreAudit.states(target.store()), "the log says what the index said");
        target.shutdown();
      }
    } catch (PowerCut cut) {
      cuts++;
      client.note(String.valueOf(cut.getMessage()));
      target.crash();
    }
    client.errorsExpected = false;
  }

  private void boot(SimTarget target, SimWorkload client, SimPower power) throws StoreException {
    restoreSuperblocks(target);
    target.faults = new SimFaults();
    target.faults.stragglerOneIn = prng.oneIn(4) ? 2 : 10;
    client.verifiesAll = prng.coin();
    boolean scrubs = prng.oneIn(3);
    boolean compacts = prng.oneIn(3);
    boolean discards = prng.oneIn(3);
    IntegrityOptions integrity =
        IntegrityOptions.defaults()
            .withVerify(client.verifiesAll ? Verify.STRICT : Verify.NORMAL)
            .withScrub(scrubs ? 2_000_000_000L : 0, 1 << 30);
    SpaceOptions space =
        SpaceOptions.defaults()
            .withCompaction(compacts ? 1 << 30 : 0)
            .withDiscard(discards ? SpaceOptions.Discard.ON : SpaceOptions.Discard.OFF);
    long rewriteBytes = prng.coin() ? 5_000 : 1 << 30;
    target.options =
        options ->
            options
                .withIntegrity(integrity)
                .withSpace(space)
                .withLog(options.log().withRewriteBytes(rewriteBytes));
    this.scrubs = scrubs;
    target.boot(power);
    StoreAudit.blocks(target.store());
    client.reload();
    heal(client);
  }

  private void trouble(SimTarget target, SimWorkload client, Trouble trouble) {
    SimFaults faults = target.faults;
    switch (trouble) {
      case NONE, ROTTEN_BITS -> {}
      case MISDIRECTED_WRITES -> {
        faults.misdirectOneIn = 100;
        // One that goes astray from or into the journal stops the target: JournalTest.
        faults.sparedFrom = Geometry.JOURNAL_OFFSET;
        faults.sparedTo = Geometry.FIRST_EXTENT_OFFSET;
        faults.witness =
            (meantFor, wentTo, bytes) -> {
              misdirected++;
              client.note("misdirected %d+%d to %d".formatted(meantFor, bytes, wentTo));
              client.keys().forEach(key -> client.model(key).suspect = true);
            };
      }
      case DEVICE_ERRORS -> {
        client.errorsExpected = true;
        faults.readErrorOneIn = 200;
        faults.writeErrorOneIn = 1_000;
        faults.noSpaceOneIn = 1_000;
        faults.flushErrorOneIn = 1_000;
      }
    }
  }

  // ---- damage ----

  private @Nullable ChunkKey anyChunk(SimWorkload client) {
    List<ChunkKey> chunks = new ArrayList<>();
    for (ChunkKey key : client.keys()) {
      if (client.model(key).length() > 0 && client.model(key).staged == null) {
        chunks.add(key);
      }
    }
    return chunks.isEmpty() ? null : chunks.get(prng.below(chunks.size()));
  }

  /** Long enough for what was answered before it was in its place. */
  private static final long SETTLE_NS = 50_000_000;

  /** A bit of a chunk rots; whoever reads its unit is told. */
  private void rot(SimTarget target, SimWorkload client) {
    ModelSteps steps = new ModelSteps(client, prng);
    client.await();
    target.runFor(SETTLE_NS);
    ChunkKey key = anyChunk(client);
    if (key == null) {
      return;
    }
    ChunkState chunk = new ChunkState();
    boolean found = target.store().index().get(key.inode(), key.index(), chunk);
    assertTrue(found, "the model has it");
    int at = prng.below(chunk.lengthBytes);
    client.note("rot of %s at %d".formatted(key, at));
    client.model(key).suspect = true;
    flips++;
    if (prng.coin()) {
      // Part of what stays in place, or not.
      int offset = prng.below(chunk.lengthBytes);
      client.write(
          key, offset, 1 + steps.small(Math.min(1_000, SimWorkload.chunkSize(key) - offset)));
      client.await();
      target.runFor(SETTLE_NS);
      found = target.store().index().get(key.inode(), key.index(), chunk);
      assertTrue(found, "the model has it");
    }
    target.disk().flipBit(chunk.blockOffset + at, prng.below(8));
    if (scrubs && prng.coin()) {
      // Found without anybody's reading it.
      long before = target.store().maintenance().scrubBadUnits();
      target.runUntil(() -> target.store().maintenance().scrubBadUnits() > before);
    }
    int unit = at / chunk.unitBytes();
    int from = unit * chunk.unitBytes();
    int bytes = Math.min(chunk.unitBytes(), chunk.lengthBytes - from);
    assertEquals(
        Status.DATA_CORRUPTION.code(),
        client.readNow(key, from, bytes),
        "a read of the unit tells");
    if (prng.coin()) {
      int offset = prng.below(chunk.lengthBytes);
      client.write(key, offset, 1 + steps.small(Math.min(4096, chunk.lengthBytes - offset)));
      client.await();
    }
    judge(target, client, key);
    if (scrubs && !isOnDevice(target, client, key)) {
      scrubbed++;
      long passes = target.store().maintenance().scrubPasses();
      target.runUntil(() -> target.store().maintenance().scrubPasses() > passes + 1);
      assertTrue(
          target.store().quarantined(100).stream()
              .anyMatch(bad -> bad.inode() == key.inode() && bad.chunkIndex() == key.index()),
          key + " was scrubbed and is in quarantine");
    }
    heal(client);
  }

  /**
   * A whole chunk reads well only when the device has what the model has; and then it does, unless
   * damaged bytes were overwritten: their unit keeps the mark until it is replaced.
   */
  private void judge(SimTarget target, SimWorkload client, ChunkKey key) {
    target.runFor(SETTLE_NS);
    boolean good = isOnDevice(target, client, key);
    long result = client.readNow(key, 0, SimWorkload.chunkSize(key));
    byte[] state = client.model(key).now();
    long expected = state == null ? Status.CHUNK_NOT_FOUND.code() : state.length;
    if (!good || result != expected) {
      assertTrue(client.model(key).suspect, key + " is damaged by nobody");
      assertEquals(Status.DATA_CORRUPTION.code(), result, key + " after damage");
    }
  }

  private static boolean isOnDevice(SimTarget target, SimWorkload client, ChunkKey key) {
    byte[] state = client.model(key).now();
    ChunkState chunk = new ChunkState();
    if (state == null
        || state.length == 0
        || !target.store().index().get(key.inode(), key.index(), chunk)) {
      return true;
    }
    assertEquals(state.length, chunk.lengthBytes, key + " has its length");
    byte[] bytes = new byte[state.length];
    MemorySegment all = MemorySegment.ofArray(bytes);
    target.disk().read(chunk.blockOffset, all, 0, bytes.length);
    return all.mismatch(MemorySegment.ofArray(state)) < 0;
  }

  /** The offline check finds nothing, then a bit that rotted, and only that. */
  private void checkOffline(SimTarget target, ChunkState chunk) throws StoreException {
    assertOffline(target, List.of());
    long at = chunk.blockOffset + prng.below(chunk.lengthBytes);
    byte mask = (byte) (1 << prng.below(8));
    flip(device(target), at, mask);
    offlineChecks++;
    int unit = (int) (at - chunk.blockOffset) / chunk.unitBytes();
    assertOffline(target, List.of(chunk.inode + "/" + chunk.chunkIndex + "." + unit));
    flip(device(target), at, mask);
  }

  private static void assertOffline(SimTarget target, List<String> damaged) throws StoreException {
    CheckReport report = TargetChecker.check(target.directory(), true, (done, total) -> {});
    List<String> errors = new ArrayList<>();
    for (CheckFinding finding : report.findings()) {
      boolean superblock = finding.code() == CheckFinding.Code.SUPERBLOCK_DAMAGED;
      if (finding.code().severity() == CheckFinding.Severity.ERROR && !superblock) {
        errors.add(finding.inode() + "/" + finding.chunkIndex() + "." + finding.unit());
      }
    }
    assertEquals(damaged, errors, "the offline check");
  }

  private static void flip(Path device, long at, byte mask) throws StoreException {
    byte[] one = new byte[1];
    Host.posix().read(device, at, MemorySegment.ofArray(one));
    one[0] ^= mask;
    Host.posix().write(device, at, MemorySegment.ofArray(one));
  }

  /** With nothing in flight: every chunk that is damaged says so; then all are made good. */
  private void settle(SimTarget target, SimWorkload client) throws StoreException {
    SimFaults faults = target.faults;
    faults.misdirectOneIn = 0;
    faults.readErrorOneIn = 0;
    faults.writeErrorOneIn = 0;
    faults.noSpaceOneIn = 0;
    faults.flushErrorOneIn = 0;
    if (target.store().isOffline()) {
      return;
    }
    target.runFor(3_000_000_000L);
    for (ChunkKey key : client.keys()) {
      judge(target, client, key);
    }
    heal(client);
    // An extent that is being discarded is not free until that is done.
    target.runFor(SETTLE_NS);
    StoreAudit.blocks(target.store());
    assertEquals(0, StoreAudit.badChunks(target.store()), "nothing damaged is left");
  }

  /** Whether what is committed, or what is pending, is damaged or not there. */
  private static boolean isBad(SimWorkload client, ChunkKey key) {
    return client.readNow(key, 0, SimWorkload.chunkSize(key)) < 0
        || (client.model(key).staged != null && client.readPending(key) < 0);
  }

  private void heal(SimWorkload client) {
    client.await();
    for (ChunkKey key : client.keys()) {
      ChunkModel model = client.model(key);
      if (model.suspect && model.exists() && isBad(client, key)) {
        if (prng.coin() && model.staged == null) {
          client.write(key, 0, Math.max(1, model.length()));
        } else {
          client.remove(key.inode(), key.index(), 1);
        }
        client.await();
      }
    }
    for (ChunkKey key : client.keys()) {
      client.model(key).suspect = false;
    }
  }

  // ---- superblocks ----

  private static Path device(SimTarget target) {
    return target.directory().resolve(TargetFiles.DEVICE);
  }

  private static long offset(int copy) {
    return copy == 0 ? Superblock.OFFSET_A : Superblock.OFFSET_B;
  }

  private void saveSuperblocks(SimTarget target) throws StoreException {
    for (int copy = 0; copy < 2; copy++) {
      superblocks[copy] = new byte[Superblock.SIZE_BYTES];
      Host.posix().read(device(target), offset(copy), MemorySegment.ofArray(superblocks[copy]));
    }
  }

  /** A misdirected write may have hit them: one has to do, and both are good again later. */
  private void restoreSuperblocks(SimTarget target) throws StoreException {
    int keep = prng.below(3);
    for (int copy = 0; copy < 2; copy++) {
      if (copy != keep) {
        Host.posix().write(device(target), offset(copy), MemorySegment.ofArray(superblocks[copy]));
      }
    }
  }

  @Override
  public String toString() {
    return "%d operations, %d lives, %d cuts, %d rotten bits (%d scrubbed for, %d checked for offline), %d misdirected writes, %d times offline, %d reads refused"
        .formatted(
            completed,
            lives,
            cuts,
            flips,
            scrubbed,
            offlineChecks,
            misdirected,
            offline,
            corruptions);
  }
}
