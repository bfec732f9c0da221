package io.lampyris.chunkengine.space;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.format.Geometry;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

final class ExtentAllocatorTest {
  private static final long DEVICE =
      Geometry.FIRST_EXTENT_OFFSET + 5 * Geometry.EXTENT_BYTES + (24L << 20);

  @Test
  void blocksNeverOverlapAndAllSpaceComesBack() {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("seed=" + seed);
    SplittableRandom random = new SplittableRandom(seed);
    ExtentAllocator allocator = new ExtentAllocator(DEVICE);
    long whole = allocator.freeBytes();
    assertEquals(DEVICE - Geometry.FIRST_EXTENT_OFFSET, whole);
    NavigableMap<Long, Integer> taken = new TreeMap<>();
    List<Long> order = new ArrayList<>();
    for (int op = 0; op < 200_000; op++) {
      if (random.nextInt(200) == 0) {
        chooseOrSpareVictims(allocator, random);
      }
      if (random.nextInt(100) < (op / 20_000 % 2 == 0 ? 60 : 40)) {
        int wanted = Geometry.CLASS_MIN + random.nextInt(random.nextInt(Geometry.CLASSES) + 1);
        int fullest = fullest(allocator, wanted);
        long got = allocator.allocate(wanted);
        if (got == BlockAllocator.NO_SPACE) {
          continue;
        }
        assertFromTheFullest(allocator, fullest, got, seed);
        long offset = BlockAllocator.offsetOf(got);
        int given = BlockAllocator.classOf(got);
        assertTrue(given >= wanted, "seed=" + seed);
        assertFree(taken, offset, 1L << given, seed);
        taken.put(offset, given);
        order.add(offset);
      } else if (!order.isEmpty()) {
        int victim = random.nextInt(order.size());
        long offset = order.set(victim, order.getLast());
        order.removeLast();
        allocator.free(offset, taken.getOrDefault(offset, 0));
        taken.remove(offset);
      }
    }
    checkReplay(allocator, taken);
    taken.forEach(allocator::free);
    assertEquals(whole, allocator.freeBytes(), "seed=" + seed);
  }

  /** How many blocks the fullest extent of a class that may give one has; -1 without one. */
  private static int fullest(ExtentAllocator allocator, int sizeClass) {
    int most = -1;
    for (int extent = 0; extent < allocator.extents(); extent++) {
      int room =
          (int)
              (Math.min(Geometry.EXTENT_BYTES, DEVICE - ExtentAllocator.extentOffset(extent))
                  >> sizeClass);
      if (allocator.classOf(extent) == sizeClass
          && allocator.used(extent) < room
          && !allocator.isVictim(extent)) {
        most = Math.max(most, allocator.used(extent) * 64 / room);
      }
    }
    return most;
  }

  private static void assertFromTheFullest(
      ExtentAllocator allocator, int fullest, long got, long seed) {
    int extent = ExtentAllocator.extentOf(BlockAllocator.offsetOf(got));
    int sizeClass = BlockAllocator.classOf(got);
    long bytes = Math.min(Geometry.EXTENT_BYTES, DEVICE - ExtentAllocator.extentOffset(extent));
    if (fullest >= 0) {
      int before = allocator.used(extent) - 1;
      assertEquals(fullest, before * 64 / (int) (bytes >> sizeClass), "seed=" + seed);
    }
  }

  private static void chooseOrSpareVictims(ExtentAllocator allocator, SplittableRandom random) {
    if (random.nextInt(3) == 0) {
      allocator.spareVictims();
    } else {
      int extent = allocator.addVictim(1 + random.nextInt(7));
      assertTrue(extent == ExtentAllocator.NONE || allocator.isVictim(extent));
    }
    if (random.nextInt(3) == 0) {
      int extent = allocator.takeUndiscarded();
      if (extent != ExtentAllocator.NONE) {
        allocator.discarded(extent);
      }
    }
  }

