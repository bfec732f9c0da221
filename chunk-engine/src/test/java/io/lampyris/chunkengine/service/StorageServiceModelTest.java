package io.lampyris.chunkengine.service;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.options.Durability;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.protocol.Status;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Random operations against a model in memory, with restarts in between. */
final class StorageServiceModelTest {
  private static final int CHUNKS = 6;
  private static final int INODES = 3;
  private static final int[] SIZES = {
    64 << 10, 256 << 10, 1 << 20, 4 << 20, 1 << 20, 256 << 10, 32 << 20
  };

  @TempDir Path tmp;

  private final long seed = Long.getLong("seed", System.nanoTime());
  private final SplittableRandom random = new SplittableRandom(seed);
  private final Map<Long, NavigableMap<Integer, byte[]>> model = new TreeMap<>();
  private final List<String> history = new ArrayList<>();

  @Test
  void everyAcknowledgedByteIsReadBackAcrossRestarts() throws Exception {
    run(Durability.NONE, Integer.getInteger("service.ops", 250), 3);
  }

  @Test
  void everyAcknowledgedByteIsReadBackWithStrictDurability() throws Exception {
    run(Durability.STRICT, 60, 2);
  }

  private void run(Durability durability, int opsPerRound, int rounds) throws Exception {
    System.out.println("seed=" + seed);
    Path dir = tmp.resolve("t");
    TargetStore.format(dir, new TargetSpec(1, StorageRig.CHAIN, 768L << 20));
    long capacity = 0;
    for (int round = 0; round < rounds; round++) {
      try (StorageRig rig = new StorageRig(dir, durability)) {
        StorageRig.Client client = rig.client(42 + round);
        checkAll(client);
        for (int op = 0; op < opsPerRound; op++) {
          step(client);
        }
        checkAll(client);
        capacity = rig.store.capacityBytes();
      } catch (Throwable failure) {
        int last = Math.max(0, history.size() - 30);
        throw new AssertionError(
            "seed=" + seed + "\n" + String.join("\n", history.subList(last, history.size())),
            failure);
      }
    }
    try (StorageRig rig = new StorageRig(dir, durability)) {
      StorageRig.Client client = rig.client(1);
      for (long inode = 0; inode < INODES; inode++) {
        client.remove(inode, 0, 100);
      }
      assertEquals(0, client.space());
      assertEquals(capacity, client.spaceReply.freeBytes(), "seed=" + seed);
      assertEquals(0, client.spaceReply.chunkCount());
    }
  }

  private static int chunkSize(long inode, int index) {
    return SIZES[(int) (inode * 2 + index) % SIZES.length];
  }

  private void step(StorageRig.Client client) {
    long inode = random.nextInt(INODES);
    int index = random.nextInt(CHUNKS);
    int size = chunkSize(inode, index);
    client.payloadOffset = random.nextInt(3) == 0 ? random.nextInt(5000) : 0;
    NavigableMap<Integer, byte[]> chunks = model.computeIfAbsent(inode, i -> new TreeMap<>());
    switch (random.nextInt(20)) {
      case 0 -> remove(client, inode, index, chunks);
      case 1, 2, 3 -> truncate(client, inode, index, size, chunks);
      case 4, 5, 6, 7, 8, 9, 10, 11, 12 -> write(client, inode, index, size, chunks);
      default -> read(client, inode, index, size, chunks.get(index));
    }
  }

  private int anyOffset(int limit) {
    int offset = random.nextInt(limit);
    return switch (random.nextInt(3)) {
      case 0 -> offset;
      case 1 -> offset & -4096;
      default -> offset >> random.nextInt(Integer.SIZE - Integer.numberOfLeadingZeros(limit));
    };
  }

