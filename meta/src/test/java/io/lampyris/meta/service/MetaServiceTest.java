package io.lampyris.meta.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.meta.kv.RocksDbKv;
import io.lampyris.meta.schema.Keys;
import io.lampyris.meta.schema.Values;
import io.lampyris.protocol.AttributeMask;
import io.lampyris.protocol.FileMode;
import io.lampyris.protocol.Inodes;
import io.lampyris.protocol.OpenFlags;
import io.lampyris.protocol.Services;
import io.lampyris.protocol.Status;
import io.lampyris.protocol.sbe.MessageHeaderEncoder;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.kv.Kv;
import io.lampyris.reactor.kv.MemoryKv;
import io.lampyris.reactor.kv.Transaction;
import io.lampyris.reactor.net.BlockingCall;
import io.lampyris.reactor.net.LocalNetwork;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** When answers leave, what retries get, and what malformed messages get. */
class MetaServiceTest {
  private static final long ROOT = Inodes.ROOT;
  private static final int FILE = FileMode.REGULAR | 0644;

  @TempDir Path directory;
  private final MemoryKv store = new MemoryKv();
  private final MetaRig meta = new MetaRig(store);

  // Group commit: I1, I2, I3

  @Test
  void answersThatPromiseDurabilityShareOneSyncAndLeaveInOrder() {
    int before = meta.kv.syncs;
    MetaRig.TestCall a = meta.send(meta.mkdirCall(ROOT, "a", 0755));
    MetaRig.TestCall b = meta.send(meta.createCall(ROOT, "b", FILE, 0));
    MetaRig.TestCall look = meta.send(meta.lookupCall(ROOT, "a"));
    assertFalse(a.answered || b.answered);
    assertFalse(look.answered, "what it saw could still vanish");
    assertFalse(meta.service.mayBlock(0));
    assertEquals(3, meta.service.doWork(0));
    assertEquals(List.of(a, b, look), meta.answers);
    assertEquals(0, look.result);
    assertEquals(before + 1, meta.kv.syncs);
    assertTrue(meta.service.mayBlock(0));
    assertEquals(0, meta.service.doWork(0));
  }

  @Test
  void readsAreAnsweredAtOnceWhenNobodyWaits() {
    assertTrue(meta.send(meta.lookupCall(ROOT, ".")).answered);
    assertTrue(meta.send(meta.lookupCall(ROOT, "none")).answered);
    assertEquals(0, meta.service.doWork(0));
  }

  @Test
  void relaxedUpdatesAreAnsweredAtOnceAndSyncedSoon() {
    long f = meta.create(ROOT, "f");
    int before = meta.kv.syncs;
    int times = AttributeMask.ATIME | AttributeMask.MTIME;
    assertTrue(meta.send(meta.setCall(f, times, 0, 0, 0, 1, 1)).answered);
    assertTrue(meta.send(meta.openCall(f, OpenFlags.SESSION)).answered);
    assertTrue(meta.send(meta.closeCall(f, 5, 0, -1)).answered);
    assertTrue(meta.send(meta.syncCall(f, 6, 0, -1, false)).answered);
    assertEquals(before, meta.kv.syncs);
    meta.context.advance(3_000_000);
    assertEquals(before, meta.kv.syncs);
    meta.context.advance(3_500_000);
    assertEquals(before + 1, meta.kv.syncs);
    meta.context.advance(50_000_000);
    assertEquals(before + 1, meta.kv.syncs, "nothing is left to sync");
  }

  @Test
  void anFsyncWaitsForWhatAnEarlierCloseLeftUnsynced() {
    long f = meta.create(ROOT, "f");
    assertTrue(meta.send(meta.closeCall(f, 5, 0, -1)).answered);
    MetaRig.TestCall fsync = meta.send(meta.syncCall(f, -1, 0, -1, true));
    assertFalse(fsync.answered);
    int before = meta.kv.syncs;
    meta.service.doWork(0);
    assertTrue(fsync.answered);
    assertEquals(before + 1, meta.kv.syncs);
    assertTrue(meta.send(meta.syncCall(f, -1, 0, -1, true)).answered, "all is durable");
  }

  @Test
  void closingAnswersWhoWaits() {
    MetaRig.TestCall a = meta.send(meta.mkdirCall(ROOT, "a", 0755));
    meta.service.onClose();
    assertTrue(a.answered);
  }

  @Test
  void aFailedSyncIsToldToAllAndEndsTheService() {
    MetaRig.TestCall a = meta.send(meta.mkdirCall(ROOT, "a", 0755));
    MetaRig.TestCall look = meta.send(meta.lookupCall(ROOT, "a"));
    meta.kv.broken = true;
    meta.service.doWork(0);
    assertEquals(Status.DEVICE_ERROR.code(), a.result);
    assertEquals(Status.DEVICE_ERROR.code(), look.result);
    assertEquals(0, look.replyLength);
    meta.kv.broken = false;
    assertEquals(Status.DEVICE_ERROR.code(), meta.run(meta.lookupCall(ROOT, ".")).result);
  }

