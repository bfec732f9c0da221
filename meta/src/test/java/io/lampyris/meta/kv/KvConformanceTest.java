package io.lampyris.meta.kv;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.reactor.kv.Kv;
import io.lampyris.reactor.kv.MemoryKv;
import io.lampyris.reactor.kv.Transaction;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NavigableMap;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What every engine does; the engines' tests extend it. */
abstract class KvConformanceTest {
  @TempDir Path directory;
  Kv kv = new MemoryKv();

  abstract Kv open(Path directory);

  @BeforeEach
  void openStore() {
    kv = open(directory);
  }

  @AfterEach
  void closeStore() {
    kv.close();
  }

  static byte[] b(String text) {
    return text.getBytes(UTF_8);
  }

  static @Nullable String get(Transaction transaction, String key) {
    byte[] value = transaction.get(b(key));
    return value == null ? null : new String(value, UTF_8);
  }

  static List<String> range(
      Transaction transaction, String begin, String end, int limit, boolean reverse) {
    List<String> found = new ArrayList<>();
    transaction.range(
        b(begin),
        b(end),
        limit,
        reverse,
        (key, value) -> found.add(new String(key, UTF_8) + "=" + new String(value, UTF_8)));
    return found;
  }

  void put(String... keysAndValues) {
    try (Transaction transaction = kv.begin()) {
      for (int i = 0; i < keysAndValues.length; i += 2) {
        transaction.put(b(keysAndValues[i]), b(keysAndValues[i + 1]));
      }
      assertTrue(transaction.commit() >= 0);
    }
  }

  @Test
  void commitsAreVisibleToTransactionsThatBeginLaterAndToNoOthers() {
    put("a", "1");
    try (Transaction early = kv.begin()) {
      put("a", "2", "b", "2");
      assertEquals("1", get(early, "a"));
      assertNull(get(early, "b"));
      assertEquals(List.of("a=1"), range(early, "a", "z", 9, false));
      try (Transaction late = kv.begin()) {
        assertEquals("2", get(late, "a"));
      }
    }
  }

  @Test
  void aTransactionReadsItsOwnWritesAndLeavesNothingWithoutCommit() {
    put("a", "1", "b", "1", "c", "1");
    try (Transaction transaction = kv.begin()) {
      transaction.put(b("b"), b("2"));
      transaction.clear(b("c"));
      transaction.put(b("d"), b("2"));
      assertEquals("2", get(transaction, "b"));
      assertEquals(List.of("a=1", "b=2", "d=2"), range(transaction, "a", "z", 9, false));
      assertEquals(List.of("d=2", "b=2"), range(transaction, "a", "z", 2, true));
      transaction.clearRange(b("a"), b("c"));
      transaction.put(b("a"), b("3"));
      assertEquals(List.of("a=3", "d=2"), range(transaction, "a", "z", 9, false));
    }
    try (Transaction transaction = kv.begin()) {
      assertEquals(List.of("a=1", "b=1", "c=1"), range(transaction, "a", "z", 9, false));
    }
  }

  @Test
  void aReadThatWasOverwrittenConflicts() {
    put("a", "1");
    try (Transaction loser = kv.begin()) {
      get(loser, "a");
      loser.put(b("x"), b("1"));
      put("a", "2");
      assertEquals(Transaction.CONFLICT, loser.commit());
    }
    try (Transaction transaction = kv.begin()) {
      assertNull(get(transaction, "x"));
    }
  }

