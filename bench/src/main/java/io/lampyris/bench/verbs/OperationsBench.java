package io.lampyris.bench.verbs;

import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.verbs.CompletionQueue;
import io.lampyris.bindings.verbs.MemoryRegion;
import io.lampyris.bindings.verbs.QueuePair;
import io.lampyris.bindings.verbs.VerbsDevice;
import io.lampyris.bindings.verbs.VerbsOptions;
import io.lampyris.bindings.verbs.VerbsUnavailableException;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Filling, posting and polling operations of 64 bytes, over a library whose devices are functions
 * that move the bytes and write the completions at once (bench/verbs/stub.c): what is left is ours.
 * {@code bench/verbs/operations} compiles it, and puts the same in C beside it.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
public class OperationsBench {
  private static final int OPERATIONS = 1024;
  private static final int ENTRIES = 256;
  private static final int BYTES = 64;
  private static final int INLINE_BYTES = 188;
  private static final int RECEIVED = 1 << 16;
  private static final int REMOTE_KEY = 7;

  /** The library. */
  @Param("")
  public String library = "";

  /** Operations that are posted together: a power of two. */
  @Param({"1", "8", "32"})
  public int batch;

  /** stub0, by the context's own pointers; or shim0, one compiled function further. */
  @Param({"stub0"})
  public String device = "";

  /** All that is made for it. */
  private record Made(
      VerbsDevice device,
      CompletionQueue completions,
      MemorySegment memory,
      MemoryRegion region,
      QueuePair from,
      QueuePair to) {}

  private @Nullable Made made;
  private CompletionQueue completions;
  private QueuePair from;
  private QueuePair to;
  private long memoryAt;
  private int key;
  private int posted;
  private int expected;

  /** The fields that are measured are set here, and not in the constructor as NullAway wants. */
  @SuppressWarnings("NullAway.Init")
  public OperationsBench() {}

  @Setup(Level.Trial)
  public void open() throws VerbsUnavailableException {
    VerbsDevice opened = VerbsDevice.open(new VerbsOptions(library, device, 0, -1));
    MemorySegment memory = NativeMemory.allocateAligned(2L * BYTES * ENTRIES);
    MemoryRegion region = opened.register(memory.address(), memory.byteSize());
    completions = new CompletionQueue(opened, 2 * ENTRIES);
    from = new QueuePair(opened, completions, ENTRIES, ENTRIES, INLINE_BYTES);
    to = new QueuePair(opened, completions, ENTRIES, ENTRIES, INLINE_BYTES);
    from.connect(opened.address(to.number(), 1), 1, 14, 7);
    to.connect(opened.address(from.number(), 1), 1, 14, 7);
    made = new Made(opened, completions, memory, region, from, to);
    memoryAt = memory.address();
    key = region.localKey;
    for (int i = 0; i < ENTRIES; i++) {
      to.receive(i, RECEIVED + i, memoryAt + (long) (ENTRIES + i) * BYTES, BYTES, key);
      check(to.postReceives(i));
    }
  }

  @TearDown(Level.Trial)
  public void close() {
    Made all = made;
    assert all != null : "it was opened";
    all.from.close();
    all.to.close();
    all.completions.close();
    all.region.close();
    all.device.close();
    NativeMemory.unmap(all.memory);
  }

  /** RDMA WRITEs that are posted together; each tells of its completion. */
  @Benchmark
  @OperationsPerInvocation(OPERATIONS)
  public void write() {
    for (int done = 0; done < OPERATIONS; done += batch) {
      post(QueuePair.WRITE, QueuePair.SIGNALED);
      take(batch);
    }
  }

  /** The same; the last tells for all, as with a connection's lists. */
  @Benchmark
  @OperationsPerInvocation(OPERATIONS)
  public void linked() {
    for (int done = 0; done < OPERATIONS; done += batch) {
      post(QueuePair.WRITE, 0);
      take(1);
    }
  }

  /** Messages, the last of which tells; each is received, and room for as many is posted again. */
  @Benchmark
  @OperationsPerInvocation(OPERATIONS)
  public void message() {
    for (int done = 0; done < OPERATIONS; done += batch) {
      post(QueuePair.SEND, 0);
      take(batch + 1);
    }
  }

  private void post(int opcode, int flags) {
    int first = posted & (ENTRIES - 1);
    for (int i = 0; i < batch; i++) {
      int entry = posted & (ENTRIES - 1);
      from.begin(entry, posted, opcode, flags | QueuePair.INLINE);
      from.local(entry, memoryAt + (long) entry * BYTES, BYTES, key);
      if (opcode == QueuePair.WRITE) {
        from.remote(entry, memoryAt + (long) (ENTRIES + entry) * BYTES, REMOTE_KEY);
      }
      if (i > 0) {
        from.link((posted - 1) & (ENTRIES - 1), entry);
      }
      posted = (posted + 1) & (RECEIVED - 1);
    }
    from.signal((posted - 1) & (ENTRIES - 1));
    check(from.post(first));
  }

  /** Takes so many completions; receives among them are linked and posted again. */
  private void take(int count) {
    int first = -1;
    int last = -1;
    int left = count;
    while (left > 0) {
      int got = completions.poll();
      check(Math.min(0, got));
      for (int i = 0; i < got; i++) {
        check(completions.status(i));
        long id = completions.id(i);
        if (id >= RECEIVED) {
          int entry = (int) id - RECEIVED;
          check(entry - expected | completions.lengthBytes(i) - BYTES);
          expected = (expected + 1) & (ENTRIES - 1);
          to.linkReceive(entry, -1);
          if (last < 0) {
            first = entry;
          } else {
            to.linkReceive(last, entry);
          }
          last = entry;
        }
      }
      left -= got;
    }
    check(left);
    if (first >= 0) {
      check(to.postReceives(first));
    }
  }

  private static void check(int zero) {
    if (zero != 0) {
      throw new IllegalStateException("an operation went wrong: " + zero);
    }
  }
}