  private void write(
      StorageRig.Client client,
      long inode,
      int index,
      int size,
      NavigableMap<Integer, byte[]> chunks) {
    byte[] old = chunks.getOrDefault(index, new byte[0]);
    boolean append = random.nextInt(3) == 0 && old.length < size;
    int offset = append ? old.length : random.nextInt(4) == 0 ? 0 : anyOffset(size);
    int length = random.nextInt(8) == 0 ? size - offset : 1 + anyOffset(size - offset);
    byte[] bytes = new byte[length];
    fill(bytes);
    history.add(
        "write %d/%d size %d at %d length %d".formatted(inode, index, size, offset, length));
    assertEquals(length, client.write(inode, index, size, offset, bytes));
    byte[] now = Arrays.copyOf(old, Math.max(old.length, offset + length));
    System.arraycopy(bytes, 0, now, offset, length);
    chunks.put(index, now);
    assertEquals(now.length, client.chunkReply.chunkLength());
    if (random.nextInt(10) == 0) {
      history.add("retry");
      int version = client.chunkReply.committedVersion();
      assertEquals(length, client.writeAgain(inode, index, size, offset, bytes));
      assertEquals(version, client.chunkReply.committedVersion());
    }
  }

  private void fill(byte[] bytes) {
    long x = random.nextLong();
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (x >>> ((i & 7) * 8));
      if ((i & 7) == 7) {
        x = x * 0x5851F42D4C957F2DL + 0x14057B7EF767814FL;
      }
    }
  }

  private void truncate(
      StorageRig.Client client,
      long inode,
      int index,
      int size,
      NavigableMap<Integer, byte[]> chunks) {
    int length = anyOffset(size + 1);
    boolean extendOnly = random.nextInt(4) == 0;
    history.add("truncate %d/%d to %d extend %b".formatted(inode, index, length, extendOnly));
    long result = client.truncate(inode, index, size, length, extendOnly);
    byte[] old = chunks.get(index);
    if (old == null && length == 0) {
      assertEquals(0, result);
    } else if (old != null && extendOnly && length < old.length) {
      assertEquals(old.length, result);
    } else {
      assertEquals(length, result);
      chunks.put(index, Arrays.copyOf(old == null ? new byte[0] : old, length));
    }
  }

  private void remove(
      StorageRig.Client client, long inode, int index, NavigableMap<Integer, byte[]> chunks) {
    int max = 1 + random.nextInt(4);
    history.add("remove %d from %d max %d".formatted(inode, index, max));
    long removed = client.remove(inode, index, max);
    int expected = Math.min(max, chunks.tailMap(index).size());
    assertEquals(expected, removed);
    for (int i = 0; i < expected; i++) {
      chunks.remove(chunks.ceilingKey(index));
    }
    assertEquals(chunks.ceilingKey(index) != null ? 1 : 0, client.removeReply.more());
  }

  private void read(
      StorageRig.Client client, long inode, int index, int size, byte @Nullable [] expected) {
    int offset = random.nextInt(3) == 0 ? 0 : anyOffset(size);
    int length = random.nextInt(3) == 0 ? size - offset : 1 + anyOffset(size - offset);
    int capacity = random.nextBoolean() ? length : length + 4096;
    history.add("read %d/%d at %d length %d".formatted(inode, index, offset, length));
    long result = client.read(inode, index, offset, length, capacity);
    if (expected == null) {
      assertEquals(Status.CHUNK_NOT_FOUND.code(), result);
      return;
    }
    int wanted = Math.max(0, Math.min(length, expected.length - offset));
    assertEquals(wanted, result);
    int from = Math.min(offset, expected.length);
    assertArrayEquals(Arrays.copyOfRange(expected, from, from + wanted), client.bytes(wanted));
    for (byte behind : Arrays.copyOfRange(client.bytes(capacity), wanted, capacity)) {
      assertTrue(behind == 0x5A || behind == 0, "bytes behind the end are untouched or zero");
    }
  }

  private void checkAll(StorageRig.Client client) {
    client.payloadOffset = 0;
    model.forEach((inode, chunks) -> {
      chunks.forEach((index, bytes) -> {
        assertEquals(bytes.length, client.read(inode, index, 0, chunkSize(inode, index)));
        assertArrayEquals(bytes, client.bytes(bytes.length));
      });
      assertEquals(0, client.query(inode));
      assertEquals(chunks.size(), client.queryReply.chunkCount());
      assertEquals(
          chunks.values().stream().mapToLong(b -> b.length).sum(),
          client.queryReply.totalLengthBytes());
      assertEquals(chunks.isEmpty() ? -1 : chunks.lastKey(), client.queryReply.lastChunkIndex());
    });
  }
}
