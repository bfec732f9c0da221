package io.lampyris.meta.kv;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.reactor.kv.Kv;
import io.lampyris.reactor.kv.KvException;
import io.lampyris.reactor.kv.Transaction;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RocksDbKvTest extends KvConformanceTest {
  @TempDir Path crashed;

  @Override
  Kv open(Path directory) {
    return RocksDbKv.open(directory.resolve("db"));
  }

  @Test
  void whatWasCommittedIsThereAfterReopening() {
    put("a", "1");
    kv.close();
    kv = open(directory);
    try (Transaction transaction = kv.begin()) {
      assertEquals("1", get(transaction, "a"));
    }
  }

  @Test
  void aStoreThatIsOpenIsNotOpenedTwice() {
    assertThrows(KvException.class, () -> open(directory));
  }

  /** A copy of the live files is what a killed process leaves behind. */
  @Test
  void whatWasSyncedIsInACopyOfTheLiveFiles() throws IOException {
    for (int i = 0; i < 100; i++) {
      put("k" + i, "v" + i);
      kv.sync();
    }
    try (Kv copy = openCopy(-1);
        Transaction transaction = copy.begin()) {
      for (int i = 0; i < 100; i++) {
        assertEquals("v" + i, get(transaction, "k" + i));
      }
    }
  }

  /** The log is cut at random places: what is left is a prefix of whole commits (I4). */
  @Test
  void aTornLogLeavesAPrefixOfWholeCommits() throws IOException {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("seed=" + seed);
    Random random = new Random(seed);
    int commits = 200;
    for (int i = 0; i < commits; i++) {
      put("a" + i, "x".repeat(random.nextInt(200)), "b" + i, "y");
    }
    int shortest = commits;
    for (int cut = 0; cut < 12; cut++) {
      try (Kv copy = openCopy(random.nextInt(1, 20_000));
          Transaction transaction = copy.begin()) {
        int whole = 0;
        while (whole < commits && get(transaction, "a" + whole) != null) {
          assertEquals("y", get(transaction, "b" + whole), "seed=" + seed);
          whole++;
        }
        for (int i = whole; i < commits; i++) {
          assertNull(get(transaction, "a" + i), "seed=" + seed);
          assertNull(get(transaction, "b" + i), "seed=" + seed);
        }
        shortest = Math.min(shortest, whole);
      }
    }
    assertTrue(shortest < commits, "the rig must lose something; seed=" + seed);
  }

  /** Copies the files, with so many bytes cut off the newest log (-1: none). */
  private Kv openCopy(int cutBytes) throws IOException {
    Path target = Files.createTempDirectory(crashed, "copy");
    List<Path> logs = new ArrayList<>();
    try (Stream<Path> files = Files.list(directory.resolve("db"))) {
      for (Path file : files.toList()) {
        Path copy = target.resolve(file.getFileName().toString());
        Files.copy(file, copy);
        if (copy.toString().endsWith(".log")) {
          logs.add(copy);
        }
      }
    }
    logs.sort(Comparator.naturalOrder());
    if (cutBytes > 0) {
      try (FileChannel log = FileChannel.open(logs.getLast(), StandardOpenOption.WRITE)) {
        log.truncate(Math.max(0, log.size() - cutBytes));
      }
    }
    return RocksDbKv.open(target);
  }
}
