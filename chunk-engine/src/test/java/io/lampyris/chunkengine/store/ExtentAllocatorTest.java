package io.lampyris.chunkengine.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

final class ExtentAllocatorTest {
  private static final long DEVICE = (1L << 20) + 5 * Geometry.EXTENT_BYTES + (24L << 20);

  @Test
  void blocksNeverOverlapAndAllSpaceComesBack() {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("seed=" + seed);
    SplittableRandom random = new SplittableRandom(seed);
    ExtentAllocator allocator = new ExtentAllocator(DEVICE);
    long whole = allocator.freeBytes();
    assertEquals(DEVICE - (1 << 20), whole);
    NavigableMap<Long, Integer> taken = new TreeMap<>();
    List<Long> order = new ArrayList<>();
    for (int op = 0; op < 200_000; op++) {
      if (random.nextInt(100) < (op / 20_000 % 2 == 0 ? 60 : 40)) {
        int wanted = Geometry.CLASS_MIN + random.nextInt(random.nextInt(Geometry.CLASSES) + 1);
        long got = allocator.allocate(wanted);
        if (got == BlockAllocator.NO_SPACE) {
          continue;
        }
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
  void aDeadBlockIsFreedByItsLastReader() {
    ExtentAllocator allocator = new ExtentAllocator(DEVICE);
    BlockReferences references = new BlockReferences(allocator);
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