  @Test
  void aGapThatWasFilledConflictsAndOnePastTheLimitDoesNot() {
    put("a", "1", "c", "1", "e", "1");
    try (Transaction loser = kv.begin();
        Transaction winner = kv.begin()) {
      range(loser, "a", "z", 2, false);
      range(winner, "a", "b", 2, false);
      loser.put(b("x"), b("1"));
      winner.put(b("y"), b("1"));
      put("b", "2");
      assertEquals(Transaction.CONFLICT, loser.commit());
      assertNotEquals(Transaction.CONFLICT, winner.commit());
    }
    try (Transaction transaction = kv.begin()) {
      range(transaction, "a", "z", 2, false);
      transaction.put(b("x"), b("1"));
      put("d", "2");
      assertNotEquals(Transaction.CONFLICT, transaction.commit(), "d lies past c");
    }
    try (Transaction transaction = kv.begin()) {
      assertEquals(List.of("y=1", "x=1"), range(transaction, "a", "z", 2, true));
      transaction.put(b("w"), b("1"));
      put("d", "3");
      assertNotEquals(Transaction.CONFLICT, transaction.commit(), "d lies before x");
    }
  }

  @Test
  void snapshotReadsConflictOnlyWhenAskedTo() {
    put("a", "1");
    try (Transaction relaxed = kv.begin();
        Transaction strict = kv.begin();
        Transaction ranged = kv.begin()) {
      for (Transaction transaction : List.of(relaxed, strict, ranged)) {
        transaction.snapshotGet(b("a"));
        transaction.snapshotRange(b("a"), b("z"), 9, false, (key, value) -> true);
        transaction.put(b("x"), b("1"));
      }
      strict.addReadConflict(b("a"));
      ranged.addReadConflictRange(b("A"), b("b"));
      put("a", "2");
      assertNotEquals(Transaction.CONFLICT, relaxed.commit());
      assertEquals(Transaction.CONFLICT, strict.commit());
      assertEquals(Transaction.CONFLICT, ranged.commit());
    }
  }

  @Test
  void aClearedRangeConflictsWithReadsInsideIt() {
    put("m", "1");
    try (Transaction loser = kv.begin()) {
      get(loser, "m");
      loser.put(b("x"), b("1"));
      try (Transaction other = kv.begin()) {
        other.clearRange(b("l"), b("n"));
        assertNotEquals(Transaction.CONFLICT, other.commit());
      }
      assertEquals(Transaction.CONFLICT, loser.commit());
    }
  }

  @Test
  void aTransactionThatWritesNothingNeverConflicts() {
    put("a", "1");
    try (Transaction reader = kv.begin()) {
      get(reader, "a");
      put("a", "2");
      assertNotEquals(Transaction.CONFLICT, reader.commit());
    }
  }

  @Test
  void keysAreOrderedAsUnsignedBytesAndShorterOnesFirst() {
    byte[][] keys = {{}, {0}, {0, 0}, {1}, {127}, {(byte) 128}, {(byte) 255}, {(byte) 255, 1}};
    try (Transaction transaction = kv.begin()) {
      for (int i = 1; i < keys.length; i++) {
        transaction.put(keys[keys.length - i], new byte[] {1});
      }
      transaction.commit();
    }
    try (Transaction transaction = kv.begin()) {
      List<byte[]> found = new ArrayList<>();
      transaction.range(
          new byte[0], new byte[] {(byte) 255, 2}, 99, false, (key, value) -> found.add(key));
      assertEquals(keys.length - 1, found.size());
      for (int i = 0; i < found.size(); i++) {
        assertArrayEquals(keys[i + 1], found.get(i));
      }
    }
  }

  @Test
  void arraysBelongToTheCaller() {
    byte[] key = b("k");
    byte[] value = b("v");
    try (Transaction transaction = kv.begin()) {
      transaction.put(key, value);
      key[0] = 'x';
      value[0] = 'x';
      assertEquals("v", get(transaction, "k"));
      transaction.commit();
    }
    for (int i = 0; i < 2; i++) {
      try (Transaction transaction = kv.begin()) {
        byte[] read = transaction.get(b("k"));
        assertArrayEquals(b("v"), read);
        Arrays.fill(read, (byte) 0);
      }
    }
  }