  private static void assertFree(
      NavigableMap<Long, Integer> taken, long offset, long size, long seed) {
    assertTrue(offset >= Geometry.FIRST_EXTENT_OFFSET && offset + size <= DEVICE, "seed=" + seed);
    var below = taken.floorEntry(offset + size - 1);
    assertTrue(
        below == null || below.getKey() + (1L << below.getValue()) <= offset, "seed=" + seed);
  }

  private static void checkReplay(ExtentAllocator original, NavigableMap<Long, Integer> taken) {
    ExtentAllocator replayed = new ExtentAllocator(DEVICE);
    taken.forEach((offset, sizeClass) -> assertTrue(replayed.take(offset, sizeClass)));
    taken.forEach((offset, sizeClass) -> assertFalse(replayed.take(offset, sizeClass)));
    assertEquals(original.freeBytes(), replayed.freeBytes());
  }

  @Test
  void aFullDeviceRefusesAndOneFreedBlockServesAgain() {
    ExtentAllocator allocator = new ExtentAllocator(DEVICE);
    List<Long> blocks = new ArrayList<>();
    for (long got; (got = allocator.allocate(20)) != BlockAllocator.NO_SPACE; ) {
      blocks.add(got);
    }
    assertEquals(5 * 64 + 24, blocks.size());
    assertEquals(0, allocator.freeBytes());
    assertEquals(BlockAllocator.NO_SPACE, allocator.allocate(Geometry.CLASS_MIN));
    allocator.free(BlockAllocator.offsetOf(blocks.get(17)), 20);
    long got = allocator.allocate(Geometry.CLASS_MIN);
    assertNotEquals(BlockAllocator.NO_SPACE, got);
    assertEquals(20, BlockAllocator.classOf(got), "a larger block serves when no smaller is left");
    assertEquals(BlockAllocator.NO_SPACE, allocator.allocate(Geometry.CLASS_MIN));
  }

  @Test
  void replayRefusesBlocksThatCannotBe() {
    ExtentAllocator allocator = new ExtentAllocator(DEVICE);
    long first = Geometry.FIRST_EXTENT_OFFSET;
    assertFalse(allocator.take(0, 16), "superblock");
    assertFalse(allocator.take(first + 65536, 17), "not a multiple of its size");
    assertFalse(allocator.take(DEVICE, 16), "behind the end");
    assertFalse(allocator.take(first, 27), "no such class");
    assertFalse(allocator.take(first + 5 * Geometry.EXTENT_BYTES, 26), "larger than the last one");
    assertTrue(allocator.take(first, 17));
    assertFalse(allocator.take(first + (1 << 20), 18), "another class in one extent");
  }

  @Test
  void newBlocksLeaveTheReserveAloneAndReplacementsDoNot() {
    ExtentAllocator allocator = new ExtentAllocator(DEVICE, 10 << 20);
    int given = 0;
    while (allocator.allocate(20) != BlockAllocator.NO_SPACE) {
      given++;
    }
    assertEquals(5 * 64 + 24 - 10, given, "I11");
    assertEquals(BlockAllocator.NO_SPACE, allocator.allocate(Geometry.CLASS_MIN));
    for (int i = 0; i < 10; i++) {
      assertNotEquals(BlockAllocator.NO_SPACE, allocator.allocateReserved(20));
    }
    assertEquals(BlockAllocator.NO_SPACE, allocator.allocateReserved(20));
  }

