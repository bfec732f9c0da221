package io.lampyris.bench.cluster;

import io.lampyris.bench.usrbio.RingWriter;
import io.lampyris.usrbio.client.IoVec;
import io.lampyris.usrbio.client.RingChannel;
import io.lampyris.usrbio.client.RingFile;
import io.lampyris.usrbio.client.RingMount;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * Shows by what both sides count that payloads go one-sided between a mount and storage nodes that
 * nobody else uses now: through the kernel, and through rings, without a copy. Owner: one thread.
 */
final class RdmaProof {
  private static final int BYTES = 4 << 20;

  /** By so much rings' memory is registered: as VerbsMemory of io.lampyris.reactor.net.verbs. */
  private static final int BLOCK_BYTES = 4 << 20;

  private static final int BLOCKS = 3;

  /** Lies across the border of the first two blocks. */
  private static final long WRITTEN_AT = 2L << 20;

  /** The third block. */
  private static final long READ_AT = 8L << 20;

  /** Of a message for each MiB, and those that only say that somebody lives. */
  private static final int MESSAGES_MAX_BYTES = BYTES / 16;

  private static final String REGISTERED = "verbs_registered_bytes";
  private static final long RDMA_MAX_NS = TimeUnit.SECONDS.toNanos(120);

  private final RealCluster cluster;
  private final int replicas;
  private final long seed;
  private final List<String> failures = new ArrayList<>();

  RdmaProof(RealCluster cluster, int replicas, long seed) {
    this.cluster = cluster;
    this.replicas = replicas;
    this.seed = seed;
  }

  /** What the mount has counted, and all storage nodes together. */
  private record Counted(Map<String, Long> mount, Map<String, Long> storage) {
    Counted since(Counted before) {
      return new Counted(less(mount, before.mount), less(storage, before.storage));
    }

    private static Map<String, Long> less(Map<String, Long> now, Map<String, Long> before) {
      Map<String, Long> less = new TreeMap<>(now);
      before.forEach((name, count) -> less.merge(name, -count, Long::sum));
      return less;
    }

    long mount(String name) {
      return mount.getOrDefault(name, 0L);
    }

    long storage(String name) {
      return storage.getOrDefault(name, 0L);
    }

    long both(String name) {
      return mount(name) + storage(name);
    }
  }

