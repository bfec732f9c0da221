package io.lampyris.chunkengine.index;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

final class SlotTableTest {
  private static final int TAG = 0x5A00_0000;

  private static Set<Integer> numbersOf(SlotTable table, int hash) {
    Set<Integer> found = new TreeSet<>();
    for (int slot = table.first(hash); slot >= 0; slot = table.next(hash, slot)) {
      assertTrue(found.add(table.numberAt(slot)), "a number is met once");
    }
    return found;
  }

  private static void remove(SlotTable table, int hash, int number) {
    int slot = table.first(hash);
    while (table.numberAt(slot) != number) {
      slot = table.next(hash, slot);
    }
    table.remove(slot);
  }

  @Test
  void numbersWithTheSameHashAreAllFound() {
    try (SlotTable table = new SlotTable(64)) {
      for (int number = 0; number < 20; number++) {
        table.add(TAG, number);
      }
      assertEquals(20, numbersOf(table, TAG).size());
      assertEquals(SlotTable.ABSENT, table.first(TAG | 8), "another hash of the same bucket");
      assertTrue(table.probe(TAG) >= 0);
    }
  }

  @Test
  void aBucketThatIsFullSendsOnToTheNextOne() {
    try (SlotTable table = new SlotTable(64)) {
      // All of bucket 7, the last one, so the others go around to bucket 0.
      for (int i = 0; i < SlotTable.BUCKET_SLOTS; i++) {
        table.add(hash(i + 1, 7), i);
      }
      assertEquals(SlotTable.ELSEWHERE, table.probe(hash(100, 7)));
      assertEquals(SlotTable.ABSENT, table.first(hash(100, 7)));
      table.add(hash(100, 7), 100);
      assertEquals(SlotTable.ELSEWHERE, table.probe(hash(100, 7)));
      assertEquals(Set.of(100), numbersOf(table, hash(100, 7)));
      assertEquals(SlotTable.ABSENT, table.probe(hash(99, 0)), "bucket 0 has room");
      assertEquals(0, table.first(hash(100, 7)));
    }
  }

  @Test
  void whatHadToMoveOnComesBackWhenItsBucketHasRoomAgain() {
    try (SlotTable table = new SlotTable(64)) {
      // Three buckets' worth at home in bucket 6: they fill 6, 7 and 0.
      for (int i = 0; i < 3 * SlotTable.BUCKET_SLOTS; i++) {
        table.add(hash(i + 1, 6), i);
      }
      for (int i = 0; i < 2 * SlotTable.BUCKET_SLOTS; i++) {
        remove(table, hash(i + 1, 6), i);
        for (int j = i + 1; j < 3 * SlotTable.BUCKET_SLOTS; j++) {
          assertEquals(Set.of(j), numbersOf(table, hash(j + 1, 6)), "after " + i);
        }
      }
      for (int i = 2 * SlotTable.BUCKET_SLOTS; i < 3 * SlotTable.BUCKET_SLOTS; i++) {
        assertTrue(table.probe(hash(i + 1, 6)) >= 0, "at home again");
      }
    }
  }

  @Test
  void aTagThatDiffersInTheLowestBitBehindAnEqualOneIsNotTakenFirst() {
    try (SlotTable table = new SlotTable(8)) {
      table.add(hash(0x21, 0), 1);
      table.add(hash(0x20, 0), 2);
      table.add(hash(0x21, 0) | 1 << 10, 3);
      table.add(hash(0x20, 0) | 1 << 10, 4);
      assertEquals(2, table.probe(hash(0x20, 0)));
      assertEquals(1, table.probe(hash(0x21, 0)));
      assertEquals(Set.of(4), numbersOf(table, hash(0x20, 0) | 1 << 10));
      table.replace(table.first(hash(0x20, 0)), 5);
      assertEquals(Set.of(5), numbersOf(table, hash(0x20, 0)));
    }
  }

  @Test
  void noHashIsTakenForAnEmptySlot() {
    try (SlotTable table = new SlotTable(1 << 10)) {
      Set<Integer> tags = new HashSet<>();
      for (long key = 0; key < 100_000; key++) {
        int hash = SlotTable.hash(key);
        tags.add(hash >>> 24);
        assertEquals(SlotTable.ABSENT, table.probe(hash), "key=" + key);
      }
      assertEquals(255, tags.size(), "all but 0");
    }
  }

  @Test
  void agreesWithAModelUnderRandomChanges() {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("seed=" + seed);
    SplittableRandom random = new SplittableRandom(seed);
    Map<Integer, Set<Integer>> model = new TreeMap<>();
    SlotTable table = new SlotTable(SlotTable.BUCKET_SLOTS);
    int count = 0;
    for (int op = 0; op < 200_000; op++) {
      int hash = crowded(random);
      Set<Integer> numbers = model.computeIfAbsent(hash, absent -> new TreeSet<>());
      if (numbers.size() < 3 && random.nextInt(10) < (op / 40_000 % 2 == 0 ? 8 : 3)) {
        int number = random.nextInt(Integer.MAX_VALUE);
        if (numbers.add(number)) {
          table.add(hash, number);
          count++;
        }
        if (table.isTooFullWith(count)) {
          table = table.grown();
        }
      } else if (!numbers.isEmpty()) {
        int number = numbers.iterator().next();
        numbers.remove(number);
        remove(table, hash, number);
        count--;
      }
      check(table, hash, numbers, seed);
      if (op % 20_000 == 0) {
        for (Map.Entry<Integer, Set<Integer>> each : model.entrySet()) {
          check(table, each.getKey(), each.getValue(), seed);
        }
      }
    }
    table.close();
  }

  private static void check(SlotTable table, int hash, Set<Integer> numbers, long seed) {
    assertEquals(numbers, numbersOf(table, hash), "seed=" + seed);
    if (!numbers.isEmpty()) {
      assertTrue(table.probe(hash) != SlotTable.ABSENT, "seed=" + seed);
    }
  }

  /** Few tags and few buckets, so that buckets overflow and tags are equal. */
  private static int crowded(SplittableRandom random) {
    int bucket = random.nextInt(4) == 0 ? random.nextInt(1 << 20) : -random.nextInt(200);
    return hash(1 + random.nextInt(6), bucket & 0xFFFFFF);
  }

  private static int hash(int tag, int low) {
    return tag << 24 | low;
  }
}
