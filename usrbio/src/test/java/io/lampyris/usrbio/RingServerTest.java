package io.lampyris.usrbio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.bindings.Errno;
import io.lampyris.client.FileSystem.User;
import io.lampyris.client.FileSystemException;
import io.lampyris.usrbio.MemoryFiles.MemoryFile;
import io.lampyris.usrbio.Program.Completion;
import io.lampyris.usrbio.Program.Memory;
import io.lampyris.usrbio.Program.Ring;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(300)
@SuppressWarnings("ClassCanBeStatic")
class RingServerTest {
  private static final long FILE = 4711;
  private static final long READ_ONLY = 4712;
  private static final int FILE_BYTES = 1 << 20;
  private static final int MEMORY_BYTES = 256 << 10;
  private static final long QUIET_MS = 50;

  @TempDir Path directory;

  @SuppressWarnings("NullAway.Init")
  private Rig rig;

  @SuppressWarnings("NullAway.Init")
  private Program program;

  @SuppressWarnings("NullAway.Init")
  private MemoryFile file;

  @BeforeEach
  void start() throws IOException {
    rig = new Rig(directory, RingServerConfig.DEFAULT);
    program = rig.program();
    file = rig.files.create(FILE, true, FILE_BYTES);
    file.lengthBytes = FILE_BYTES;
    fill(file.bytes, 1);
    rig.files.create(READ_ONLY, false, FILE_BYTES);
  }

  @AfterEach
  void stop() {
    rig.close();
  }

  // ---------------------------------------------------------------- moving data

  @Test
  void aReadFillsTheProgramsMemory() throws FileSystemException {
    Memory memory = program.new Memory(MEMORY_BYTES, "");
    Ring ring = program.new Ring(8, ".r0.t0");

    int slot = ring.prepare(memory.id, 4096, FILE, 12345, 10_000, 99);
    ring.submit();

    assertEquals(List.of(new Completion(slot, 10_000, 99)), ring.await(1));
    assertSame(file.bytes, 12345, memory.bytes, 4096, 10_000);
  }

  @Test
  void aWriteTakesFromTheProgramsMemory() throws FileSystemException {
    Memory memory = program.new Memory(MEMORY_BYTES, ".b65536");
    fill(memory.bytes, 2);
    Ring ring = program.new Ring(1, ".w1.ph.t1");

    int slot = ring.prepare(memory.id, 65536, FILE, 777, 65536, -1);
    ring.submit();

    assertEquals(List.of(new Completion(slot, 65536, -1)), ring.await(1));
    assertSame(file.bytes, 777, memory.bytes, 65536, 65536);
  }