  @Test
  void theSparsestExtentWhoseBlocksHaveRoomElsewhereIsEmptiedAndGivesNoBlocks() {
    ExtentAllocator allocator = new ExtentAllocator(DEVICE);
    List<Long> blocks = new ArrayList<>();
    for (int i = 0; i < 3 * 64; i++) {
      blocks.add(allocator.allocate(20));
    }
    assertEquals(ExtentAllocator.NONE, allocator.addVictim(8), "full extents have nothing to give");
    for (int i = 0; i < 60; i++) {
      allocator.free(BlockAllocator.offsetOf(blocks.get(i)), 20);
    }
    assertEquals(
        ExtentAllocator.NONE, allocator.addVictim(8), "its four blocks have no room elsewhere");
    for (int i = 0; i < 10; i++) {
      allocator.free(BlockAllocator.offsetOf(blocks.get(64 + i)), 20);
    }
    int victim = ExtentAllocator.extentOf(BlockAllocator.offsetOf(blocks.getFirst()));
    assertEquals(ExtentAllocator.NONE, allocator.addVictim(0));
    assertEquals(victim, allocator.addVictim(1));
    int freeExtents = allocator.freeExtents();
    for (int i = 60; i < 64; i++) {
      long moved = allocator.allocateBeside(20, 20);
      assertNotEquals(victim, ExtentAllocator.extentOf(BlockAllocator.offsetOf(moved)));
      allocator.free(BlockAllocator.offsetOf(blocks.get(i)), 20);
    }
    assertEquals(freeExtents + 1, allocator.freeExtents());
    assertEquals(0, allocator.victimCount());
    assertEquals(6L << 20, allocator.fragmentedBytes());
  }

  @Test
  void aVictimIsSparedWhenNothingElseIsFree() {
    ExtentAllocator allocator = new ExtentAllocator(DEVICE);
    List<Long> blocks = new ArrayList<>();
    for (long got; (got = allocator.allocate(20)) != BlockAllocator.NO_SPACE; ) {
      blocks.add(got);
    }
    allocator.free(BlockAllocator.offsetOf(blocks.get(0)), 20);
    allocator.free(BlockAllocator.offsetOf(blocks.get(1)), 20);
    for (int i = 64; i < 128; i++) {
      allocator.free(BlockAllocator.offsetOf(blocks.get(i)), 20);
      if (i == 125) {
        assertNotEquals(ExtentAllocator.NONE, allocator.addVictim(8), "two blocks, two places");
      }
    }
    assertEquals(0, allocator.victimCount(), "it is empty");
    for (int i = 0; i < 66; i++) {
      assertNotEquals(BlockAllocator.NO_SPACE, allocator.allocate(20));
    }
    for (int i = 64; i < 126; i++) {
      allocator.free(BlockAllocator.offsetOf(blocks.get(i)), 20);
    }
    allocator.free(BlockAllocator.offsetOf(blocks.get(0)), 20);
    allocator.free(BlockAllocator.offsetOf(blocks.get(1)), 20);
    assertNotEquals(ExtentAllocator.NONE, allocator.addVictim(8));
    for (int i = 0; i < 64; i++) {
      assertNotEquals(BlockAllocator.NO_SPACE, allocator.allocate(20));
    }
    assertEquals(0, allocator.freeBytes());
    assertEquals(0, allocator.victimCount());
  }

  @Test
  void anExtentIsDiscardedOnceAfterItWasWritten() {
    ExtentAllocator allocator = new ExtentAllocator(DEVICE);
    long whole = allocator.freeBytes();
    for (int extent; (extent = allocator.takeUndiscarded()) != ExtentAllocator.NONE; ) {
      assertTrue(allocator.freeBytes() < whole, "it cannot be given while it is discarded");
      allocator.discarded(extent);
    }
    assertEquals(whole, allocator.freeBytes());
    assertEquals(ExtentAllocator.NONE, allocator.takeUndiscarded());
    long got = allocator.allocate(26);
    allocator.free(BlockAllocator.offsetOf(got), 26);
    assertEquals(
        ExtentAllocator.extentOf(BlockAllocator.offsetOf(got)), allocator.takeUndiscarded());
  }

  @Test
  void aDeadBlockIsFreedByItsLastReader() {
    ExtentAllocator allocator = new ExtentAllocator(DEVICE);
    BlockReferences references = new BlockReferences(allocator, new Quarantine());
    long got = allocator.allocate(20);
    long offset = BlockAllocator.offsetOf(got);
    long free = allocator.freeBytes();
    references.acquire(offset);
    references.acquire(offset);
    references.kill(offset, 20);
    references.release(offset, 20);
    assertEquals(free, allocator.freeBytes());
    references.release(offset, 20);
    assertTrue(allocator.freeBytes() > free);
    assertFalse(references.isReferenced(offset));
  }
}
