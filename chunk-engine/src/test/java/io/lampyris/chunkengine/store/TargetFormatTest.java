package io.lampyris.chunkengine.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.StoreException.Reason;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TargetFormatTest {
  private static final TargetSpec SPEC = new TargetSpec(0x1122334455667788L, 9, 16L << 20);

  @TempDir Path tmp;
  private Path dir = Path.of("");

  @BeforeEach
  void name() {
    dir = tmp.resolve("targets/1");
  }

  private void poke(long at, int... bytes) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(dir.resolve("device").toFile(), "rw")) {
      file.seek(at);
      for (int b : bytes) {
        file.write(b);
      }
    }
  }

  private static StoreException refused(
      Reason reason, org.junit.jupiter.api.function.Executable what) {
    StoreException e = assertThrows(StoreException.class, what);
    assertEquals(reason, e.reason(), e.getMessage());
    String message = String.valueOf(e.getMessage());
    assertTrue(message.contains("observed=") && message.contains("remedy:"), message);
    return e;
  }

  private void openAndClose() throws StoreException {
    TargetStore.open(dir, TargetOptions.defaults()).close();
  }

  @Test
  void aNewTargetOpensEmptyAgainAndAgain() throws Exception {
    TargetStore.format(dir, SPEC);
    for (int i = 0; i < 3; i++) {
      try (TargetStore store = TargetStore.open(dir, TargetOptions.defaults())) {
        assertEquals(0x1122334455667788L, store.targetId());
        assertEquals(9, store.chainId());
        assertEquals(0, store.chunkCount());
        long filled = (8L << 20) - (128 << 10);
        assertEquals(filled, store.freeBytes(), "two percent, in whole blocks, stay free");
        assertEquals(filled, store.capacityBytes());
      }
    }
    assertEquals(16L << 20, Files.size(dir.resolve("device")));
    try (var files = Files.list(dir.resolve("log"))) {
      assertEquals(2, files.count(), "empty generations are dropped");
    }
  }

  @Test
  void theSuperblockHasItsFieldsWhereTheTableSays() throws Exception {
    TargetStore.format(dir, SPEC);
    byte[] device = new byte[4096];
    try (RandomAccessFile file = new RandomAccessFile(dir.resolve("device").toFile(), "r")) {
      file.seek(512 << 10);
      file.readFully(device);
    }
    assertEquals("LLYRCHNK", new String(device, 0, 8, java.nio.charset.StandardCharsets.US_ASCII));
    var bytes = java.nio.ByteBuffer.wrap(device).order(java.nio.ByteOrder.LITTLE_ENDIAN);
    assertEquals(1, bytes.getInt(8));
    assertEquals(0x1122334455667788L, bytes.getLong(32));
    assertEquals(16L << 20, bytes.getLong(40));
    assertEquals(64L << 20, bytes.getLong(48));
    assertEquals(8L << 20, bytes.getLong(56));
    assertEquals(9, bytes.getInt(72));
    assertEquals(65536, bytes.getInt(76));
    assertEquals(1, bytes.getInt(80));
    int stored = bytes.getInt(12);
    bytes.putInt(12, 0);
    assertEquals(stored, new Crc32c().of(MemorySegment.ofArray(device), 0, 4096));
  }

  @Test
  void eitherSuperblockSuffices() throws Exception {
    TargetStore.format(dir, SPEC);
    poke(100, 0xFF);
    openAndClose();
    poke(100, 0);
    poke((512 << 10) + 33, 0xFF);
    openAndClose();
  }

  @Test
  void twoCorruptSuperblocksAreRefused() throws Exception {
    TargetStore.format(dir, SPEC);
    poke(0, 0);
    poke((512 << 10) + 4000, 1);
    refused(Reason.CORRUPT_SUPERBLOCK, this::openAndClose);
  }

  @Test
  void aSuperblockInTheOthersPlaceDoesNotCount() throws Exception {
    TargetStore.format(dir, SPEC);
    try (RandomAccessFile file = new RandomAccessFile(dir.resolve("device").toFile(), "rw")) {
      byte[] a = new byte[4096];
      file.readFully(a);
      file.seek(512 << 10);
      file.write(a);
      file.seek(0);
      file.write(new byte[4096]);
    }
    refused(Reason.CORRUPT_SUPERBLOCK, this::openAndClose);
  }

  @Test
  void anotherFormatVersionIsRefused() throws Exception {
    TargetStore.format(dir, SPEC);
    byte[] sector = new byte[4096];
    try (RandomAccessFile file = new RandomAccessFile(dir.resolve("device").toFile(), "rw")) {
      file.readFully(sector);
      var bytes = java.nio.ByteBuffer.wrap(sector).order(java.nio.ByteOrder.LITTLE_ENDIAN);
      bytes.putInt(8, 2).putInt(12, 0);
      bytes.putInt(12, new Crc32c().of(MemorySegment.ofArray(sector), 0, 4096));
      file.seek(0);
      file.write(sector);
    }
    refused(Reason.OTHER_FORMAT_VERSION, this::openAndClose);
  }

  @Test
  void aDeviceOfAnotherSizeIsRefused() throws Exception {
    TargetStore.format(dir, SPEC);
    try (RandomAccessFile file = new RandomAccessFile(dir.resolve("device").toFile(), "rw")) {
      file.setLength(15 << 20);
    }
    refused(Reason.SIZE_MISMATCH, this::openAndClose);
  }

  @Test
  void badSizesAreRefusedAndLeaveNothingBehind() throws Exception {
    for (long size : new long[] {0, -1, 1 << 20, (16L << 20) + 4096}) {
      refused(Reason.INVALID_ARGUMENT, () -> TargetStore.format(dir, new TargetSpec(1, 1, size)));
    }
    long tooLarge = 100L << 40;
    refused(Reason.NO_SPACE, () -> TargetStore.format(dir, new TargetSpec(1, 1, tooLarge)));
    assertFalse(Files.exists(dir));
  }

  @Test
  void aTargetIsNeverFormattedOver() throws Exception {
    TargetStore.format(dir, SPEC);
    refused(Reason.EXISTS, () -> TargetStore.format(dir, SPEC));
    openAndClose();
  }

  @Test
  void aTargetIsOpenOnlyOnce() throws Exception {
    TargetStore.format(dir, SPEC);
    try (TargetStore store = TargetStore.open(dir, TargetOptions.defaults())) {
      refused(Reason.IN_USE, this::openAndClose);
      assertFalse(store.isOffline());
    }
    openAndClose();
  }

  @Test
  void aMissingTargetIsAnError() {
    refused(Reason.IO, this::openAndClose);
  }

  @Test
  void theLogOfAnotherTargetIsRefused() throws Exception {
    TargetStore.format(dir, SPEC);
    Path other = tmp.resolve("other");
    TargetStore.format(other, SPEC);
    Host.posix().deleteTree(dir.resolve("log"));
    Files.move(other.resolve("log"), dir.resolve("log"));
    refused(Reason.LOG_CORRUPT, this::openAndClose);
  }

  @Test
  void aDamagedOrMissingCatalogIsRefused() throws Exception {
    TargetStore.format(dir, SPEC);
    Path current = dir.resolve("log/CURRENT");
    String text = Files.readString(current);
    Files.writeString(current, text.replace("durable-group 1", "durable-group 0"));
    refused(Reason.LOG_CORRUPT, this::openAndClose);
    Files.delete(current);
    refused(Reason.LOG_CORRUPT, this::openAndClose);
    Files.writeString(current, text);
    openAndClose();
  }
}