  @Test
  void aReadIsShortAtTheEndOfTheFileAndEmptyBehindIt() throws FileSystemException {
    Memory memory = program.new Memory(MEMORY_BYTES, "");
    Ring ring = program.new Ring(8, ".r2.t0");

    ring.prepare(memory.id, 0, FILE, FILE_BYTES - 10, 4096, 1);
    ring.prepare(memory.id, 4096, FILE, FILE_BYTES + 4096L, 4096, 2);
    ring.submit();

    assertEquals(Map.of(1L, 10L, 2L, 0L), results(ring.await(2)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".ph", ".pn", ".pl"})
  void aHoleIsZerosUnlessTheRingForbidsIt(String priority) throws FileSystemException {
    Memory memory = program.new Memory(MEMORY_BYTES, "");
    Ring lenient = program.new Ring(2, ".r0" + priority + ".t0.f1");
    Ring strict = program.new Ring(2, ".f11.t0" + priority + ".r0");
    file.mark(0, 4096);

    lenient.prepare(memory.id, 0, FILE, 0, 8192, 1);
    strict.prepare(memory.id, 0, FILE, 0, 8192, 2);
    strict.prepare(memory.id, 8192, FILE, 0, 4096, 3);
    lenient.submit();

    assertEquals(Map.of(1L, 8192L), results(lenient.await(1)));
    assertEquals(Map.of(2L, (long) -Errno.ENODATA, 3L, 4096L), results(strict.await(2)));
  }

  /** I2. */
  @ParameterizedTest
  @CsvSource({"1, 0", "1, 1", "2, -2", "8, 0", "8, -3", "8, 4", "256, 0", "256, -32", "256, 64"})
  void everyEntryCompletesOnceHoweverOftenTheRingWraps(int entries, int depth)
      throws FileSystemException {
    Random random = RegistrationKeyTest.seeded("wrap");
    Memory memory = program.new Memory(MEMORY_BYTES, "");
    Ring ring = program.new Ring(entries, ".r" + depth + ".t1");
    int piece = MEMORY_BYTES / (entries + 1);
    // A whole number of batches, or a positive depth leaves some for ever.
    int total = Math.max(1, 4000 / Math.max(1, depth)) * Math.max(1, depth);
    Map<Long, Long> pending = new HashMap<>();
    long next = 0;
    while (next < total || !pending.isEmpty()) {
      for (int slot = 0; slot >= 0 && next < total; ) {
        long offset = random.nextInt(FILE_BYTES - piece);
        slot = ring.prepare(memory.id, 0, piece, FILE, offset, piece, next);
        if (slot >= 0) {
          pending.put(next++, offset);
        }
      }
      ring.submit();
      for (Completion done : ring.await(1, 5000)) {
        long offset = Objects.requireNonNull(pending.remove(done.userdata()), "completed twice");
        assertEquals(piece, done.result());
        assertSame(file.bytes, offset, memory.bytes, (long) done.slot() * piece, piece);
      }
    }
    assertEquals(total, rig.counter("usrbio_reads"));
    assertEquals(0, rig.counter("usrbio_failures"));
  }

  @Test
  void twoProgramsAndThreePrioritiesShareTheServer() throws FileSystemException {
    Program other = rig.program(new User(2000, 2000), 1);
    for (Program one : List.of(program, other)) {
      Memory memory = one.new Memory(MEMORY_BYTES, "");
      for (String priority : List.of(".ph", ".pn", ".pl", "")) {
        Ring ring = one.new Ring(4, ".r0" + priority + ".t0");
        ring.prepare(memory.id, 0, FILE, 0, 1000, 5);
        ring.submit();
        assertEquals(Map.of(5L, 1000L), results(ring.await(1)));
      }
    }
  }

  // ---------------------------------------------------------------- when jobs begin

  @Test
  void aPositiveDepthBeginsThatManyOrNone() throws FileSystemException {
    Memory memory = program.new Memory(MEMORY_BYTES, "");
    Ring ring = program.new Ring(16, ".r4.t1");
    prepareMany(ring, memory, 3);
    ring.submit();
    assertEquals(List.of(), ring.await(1, QUIET_MS));

    prepareMany(ring, memory, 3);
    ring.submit();

    assertEquals(4, ring.await(4).size());
    assertEquals(List.of(), ring.await(1, QUIET_MS));
    prepareMany(ring, memory, 2);
    assertEquals(4, ring.await(4).size());
  }

  @Test
  void depthZeroBeginsWhatIsThere() throws FileSystemException {
    Memory memory = program.new Memory(MEMORY_BYTES, "");
    Ring ring = program.new Ring(16, ".r0.t10000");
    for (int count : new int[] {1, 16, 3}) {
      prepareMany(ring, memory, count);
      ring.submit();
      assertEquals(count, ring.await(count).size());
    }
  }

  @Test
  void aNegativeDepthBeginsAFullBatchAtOnce() throws FileSystemException {
    Memory memory = program.new Memory(MEMORY_BYTES, "");
    // Waiting would take longer than the test has.
    Ring ring = program.new Ring(16, ".r-4.t10000000");
    prepareMany(ring, memory, 4);
    ring.submit();
    assertEquals(4, ring.await(4).size());
  }

  @Test
  void aNegativeDepthBeginsAPartialBatchAfterItsTime() throws FileSystemException {
    Memory memory = program.new Memory(MEMORY_BYTES, "");
    Ring ring = program.new Ring(16, ".r-4.t200");
    long startNs = System.nanoTime();
    prepareMany(ring, memory, 2);
    List<Completion> found = List.of();
    // Repeatedly looking at an incomplete batch must not restart its time: that would never end.
    while (found.isEmpty()) {
      ring.submit();
      found = ring.await(2, 5);
    }
    long tookMs = (System.nanoTime() - startNs) / 1_000_000;
    assertEquals(2, found.size());
    assertTrue(tookMs >= 190, "after its time; observed=" + tookMs);
  }

  @Test
  void aBatchLargerThanTheRingIsFullWhenTheRingIs() throws FileSystemException {
    Memory memory = program.new Memory(MEMORY_BYTES, "");
    Ring ring = program.new Ring(4, ".r-2147483648.t100000");
    prepareMany(ring, memory, 4);
    ring.submit();
    assertEquals(4, ring.await(4).size());
  }

  @Test
  void aJobLargerThanACycleTakesSeveral() throws FileSystemException {
    Memory memory = program.new Memory(MEMORY_BYTES, "");
    Ring ring = program.new Ring(1000, ".r1000.t0");
    prepareMany(ring, memory, 1000);
    ring.submit();
    assertEquals(1000, ring.await(1000).size());
  }

  /** I4. */
  @Test
  void moreIsInFlightOnlyAsCompletionsFit() throws FileSystemException {
    Memory memory = program.new Memory(MEMORY_BYTES, "");
    Ring ring = program.new Ring(4, ".r0.t0");
    prepareMany(ring, memory, 4);
    ring.submit();
    Rig.await("four completions", () -> ring.index(RingLayout.CQE_HEAD_AT) == 4);
    assertEquals(4, ring.index(RingLayout.SQE_TAIL_AT));

    // A program may prepare without reaping: its fifth slot, then one that it uses twice.
    ring.prepare(memory.id, 0, FILE, 0, 1, 5);
    RingLayout.sqe(ring.bytes, RingLayout.sqeAt(5, 0), 4, 6);
    ring.index(RingLayout.SQE_HEAD_AT, 1);
    ring.submit();
    rig.awaitSleep();
    assertEquals(4, ring.index(RingLayout.CQE_HEAD_AT), "no completion is overwritten");

    assertEquals(4, ring.reap().size());
    assertEquals(new TreeSet<>(List.of(5L, 6L)), new TreeSet<>(results(ring.await(2)).keySet()));
  }

  /** I3. */
  @Test
  void aRingKeepsAllItsEntriesUnderWayThoughTheFirstIsStuck() throws FileSystemException {
    Memory memory = program.new Memory(MEMORY_BYTES, "");
    Ring ring = program.new Ring(4, ".r0.t0");
    rig.files.holding = true;
    prepareMany(ring, memory, 1);
    // Refused at once, each of them, while the first is still with the data path.
    for (int n = 0; n < 20; n++) {
      for (int i = 0; i < 3; i++) {
        assertFalse(ring.prepare(memory.id, -1, FILE, 0, 1, i) < 0, "room to prepare");
      }
      ring.submit();
      Map<Long, Long> refused = results(ring.await(3));
      assertEquals(Set.of(0L, 1L, 2L), refused.keySet());
      assertEquals(Set.of((long) -Errno.EINVAL), new TreeSet<>(refused.values()));
    }
    rig.release();
    assertEquals(Map.of(1000L, 10L), results(ring.await(1)));
    assertEquals(ring.index(RingLayout.SQE_HEAD_AT), ring.index(RingLayout.SQE_TAIL_AT));
  }

  /** I3. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 64})
  void whoReapedOneMayPrepareOneInWhateverOrderTheyComplete(int entries)
      throws FileSystemException {
    Memory memory = program.new Memory(MEMORY_BYTES, "");
    Ring ring = program.new Ring(entries, ".r0.t0");
    prepareMany(ring, memory, entries);
    int reaped = 0;
    while (reaped < 2000) {
      ring.submit();
      int found = ring.await(1, 5000).size();
      prepareMany(ring, memory, found);
      reaped += found;
    }
    ring.submit();
    assertEquals(entries, ring.await(entries).size());
  }

  /** I4. */
  @Test
  void moreThanFitsIsNeverClaimedWhateverTheProgramSaysItReaped() throws FileSystemException {
    Random random = RegistrationKeyTest.seeded("moreThanFits");
    Memory memory = program.new Memory(MEMORY_BYTES, "");
    Ring ring = program.new Ring(4, ".r0.t0");
    rig.files.holding = true;
    prepareMany(ring, memory, 4);
    ring.submit();
    Rig.await("claims", () -> inFlight() == 4);
    for (int n = 0; n < 500; n++) {
      ring.index(RingLayout.SQE_HEAD_AT, random.nextInt(ring.slots));
      ring.index(RingLayout.CQE_TAIL_AT, random.nextInt(ring.slots));
      ring.submit();
      assertEquals(4, inFlight());
    }
    assertEquals(4, rig.files.submitted);
    rig.release();
    Rig.await("the end of what was claimed", () -> inFlight() == 0);
    assertEquals(0, rig.counter("usrbio_retired_rings"));
  }

  // ---------------------------------------------------------------- bad entries

  @Test
  void badEntriesFailAloneWithTheErrnoThatTheyDeserve() throws FileSystemException {
    Memory memory = program.new Memory(MEMORY_BYTES, ".b4096");
    Memory foreign = rig.program(new User(2000, 2000), 1).new Memory(4096, "");
    Ring ring = program.new Ring(32, ".w0.t0");
    long u = 1;
    ring.prepare(memory.id, 0, FILE, 0, 4096, 0);
    for (long length : new long[] {0, -1, Long.MIN_VALUE, Long.MAX_VALUE, 1L << 31, 1L << 32}) {
      ring.prepare(memory.id, 0, FILE, 0, length, u++);
    }
    for (long offset : new long[] {-1, Long.MIN_VALUE, MEMORY_BYTES, Long.MAX_VALUE, 1, 4095}) {
      ring.prepare(memory.id, offset, FILE, 0, offset == 4095 ? 2 : 4096, u++);
    }
    ring.prepare(memory.id, 0, FILE, -1, 1, u++);
    ring.prepare(memory.id, 0, FILE, Long.MAX_VALUE, 1, u++);
    long invalid = u;
    ring.prepare(Program.randomId(), 0, FILE, 0, 1, 100);
    ring.prepare(foreign.id, 0, FILE, 0, 1, 101);
    ring.prepare(memory.id, 0, 0, 0, 1, 102);
    ring.prepare(memory.id, 0, -1, 0, 1, 103);
    ring.prepare(memory.id, 0, READ_ONLY, 0, 1, 104);
    ring.prepare(memory.id, 0, FILE, FILE_BYTES, 1, 105);
    ring.prepare(memory.id, MEMORY_BYTES - 1, FILE, 0, 1, 106);
    ring.submit();

    Map<Long, Long> results = results(ring.await((int) invalid + 7));
    for (long i = 1; i < invalid; i++) {
      assertEquals(-Errno.EINVAL, results.get(i), "entry " + i);
    }
    assertEquals(4096, results.get(0L));
    assertEquals(-Errno.EACCES, results.get(100L));
    assertEquals(-Errno.EACCES, results.get(101L));
    assertEquals(-Errno.EBADF, results.get(102L));
    assertEquals(-Errno.EBADF, results.get(103L));
    assertEquals(-Errno.EACCES, results.get(104L));
    assertEquals(-Errno.ENOSPC, results.get(105L));
    assertEquals(1, results.get(106L));
  }

  /** I6. */
  @Test
  void aFileIsAskedForInTheNameOfTheRingsUser() throws FileSystemException {
    User other = new User(2000, 2000);
    file.opener = other;
    for (Program one : List.of(program, rig.program(other, 1))) {
      Memory memory = one.new Memory(MEMORY_BYTES, "");
      for (String direction : List.of(".r0.t0", ".w0.t0")) {
        Ring ring = one.new Ring(8, direction);
        ring.prepare(memory.id, 0, FILE, 0, 10, 1);
        ring.submit();
        long expected = one == program ? -Errno.EBADF : 10;
        assertEquals(Map.of(1L, expected), results(ring.await(1)));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 9, Integer.MAX_VALUE, Integer.MIN_VALUE})
  void anEntryThatNamesNoSlotFailsAlone(int slot) throws FileSystemException {
    Memory memory = program.new Memory(MEMORY_BYTES, "");
    Ring ring = program.new Ring(8, ".r0.t0");
    ring.prepare(memory.id, 0, FILE, 0, 10, 1);
    RingLayout.sqe(ring.bytes, RingLayout.sqeAt(9, 1), slot, 2);
    ring.index(RingLayout.SQE_HEAD_AT, 2);
    ring.submit();

    List<Completion> found = ring.await(2);

    assertEquals(Map.of(1L, 10L, 2L, (long) -Errno.EINVAL), results(found));
    assertTrue(found.stream().anyMatch(c -> c.slot() == slot));
  }

  @ParameterizedTest
  @CsvSource({"0, 9", "0, -1", "0, -2147483648", "12, 9", "12, -1", "12, 2147483647"})
  void aRingWithImpossibleIndicesIsRetiredAndOthersAreNot(long indexAt, int value)
      throws FileSystemException {
    Memory memory = program.new Memory(MEMORY_BYTES, "");
    Ring bad = program.new Ring(8, ".r0.t0");
    Ring good = program.new Ring(8, ".r0.t0");
    if (indexAt == RingLayout.CQE_TAIL_AT) {
      // Before there is work: the server may look at any moment, and looks no more once it is done.
      bad.index(indexAt, value);
      prepareMany(bad, memory, 1);
    } else {
      prepareMany(bad, memory, 1);
      bad.index(indexAt, value);
    }
    bad.submit();
    Rig.await("retirement", () -> rig.counter("usrbio_retired_rings") == 1);

    prepareMany(good, memory, 3);
    good.submit();

    assertEquals(3, good.await(3).size());
    bad.unregister();
    Rig.await("unmapping", () -> rig.registry.mapped() == 2);
  }

  /** I1. */
  @Test
  void rubbishInRingsHurtsNobodyElse() throws Exception {
    Random random = RegistrationKeyTest.seeded("rubbishInRingsHurtsNobodyElse");
    Memory memory = program.new Memory(MEMORY_BYTES, "");
    Ring good = program.new Ring(8, ".r0.t0");
    for (int round = 0; round < 40; round++) {
      Ring bad = program.new Ring(1 + random.nextInt(20), ".w" + -random.nextInt(5) + ".t0");
      for (int n = 0; n < 500; n++) {
        long at = RingLayout.semaphoreAt(bad.slots) / 4;
        bad.bytes.setAtIndex(
            ValueLayout.JAVA_INT, 4 + random.nextLong(at - 4), random.nextInt(bad.slots + 1));
        // Indices stay possible, and everything else is wrong: claims go on and on.
        bad.index(RingLayout.SQE_HEAD_AT, random.nextInt(bad.slots));
        bad.index(RingLayout.CQE_TAIL_AT, random.nextInt(bad.slots));
        bad.index(RingLayout.CQE_HEAD_AT, random.nextInt());
        bad.index(RingLayout.SQE_TAIL_AT, random.nextInt());
        bad.submit();
      }
      prepareMany(good, memory, 8);
      good.submit();
      for (Completion done : good.await(8)) {
        assertEquals(10, done.result());
      }
    }
    Rig.await("the end of what was claimed", () -> inFlight() == 0);
  }

  // ---------------------------------------------------------------- how rings are

  @Test
  void aRingSaysWhatItHoldsAndWhatItHasDone() throws FileSystemException {
    long beforeNs = System.currentTimeMillis() * 1_000_000;
    Memory memory = program.new Memory(MEMORY_BYTES, "");
    Ring ring = program.new Ring(4, ".r0.ph.t5.f10");
    prepareMany(ring, memory, 3);
    file.mark(0, 4096);
    ring.submit();
    ring.await(3);
    ring.prepare(memory.id, -1, FILE, 0, 1, 7);
    ring.submit();
    ring.await(1);
    rig.files.holding = true;
    ring.prepare(memory.id, 0, FILE, 0, 10, 8);
    ring.submit();
    Rig.await("claims", () -> inFlight() == 1);
    long holdNs = System.nanoTime();

    RingStatus one = rig.registry.rings().getFirst();
    assertEquals(ring.id, one.key().id());
    assertEquals(RegistrationKey.Priority.HIGH, one.key().priority());
    assertEquals(Rig.OWN_PID, one.pid());
    assertEquals(Rig.USER, one.user());
    assertEquals("java", one.program());
    assertEquals(4, one.entries());
    assertEquals(List.of(0, 1), List.of(one.prepared(), one.inFlight()));
    assertEquals(List.of(4L, 1L), List.of(one.completed(), one.failures()));
    assertEquals(30, one.bytes());
    assertTrue(one.registeredNs() >= beforeNs && one.registeredNs() - beforeNs < 600_000_000_000L);
    assertEquals(4, one.latencies().total());

    LockSupport.parkNanos(50_000_000);
    long heldNs = System.nanoTime() - holdNs;
    rig.release();
    ring.await(1);
    RingStatus after = rig.registry.rings().getFirst();
    long longest = after.latencies().since(one.latencies()).percentileNs(1);
    assertTrue(longest >= heldNs * 4 / 5, "observed=" + longest + ", limit=" + heldNs);
    assertEquals(5, after.completed());
    ring.unregister();
    assertEquals(List.of(), rig.registry.rings());
  }

  @Test
  void aRingThatFillsUpSaysHowManyWait() throws FileSystemException {
    Memory memory = program.new Memory(MEMORY_BYTES, "");
    Ring ring = program.new Ring(8, ".r4.t0");
    prepareMany(ring, memory, 3);
    ring.submit();
    assertEquals(3, rig.registry.rings().getFirst().prepared());
    ring.shrink(0);
    rig.registry.rings();
    Rig.await("retirement", () -> rig.counter("usrbio_retired_rings") == 1);
    assertTrue(rig.registry.rings().getFirst().retired());
  }

  // ---------------------------------------------------------------- memory that goes

  /** I10. */
  @Test
  void aRingWhoseMemoryIsShrunkIsRetiredAndOthersAreNot() throws FileSystemException {
    Memory memory = program.new Memory(MEMORY_BYTES, "");
    Ring good = program.new Ring(8, ".r0.t0");
    for (int round = 1; round <= 24; round++) {
      Ring bad = program.new Ring(64, ".r0.t0");
      if (round % 2 == 0) {
        // First, for a busy server takes what is prepared before it is submitted.
        rig.files.holding = round % 4 == 0;
        prepareMany(bad, memory, 64);
        bad.submit();
      }
      if (rig.files.holding) {
        Rig.await("claims", () -> inFlight() == 64);
      }
      long before = rig.counter("usrbio_retired_rings");
      // All of it, or what is behind the first page: there are the later completions.
      boolean all = round % 3 != 0;
      bad.shrink(all ? 0 : 4096);
      rig.release();
      if (all) {
        Rig.await("retirement", () -> rig.counter("usrbio_retired_rings") == before + 1);
      }
      for (int n = 0; n < 50; n++) {
        prepareMany(good, memory, 8);
        good.submit();
        assertEquals(8, good.await(8).size());
      }
      bad.unregister();
    }
    Rig.await("the end of what was claimed", () -> inFlight() == 0);
    Rig.await("unmapping", () -> rig.registry.mapped() == 2);
  }

  @Test
  void anIoIntoShrunkMemoryFails() throws FileSystemException {
    Memory memory = program.new Memory(MEMORY_BYTES, "");
    Ring ring = program.new Ring(8, ".r0.t0");
    memory.shrink(4096);
    ring.prepare(memory.id, 8192, FILE, 0, 100, 1);
    ring.submit();
    assertEquals(Map.of(1L, (long) -Errno.EFAULT), results(ring.await(1)));
  }

  @Test
  void anIoWhoseMemoryIsShrunkMeanwhileFailsAlone() throws FileSystemException {
    Memory bad = program.new Memory(MEMORY_BYTES, "");
    Memory good = program.new Memory(MEMORY_BYTES, "");
    Ring reads = program.new Ring(8, ".r0.t0");
    Ring writes = program.new Ring(8, ".w0.t0");
    for (int round = 0; round < 50; round++) {
      rig.files.holding = true;
      for (Ring ring : List.of(reads, writes)) {
        ring.prepare(bad.id, 8192, FILE, 0, 100_000, 1);
        ring.prepare(good.id, 8192, FILE, 0, 100_000, 2);
        ring.prepare(bad.id, 0, FILE, 0, 4096, 3);
        ring.submit();
      }
      Rig.await("claims", () -> inFlight() == 6);
      bad.shrink(4096);
      rig.release();
      Map<Long, Long> expected = Map.of(1L, (long) -Errno.EFAULT, 2L, 100_000L, 3L, 4096L);
      assertEquals(expected, results(reads.await(3)));
      assertEquals(expected, results(writes.await(3)));
      bad.shrink(MEMORY_BYTES);
    }
  }

  /** I5. */
  @Test
  void whatIsInFlightKeepsItsMemoryMapped() throws FileSystemException {
    Memory memory = program.new Memory(MEMORY_BYTES, "");
    Ring ring = program.new Ring(8, ".r0.t0");
    rig.files.holding = true;
    prepareMany(ring, memory, 8);
    ring.submit();
    Rig.await("claims", () -> inFlight() == 8);

    ring.unregister();
    memory.unregister();
    rig.onReactor(() -> {});
    assertEquals(2, rig.registry.mapped());
    assertEquals(3, list().size(), "the names are gone at once");

    rig.release();
    Rig.await("unmapping", () -> rig.registry.mapped() == 0);
    assertEquals(0, inFlight());
    assertEquals(List.of(), ring.reap(), "nobody reads the completions of a ring that is gone");
  }

  @Test
  void anIovThatIsGoneIsFoundByNoRing() throws FileSystemException {
    Memory memory = program.new Memory(MEMORY_BYTES, "");
    Ring ring = program.new Ring(8, ".r0.t0");
    prepareMany(ring, memory, 1);
    ring.submit();
    ring.await(1);
    memory.unregister();
    Rig.await("unmapping", () -> rig.registry.mapped() == 1);

    prepareMany(ring, memory, 1);
    ring.submit();

    assertEquals(-Errno.EACCES, ring.await(1).getFirst().result());
  }

  // ---------------------------------------------------------------- helpers

  private int inFlight() {
    int[] found = new int[1];
    rig.onReactor(() -> found[0] = rig.server.inFlight());
    return found[0];
  }

  private List<String> list() throws FileSystemException {
    return rig.registry.list(program.caller, "iovs");
  }

  private static void prepareMany(Ring ring, Memory memory, int count) {
    for (int i = 0; i < count; i++) {
      int slot = ring.prepare(memory.id, 0, FILE, 0, 10, 1000 + i);
      assertFalse(slot < 0, "room to prepare");
    }
  }

  private static Map<Long, Long> results(List<Completion> completions) {
    Map<Long, Long> results = new HashMap<>();
    for (Completion completion : completions) {
      assertEquals(null, results.put(completion.userdata(), completion.result()));
    }
    return results;
  }

  private static void fill(MemorySegment bytes, long seed) {
    Random random = new Random(seed);
    for (long at = 0; at < bytes.byteSize(); at += 8) {
      bytes.set(ValueLayout.JAVA_LONG, at, random.nextLong());
    }
  }

  private static void assertSame(
      MemorySegment expected, long expectedAt, MemorySegment actual, long actualAt, long length) {
    long mismatch =
        MemorySegment.mismatch(
            expected, expectedAt, expectedAt + length, actual, actualAt, actualAt + length);
    assertEquals(-1, mismatch);
  }
}