  /** What is not as it should be. */
  List<String> run() throws IOException, InterruptedException {
    Path dir = cluster.mountPoint();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(BYTES, 4096);
      MemorySegment found = arena.allocate(BYTES, 4096);
      awaitRdma(dir.resolve("rdma-tried"), bytes, found);
      Counted before = counted();
      byKernel(dir.resolve("rdma-kernel"), 1, bytes, found);
      oneSided("through the kernel", counted().since(before));
      byRings(dir.resolve("rdma-rings"), bytes);
    }
    return failures;
  }

  private Counted counted() throws IOException {
    Map<String, Long> storage = new TreeMap<>();
    for (Role role : cluster.storage.values()) {
      role.counters().forEach((name, count) -> storage.merge(name, count, Long::sum));
    }
    return new Counted(cluster.mount.counters(), storage);
  }

  /** Until nobody goes by TCP any more, who did while nodes were away. */
  private void awaitRdma(Path file, MemorySegment bytes, MemorySegment found)
      throws IOException, InterruptedException {
    long untilNs = System.nanoTime() + RDMA_MAX_NS;
    long byTcp;
    int generation = 0;
    do {
      if (System.nanoTime() - untilNs > 0) {
        throw new IOException(
            "calls still go by TCP; observed=%s, limit=%d ns".formatted(counted(), RDMA_MAX_NS));
      }
      Counted before = counted();
      byKernel(file, ++generation, bytes, found);
      byTcp = counted().since(before).both("verbs_calls_by_tcp");
    } while (byTcp > 0);
  }

  private void byKernel(Path file, int generation, MemorySegment bytes, MemorySegment found)
      throws IOException {
    Stamp.fill(bytes, seed, 0, 0, generation);
    found.fill((byte) 0);
    try (FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      ByteBuffer from = bytes.asByteBuffer();
      while (from.hasRemaining()) {
        channel.write(from, from.position());
      }
      channel.force(false);
      ByteBuffer into = found.asByteBuffer();
      int count = 0;
      while (into.hasRemaining() && count >= 0) {
        count = channel.read(into, into.position());
      }
    }
    same("through the kernel", bytes, found);
  }

  private void byRings(Path path, MemorySegment bytes) throws IOException, InterruptedException {
    Stamp.fill(bytes, seed, 1, 0, 1);
    long registered = cluster.counted(REGISTERED);
    try (RingMount mount = RingMount.of(cluster.mountPoint());
        RingFile file = mount.open(path, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW);
        RingChannel channel = mount.channel(file);
        IoVec memory = mount.allocate((long) BLOCKS * BLOCK_BYTES)) {
      MemorySegment written = memory.segment().asSlice(WRITTEN_AT, BYTES);
      MemorySegment.copy(bytes, 0, written, 0, BYTES);
      Counted before = counted();
      RingWriter.write(mount, file, memory, WRITTEN_AT, BYTES);
      long count = channel.read(memory, READ_AT, BYTES, 0);
      Counted since = counted().since(before);
      if (count != BYTES) {
        failures.add("a ring read %d of %d bytes".formatted(count, BYTES));
      }
      same("through rings", bytes, memory.segment().asSlice(READ_AT, BYTES));
      oneSided("through rings", since);
      equal("bytes copied by RDMA's caller", 0, since.mount("verbs_copied_bytes"));
      equal("bytes copied by the client", 0, since.mount("client_copied_bytes"));
      equal(
          "bytes of the rings' memory that were registered",
          (long) BLOCKS * BLOCK_BYTES,
          since.mount(REGISTERED));
    }
    if (!cluster.awaitCount(REGISTERED, bytesNow -> bytesNow == registered)) {
      failures.add("memory of rings that have ended stays registered");
    }
  }

  /** Every payload byte was read, or written, by the storage node that needed it. */
  private void oneSided(String how, Counted since) {
    long read = since.storage("verbs_rdma_read_bytes");
    long written = since.storage("verbs_rdma_written_bytes");
    long messages = since.both("verbs_sent_bytes");
    System.out.printf(
        "RDMA, %d bytes %s written to %d replicas and read: storage nodes did %d READs of %d bytes,"
            + " %d WRITEs of %d bytes; messages of both sides: %d of %d bytes; the mount opened %d"
            + " windows and copied %d + %d bytes; calls by TCP: %d%n",
        BYTES,
        how,
        replicas,
        since.storage("verbs_rdma_reads"),
        read,
        since.storage("verbs_rdma_writes"),
        written,
        since.both("verbs_sends"),
        messages,
        since.mount("verbs_windows_opened"),
        since.mount("client_copied_bytes"),
        since.mount("verbs_copied_bytes"),
        since.both("verbs_calls_by_tcp"));
    equal("calls by TCP " + how, 0, since.both("verbs_calls_by_tcp"));
    if (read < (long) replicas * BYTES || written < BYTES) {
      failures.add(
          "payloads %s did not go one-sided; observed=%d bytes read, %d written, limit=%d, %d"
              .formatted(how, read, written, (long) replicas * BYTES, BYTES));
    }
    if (messages == 0 || messages > MESSAGES_MAX_BYTES) {
      failures.add(
          "messages %s carry what they should not; observed=%d bytes, limit=1 to %d"
              .formatted(how, messages, MESSAGES_MAX_BYTES));
    }
  }

  private void equal(String what, long should, long is) {
    if (should != is) {
      failures.add("%s; observed=%d, limit=%d".formatted(what, is, should));
    }
  }

  private void same(String how, MemorySegment should, MemorySegment is) {
    long differs = should.mismatch(is);
    if (differs >= 0) {
      failures.add("WRONG BYTES %s; the first at %d".formatted(how, differs));
    }
  }
}
