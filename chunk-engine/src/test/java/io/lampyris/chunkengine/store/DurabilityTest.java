package io.lampyris.chunkengine.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.options.Durability;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** When each durability answers and when it flushes, in virtual time. */
final class DurabilityTest {
  private static final int INTERVAL_MS = 50;

  /** Longer than two flushes of a simulated device take. */
  private static final int FLUSHES_MS = 50;

  private static final List<String> SYNC = List.of("data flush", "log flush");

  @TempDir Path tmp;

  private final long seed = Long.getLong("seed", System.nanoTime());
  private Path dir = Path.of("");

  @BeforeEach
  void format() throws StoreException {
    System.out.println("seed=" + seed);
    dir = tmp.resolve("t");
    FileTarget.format(dir);
  }

  /** Opened, and done with what a start flushes. */
  private FileTarget open(Durability durability) throws StoreException {
    FileTarget target = new FileTarget(dir, FileTarget.options().withDurability(durability), seed);
    target.runForMs(5_000);
    target.events.clear();
    return target;
  }

  @Test
  void strictAnswersWhenDataAndThenTheRecordWereFlushed() throws Exception {
    try (FileTarget target = open(Durability.STRICT)) {
      assertEquals(FileTarget.LENGTH, target.writeAndWait(1, 0, (byte) 1));
      // The second one makes the group's image in the journal durable.
      assertEquals(
          List.of("data flush", "data flush", "answer " + FileTarget.LENGTH), target.events);
    }
  }

  @Test
  void intervalAnswersBeforeAnyFlushAndSyncsOnceItIsOver() throws Exception {
    try (FileTarget target = open(Durability.interval(INTERVAL_MS))) {
      target.writeAndWait(1, 0, (byte) 1);
      assertEquals(List.of("answer " + FileTarget.LENGTH), target.events);
      target.runForMs(INTERVAL_MS + FLUSHES_MS);
      assertEquals(SYNC, target.events.subList(1, target.events.size()));
      target.events.clear();
      target.runForMs(400);
      assertEquals(List.of(), target.events, "nothing is left to be made durable");
    }
  }

  @Test
  void intervalSyncsAtLeastThatOftenWhileThereAreUpdates() throws Exception {
    try (FileTarget target = open(Durability.interval(INTERVAL_MS))) {
      long syncs = target.store.commit().syncs();
      int rounds = 20;
      for (int round = 0; round < rounds; round++) {
        for (int ms = 0; ms < INTERVAL_MS + FLUSHES_MS; ms += 10) {
          target.writeAndWait(ms, 0, (byte) round);
          target.runForMs(10);
        }
        assertTrue(target.store.commit().syncs() > syncs + round, "a sync for each round");
      }
      List<String> flushes =
          target.events.stream().filter(event -> event.endsWith("flush")).toList();
      for (int i = 0; i + 1 < flushes.size(); i += 2) {
        assertEquals(SYNC, flushes.subList(i, i + 2), "data, then the log");
      }
    }
  }

  @Test
  void noneFlushesNothing() throws Exception {
    try (FileTarget target = open(Durability.NONE)) {
      for (int i = 0; i < 100; i++) {
        target.writeAndWait(1, i % 7, (byte) i);
        target.runForMs(1_000);
      }
      assertFalse(target.events.stream().anyMatch(event -> event.endsWith("flush")));
    }
  }

  @Test
  void aBlockIsFreeAgainWhenTheUpdateThatLeftItIsDurable() throws Exception {
    try (FileTarget target = open(Durability.NONE)) {
      target.writeAndWait(1, 0, (byte) 1);
      long free = target.store.allocator().freeBytes();
      target.writeAndWait(1, 0, (byte) 2);
      target.runForMs(5_000);
      assertEquals(free - FileTarget.CHUNK, target.store.allocator().freeBytes());
      assertEquals(FileTarget.CHUNK, target.store.held().bytes());
      long sync = target.store.commit().requestSync();
      target.simulation.runUntil(() -> target.store.commit().syncs() >= sync);
      assertEquals(free, target.store.allocator().freeBytes());
      assertTrue(target.store.held().isEmpty());
    }
  }

  @Test
  void heldBlocksAreBoundedAndNeverMakeATargetFull() throws Exception {
    try (FileTarget target = open(Durability.NONE)) {
      long capacity = target.store.allocator().capacityBytes();
      long blocks = 2 * capacity / FileTarget.CHUNK;
      long heldMax = 0;
      for (int i = 0; i < blocks; i++) {
        assertEquals(FileTarget.LENGTH, target.writeAndWait(1, i % 3, (byte) i));
        heldMax = Math.max(heldMax, target.store.held().bytes());
      }
      assertTrue(heldMax < capacity / 4, heldMax + " bytes were held");
      assertTrue(target.events.contains("log flush"), "their number asked for syncs");
    }
  }

  @Test
  void aWriteWaitsForTheSpaceOfWhatWasJustRemoved() throws Exception {
    try (FileTarget target = open(Durability.interval(Durability.INTERVAL_MAX_MS))) {
      int fitting = 0;
      while (target.writeAndWait(1, fitting, (byte) 1) == FileTarget.LENGTH) {
        fitting++;
      }
      assertEquals(1, target.removeAndWait(1, 0, 1));
      assertEquals(FileTarget.LENGTH, target.writeAndWait(2, 0, (byte) 2));
      assertTrue(target.writeAndWait(2, 1, (byte) 2) < 0, "and there was one block");
    }
  }
}