  // Retries: I4, I5

  @Test
  void aRetryIsAnsweredAsTheFirstTime() {
    MetaRig.TestCall create = meta.createCall(ROOT, "f", FILE, OpenFlags.EXCLUSIVE);
    long f = meta.ok(create).inode();
    assertEquals(f, meta.ok(create).inode());
    MetaRig.TestCall mkdir = meta.mkdirCall(ROOT, "d", 0755);
    assertEquals(meta.ok(mkdir), meta.ok(mkdir));
    MetaRig.TestCall link = meta.linkCall(f, ROOT, "g");
    assertEquals(2, meta.ok(link).linkCount());
    assertEquals(2, meta.ok(link).linkCount());
    MetaRig.TestCall truncate = meta.beginTruncateCall(f, 9);
    assertEquals(1, meta.ok(truncate).truncateVersion());
    assertEquals(1, meta.ok(truncate).truncateVersion());
    MetaRig.TestCall rename = meta.renameCall(ROOT, "f", ROOT, "h", 0);
    assertEquals(0, meta.ok(rename).inode());
    assertEquals(0, meta.ok(rename).inode());
    MetaRig.TestCall unlink = meta.unlinkCall(ROOT, "h");
    assertEquals(1, meta.ok(unlink).linkCount());
    assertEquals(1, meta.ok(unlink).linkCount());
    MetaRig.TestCall rmdir = meta.rmdirCall(ROOT, "d");
    meta.ok(rmdir);
    meta.ok(rmdir);
    MetaRig.TestCall symlink = meta.symlinkCall(ROOT, "s", "x");
    assertEquals(meta.ok(symlink), meta.ok(symlink));
    assertEquals(3, meta.inodeCount());
  }

  @Test
  void aRetryIsKnownAfterARestart() {
    MetaRig.TestCall unlink;
    try (Kv first = RocksDbKv.open(directory)) {
      MetaRig before = new MetaRig(first);
      before.create(ROOT, "f");
      unlink = before.unlinkCall(ROOT, "f");
      before.ok(unlink);
    }
    try (Kv second = RocksDbKv.open(directory)) {
      MetaRig after = new MetaRig(second);
      assertEquals(0, after.ok(unlink).linkCount());
    }
  }

  @Test
  void anOlderSequenceIsRefusedAndOtherChannelsAreTheirOwn() {
    MetaRig.TestCall old = meta.mkdirCall(ROOT, "a", 0755);
    MetaRig.TestCall last = meta.mkdirCall(ROOT, "b", 0755);
    meta.ok(last);
    assertEquals(Status.CANCELLED.code(), meta.run(old).result);
    meta.channel = 2;
    meta.sequence = 0;
    meta.ok(meta.mkdirCall(ROOT, "a", 0755));
    meta.sequence = -1;
    meta.ok(meta.mkdirCall(ROOT, "c", 0755));
    meta.sequence = -1;
    assertEquals(Status.EXISTS.code(), meta.run(meta.mkdirCall(ROOT, "c", 0755)).result);
  }

  @Test
  void aFailureIsTriedAgain() {
    MetaRig.TestCall unlink = meta.unlinkCall(ROOT, "f");
    assertEquals(Status.NOT_FOUND.code(), meta.run(unlink).result);
    meta.channel = 2;
    meta.create(ROOT, "f");
    meta.ok(unlink);
  }

  @Test
  void oldOutcomesAreForgotten() {
    for (int i = 0; i < Outcomes.OUTCOMES_MAX + 1200; i++) {
      meta.client = 1000L + i;
      meta.wallNs++;
      meta.ok(meta.mkdirCall(ROOT, "d" + i, 0755));
    }
    int[] count = new int[1];
    try (Transaction transaction = store.begin()) {
      transaction.range(
          Keys.outcomes(),
          Keys.end(Keys.outcomes()),
          Integer.MAX_VALUE,
          false,
          (key, value) -> count[0]++ >= 0);
    }
    assertTrue(count[0] <= Outcomes.OUTCOMES_MAX + 1024, "observed=" + count[0]);
    meta.sequence--;
    meta.ok(meta.mkdirCall(ROOT, "d" + (Outcomes.OUTCOMES_MAX + 1199), 0755));
  }

  // Malformed messages and stores