  /**
   * Random transactions, several open at a time, against a model that keeps every version: a
   * transaction must see its own version, and commit exactly when nothing that it read has changed.
   */
  @Test
  void randomTransactionsAreSerializable() {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("seed=" + seed);
    Random random = new Random(seed);
    NavigableMap<String, String> committed = new TreeMap<>();
    int conflicts = 0;
    for (int round = 0; round < 300; round++) {
      List<ModelTransaction> open = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        open.add(new ModelTransaction(kv.begin(), committed));
      }
      for (int step = 0; step < 12; step++) {
        open.get(random.nextInt(open.size())).step(random);
      }
      List<String[]> writtenMeanwhile = new ArrayList<>();
      for (ModelTransaction transaction : open) {
        boolean conflict = transaction.conflictsWith(writtenMeanwhile);
        long outcome = transaction.real.commit();
        assertEquals(conflict, outcome == Transaction.CONFLICT, "seed=" + seed);
        if (conflict) {
          conflicts++;
        } else {
          transaction.applyTo(committed);
          writtenMeanwhile.addAll(transaction.writtenRanges);
        }
      }
      try (Transaction check = kv.begin()) {
        assertEquals(render(committed), range(check, "", "z", 999, false), "seed=" + seed);
      }
    }
    assertTrue(conflicts > 0, "the rig must see conflicts; seed=" + seed);
  }

  static List<String> render(NavigableMap<String, String> map) {
    return map.entrySet().stream().map(e -> e.getKey() + "=" + e.getValue()).toList();
  }

  private static final class ModelTransaction {
    final Transaction real;
    final NavigableMap<String, String> view;
    final NavigableMap<String, @Nullable String> writes = new TreeMap<>();
    final List<String[]> readRanges = new ArrayList<>();
    final List<String[]> writtenRanges = new ArrayList<>();

    ModelTransaction(Transaction real, NavigableMap<String, String> committed) {
      this.real = real;
      this.view = new TreeMap<>(committed);
    }

    void step(Random random) {
      String key = "k" + random.nextInt(12);
      String to = "k" + random.nextInt(12);
      switch (random.nextInt(5)) {
        case 0 -> {
          assertEquals(view.get(key), get(real, key));
          readRanges.add(new String[] {key, key + '\0'});
        }
        case 1 -> {
          if (key.compareTo(to) < 0) {
            boolean reverse = random.nextBoolean();
            NavigableMap<String, String> part = view.subMap(key, true, to, false);
            List<String> expected = render(reverse ? part.descendingMap() : part);
            assertEquals(expected, range(real, key, to, 999, reverse));
            readRanges.add(new String[] {key, to});
          }
        }
        case 2, 3 -> {
          String value = "v" + random.nextInt(100);
          real.put(b(key), b(value));
          view.put(key, value);
          writes.put(key, value);
          writtenRanges.add(new String[] {key, key + '\0'});
        }
        default -> {
          if (key.compareTo(to) < 0) {
            real.clearRange(b(key), b(to));
            writtenRanges.add(new String[] {key, to});
            for (int i = 0; i < 12; i++) {
              String k = "k" + i;
              if (k.compareTo(key) >= 0 && k.compareTo(to) < 0) {
                view.remove(k);
                writes.put(k, null);
              }
            }
          } else {
            real.clear(b(key));
            view.remove(key);
            writes.put(key, null);
            writtenRanges.add(new String[] {key, key + '\0'});
          }
        }
      }
    }

    boolean conflictsWith(List<String[]> others) {
      for (String[] read : readRanges) {
        for (String[] write : others) {
          if (read[0].compareTo(write[1]) < 0 && write[0].compareTo(read[1]) < 0) {
            return !writtenRanges.isEmpty();
          }
        }
      }
      return false;
    }

    void applyTo(NavigableMap<String, String> committed) {
      writes.forEach((key, value) -> {
        if (value == null) {
          committed.remove(key);
        } else {
          committed.put(key, value);
        }
      });
    }
  }
}
