package io.lampyris.bench.nvme;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.lampyris.bindings.spdk.abi.lmp_nvme_queue;
import io.lampyris.bindings.spdk.abi.lmp_nvme_slot;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
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
 * What a request costs on its way to a driver and back, by the collector of {@code
 * native/spdk/queue.c} and by plain upcalls: over a driver without a device (bench/spdk/stub.c).
 * {@code bench/spdk/completions} compiles it.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
public class CompletionsBench {
  private static final int OPERATIONS = 1024;
  private static final int SLOTS = 256;
  private static final long SLOT_BYTES = lmp_nvme_slot.sizeof();
  private static final long STATUS_AT =
      lmp_nvme_slot.layout().byteOffset(PathElement.groupElement("status"));
  private static final Linker LINKER = Linker.nativeLinker();

  /** The driver without a device. */
  @Param("")
  public String stub = "";

  /** The path of liblampyris_nvme.so. */
  @Param("")
  public String queues = "";

  /** Requests that are submitted together: a power of two. */
  @Param({"1", "8", "32"})
  public int batch;

  private final Arena arena = Arena.ofShared();
  private MethodHandle cycle;
  private MethodHandle read;
  private MethodHandle process;
  private MemorySegment queue;
  private MemorySegment slots;
  private MemorySegment submissions;
  private MemorySegment completions;
  private long callback;
  private int tail;
  private int taken;
  private long told;

  /** The fields that are measured are set here, and not in the constructor as NullAway wants. */
  @SuppressWarnings("NullAway.Init")
  public CompletionsBench() {}

  /** Links what the project itself does not have, plain upcalls, so it is not of the bindings. */
  @SuppressWarnings("restricted")
  @Setup(Level.Trial)
  public void open() throws ReflectiveOperationException {
    SymbolLookup driver = SymbolLookup.libraryLookup(Path.of(stub), arena);
    SymbolLookup ours = SymbolLookup.libraryLookup(Path.of(queues), arena);
    MemorySegment readAt = driver.findOrThrow("stub_read");
    MemorySegment processAt = driver.findOrThrow("stub_process");
    cycle =
        LINKER.downcallHandle(
            ours.findOrThrow("lmp_nvme_cycle"),
            FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT),
            Linker.Option.critical(false));
    read =
        LINKER.downcallHandle(
            readAt,
            FunctionDescriptor.of(
                JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG,
                JAVA_LONG, JAVA_INT),
            Linker.Option.critical(false));
    // Upcalls come out of it, so it cannot be a critical one.
    process =
        LINKER.downcallHandle(processAt, FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT));
    MethodHandle told =
        MethodHandles.lookup()
            .bind(
                this,
                "onCompletion",
                MethodType.methodType(void.class, long.class, MemorySegment.class));
    callback =
        LINKER.upcallStub(told, FunctionDescriptor.ofVoid(JAVA_LONG, ADDRESS), arena).address();
    queue = arena.allocate(lmp_nvme_queue.layout());
    slots = arena.allocate(SLOTS * SLOT_BYTES, 64);
    submissions = arena.allocate(JAVA_INT, SLOTS);
    completions = arena.allocate(JAVA_INT, SLOTS);
    lmp_nvme_queue.read(queue, readAt);
    lmp_nvme_queue.process_completions(queue, processAt);
    lmp_nvme_queue.slots(queue, slots);
    lmp_nvme_queue.submissions(queue, submissions);
    lmp_nvme_queue.completions(queue, completions);
    lmp_nvme_queue.mask(queue, SLOTS - 1);
    for (int slot = 0; slot < SLOTS; slot++) {
      lmp_nvme_slot.queue(slots.asSlice(slot * SLOT_BYTES, SLOT_BYTES), queue);
    }
  }

  @TearDown(Level.Trial)
  public void close() {
    arena.close();
  }

  /** One call for a batch, and what is done lies in memory. */
  @Benchmark
  @OperationsPerInvocation(OPERATIONS)
  public long collector() throws Throwable {
    long good = 0;
    for (int done = 0; done < OPERATIONS; done += batch) {
      for (int i = 0; i < batch; i++) {
        submissions.setAtIndex(JAVA_INT, tail & SLOTS - 1, tail & SLOTS - 1);
        tail++;
      }
      lmp_nvme_queue.submitted_tail(queue, tail);
      int processed = (int) cycle.invokeExact(queue.address(), SLOTS);
      if (processed != batch) {
        throw new AssertionError("processed " + processed);
      }
      while (taken != lmp_nvme_queue.completed_tail(queue)) {
        long slot = completions.getAtIndex(JAVA_INT, taken++ & SLOTS - 1);
        good += slots.get(JAVA_SHORT, slot * SLOT_BYTES + STATUS_AT) == 0 ? 1 : 0;
      }
    }
    return good;
  }

  /** A call for each request, one to poll, and an upcall for each that is done. */
  @Benchmark
  @OperationsPerInvocation(OPERATIONS)
  public long upcalls() throws Throwable {
    for (int done = 0; done < OPERATIONS; done += batch) {
      for (int i = 0; i < batch; i++) {
        long slot = tail++ & SLOTS - 1;
        int refused = (int) read.invokeExact(0L, 0L, 0L, 0L, 8, callback, slot, 0);
        if (refused != 0) {
          throw new AssertionError("refused " + refused);
        }
      }
      int processed = (int) process.invokeExact(0L, SLOTS);
      if (processed != batch) {
        throw new AssertionError("processed " + processed);
      }
    }
    return told;
  }

  @SuppressWarnings("UnusedMethod") // through the upcall
  private void onCompletion(long slot, MemorySegment entry) {
    told += slot >= 0 && entry.address() != 0 ? 1 : 0;
  }
}