  @Test
  void randomBytesAreAnsweredAndNeverThrow() {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("seed=" + seed);
    Random random = new Random(seed);
    for (int i = 0; i < 20_000; i++) {
      MetaRig.TestCall call = new MetaRig.TestCall(random.nextInt(600), meta.answers);
      byte[] bytes = new byte[random.nextInt(120)];
      random.nextBytes(bytes);
      call.request.putBytes(0, bytes);
      if (random.nextInt(4) > 0) {
        MessageHeaderEncoder header = new MessageHeaderEncoder().wrap(call.request, 0);
        header.blockLength(random.nextInt(100)).templateId(30 + random.nextInt(24));
        header.schemaId(MessageHeaderEncoder.SCHEMA_ID).version(0);
      }
      call.requestLength = bytes.length;
      meta.run(call);
      assertTrue(call.result <= 0, "seed=" + seed);
    }
  }

  @Test
  void everyMessageThatIsCutShortIsRefused() {
    List<MetaRig.TestCall> calls =
        List.of(
            meta.mkdirCall(ROOT, "directory", 0755),
            meta.symlinkCall(ROOT, "link", "target"),
            meta.renameCall(ROOT, "a", ROOT, "bcd", 0),
            meta.lookupCall(ROOT, "directory"),
            meta.attributesCall(ROOT));
    for (MetaRig.TestCall call : calls) {
      for (int length = call.requestLength - 1; length >= 0; length--) {
        call.requestLength = length;
        assertEquals(Status.INVALID_ARGUMENT.code(), meta.run(call).result);
      }
    }
    assertEquals(1, meta.inodeCount());
  }

  @Test
  void unknownMessagesAreNotImplemented() {
    MetaRig.TestCall call = meta.attributesCall(ROOT);
    new MessageHeaderEncoder().wrap(call.request, 0).templateId(1);
    assertEquals(Status.NOT_IMPLEMENTED.code(), meta.run(call).result);
    new MessageHeaderEncoder().wrap(call.request, 0).schemaId(1);
    assertEquals(Status.INVALID_ARGUMENT.code(), meta.run(call).result);
  }

  @Test
  void aReplyWithoutRoomIsRefusedBeforeAnythingHappens() {
    meta.replyCapacity = 50;
    assertEquals(Status.INVALID_ARGUMENT.code(), meta.run(meta.mkdirCall(ROOT, "a", 0755)).result);
    meta.replyCapacity = 4096;
    assertEquals(1, meta.inodeCount());
  }

  @Test
  void malformedValuesAreDataCorruption() {
    long f = meta.create(ROOT, "f");
    try (Transaction transaction = store.begin()) {
      transaction.put(Keys.inode(f), new byte[] {9, 9});
      transaction.commit();
    }
    assertEquals(Status.DATA_CORRUPTION.code(), meta.run(meta.attributesCall(f)).result);
  }

  @Test
  void aStoreOfAnotherSchemaIsRefused() {
    try (Transaction transaction = store.begin()) {
      transaction.put(Keys.schema(), Values.counter(2));
      transaction.commit();
    }
    assertThrows(IllegalStateException.class, () -> new MetaRig(store));
  }

  // At size, and on a real reactor

  @Test
  void aHundredThousandEntriesAreListedFast() {
    try (Kv kv = RocksDbKv.open(directory)) {
      MetaRig big = new MetaRig(kv);
      long start = System.nanoTime();
      int count = 100_000;
      for (int i = 0; i < count; i++) {
        big.send(big.createCall(ROOT, "file-" + i, FILE, 0));
        if (i % 64 == 0) {
          big.service.doWork(0);
        }
      }
      big.service.doWork(0);
      long created = System.nanoTime();
      List<MetaRig.Entry> entries = big.list(ROOT);
      long listed = System.nanoTime();
      assertEquals(count, entries.size());
      assertEquals(count + 1, big.inodeCount());
      System.out.printf(
          "100,000 creates %d ms, listing %d ms%n",
          (created - start) / 1_000_000, (listed - created) / 1_000_000);
      assertTrue(listed - created < 10_000_000_000L, "well under a second on an idle machine");
    }
  }

  @Test
  void itServesThreadsFromAReactor() {
    LocalNetwork network = new LocalNetwork();
    try (Kv kv = RocksDbKv.open(directory);
        Reactor reactor =
            Reactor.builder("meta")
                .agent(ctx -> {
                  MetaService made =
                      new MetaService(ctx, kv, MetaRig.LAYOUTS, () -> MetaRig.EPOCH_NS);
                  network.serve(1, Services.META, ctx, made);
                  return made;
                })
                .start()) {
      assertTrue(reactor.name().equals("meta"));
      for (int i = 0; i < 200; i++) {
        MetaRig.TestCall template = meta.mkdirCall(ROOT, "d" + i, 0755);
        BlockingCall call = new BlockingCall(512, 512);
        call.request.putBytes(0, template.request, 0, template.requestLength);
        call.requestLength = template.requestLength;
        assertEquals(0, call.send(network.connect(1, Services.META)));
      }
    }
  }
}
