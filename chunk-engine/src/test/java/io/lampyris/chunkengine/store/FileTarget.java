package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.host.Keeper;
import io.lampyris.chunkengine.options.LogOptions;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.reactor.Agent;
import io.lampyris.reactor.BufferPool;
import io.lampyris.reactor.device.Device;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.SimDevice;
import io.lampyris.reactor.sim.SimFaults;
import io.lampyris.reactor.sim.SimMedium;
import io.lampyris.reactor.sim.SimPower;
import io.lampyris.reactor.sim.SimReactor;
import io.lampyris.reactor.sim.Simulation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * A target over real files in virtual time: devices complete when the simulation says so, the
 * keeper's jobs run between cycles. What is flushed when is on record in {@link #events}.
 */
final class FileTarget implements AutoCloseable {
  static final int CHUNK = 1 << 16;

  /** What tests write: a whole small chunk. */
  static final int LENGTH = 4096;

  private static final long DEVICE_BYTES = (1 << 20) + (256L << 20);

  final Simulation simulation;
  final SimFaults faults = new SimFaults();
  final SimFaults logFaults = new SimFaults();

  /** What happened, in order: "data flush", "log flush" as they complete, and what tests add. */
  final List<String> events = new ArrayList<>();

  private final SimReactor reactor;
  private final List<Device> devices = new ArrayList<>();
  TargetStore store;

  /** Jobs that the keeper has not done; run by the simulation unless {@link #keeperStuck}. */
  private final List<Runnable> jobs = new ArrayList<>();

  boolean keeperStuck;

  static TargetOptions options() {
    return TargetOptions.defaults()
        .withLog(LogOptions.DEFAULTS.withSizes(4 << 20, 1 << 20).withRewriteBytes(1 << 20));
  }

  static void format(Path dir) throws StoreException {
    TargetStore.format(dir, new TargetSpec(1, 1, DEVICE_BYTES), options());
  }

  FileTarget(Path dir, TargetOptions options, long seed) throws StoreException {
    simulation = new Simulation(new Prng(seed));
    reactor = new SimReactor(simulation, "sim", List.of(new BufferPool.SizeClass(1 << 20, 16)));
    store = TargetStore.open(dir, options.withKeepers(name -> new SimKeeper()));
    store.attach(reactor, this::device);
    reactor.add(
        new Agent() {
          @Override
          public String roleName() {
            return "target";
          }

          @Override
          public int doWork(long nowNs) {
            return store.doWork();
          }

          @Override
          public boolean mayBlock(long nowNs) {
            return !store.hasWork();
          }
        });
  }

  private Device device(Path path, boolean direct) throws IOException {
    SimMedium medium = new FileMedium(path, direct ? "data flush" : "log flush");
    SimDevice device =
        new SimDevice(
            reactor,
            path.toString(),
            medium,
            direct ? 4096 : 1,
            SimPower.steady(),
            direct ? faults : logFaults);
    devices.add(device);
    return device;
  }

  /** A real file; a flush is only noted, as the file outlives the test's crashes anyway. */
  private final class FileMedium implements SimMedium {
    private final FileChannel file;
    private final String flush;
    private final long sizeBytes;

    FileMedium(Path path, String flush) throws IOException {
      file = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE);
      sizeBytes = file.size();
      this.flush = flush;
    }

    @Override
    public long sizeBytes() {
      return sizeBytes;
    }

    @Override
    public void read(long at, MemorySegment into, long offset, int bytes) {
      ByteBuffer buffer = into.asSlice(offset, bytes).asByteBuffer();
      try {
        while (buffer.hasRemaining()) {
          file.read(buffer, at + buffer.position());
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public void write(long at, MemorySegment from, long offset, int bytes) {
      ByteBuffer buffer = from.asSlice(offset, bytes).asByteBuffer();
      try {
        while (buffer.hasRemaining()) {
          file.write(buffer, at + buffer.position());
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public void discard(long at, long bytes) {}

    @Override
    public long flushMark() {
      return 0;
    }

    @Override
    public void flushed(long mark) {
      events.add(flush);
    }
  }

  private final class SimKeeper implements Keeper {
    @Override
    public void submit(Runnable job) {
      jobs.add(job);
      simulation.after(50_000, this::runNext);
    }

    private void runNext() {
      if (!keeperStuck) {
        runJobs();
      }
    }

    @Override
    public void close() {
      runJobs();
    }
  }

  void runJobs() {
    while (runJob()) {}
  }

  /** Runs the first job that waits, if there is one. */
  boolean runJob() {
    if (jobs.isEmpty()) {
      return false;
    }
    jobs.removeFirst().run();
    return true;
  }

  /** An update that remembers its answer. */
  final class Update extends UpdateOp {
    static final long PENDING = Long.MIN_VALUE;
    long answer = PENDING;

    @Override
    protected void onComplete(long result) {
      answer = result;
      events.add("answer " + result);
    }

    boolean isAnswered() {
      return answer != PENDING;
    }
  }

  /** Overwrites a chunk's first bytes. */
  Update write(long inode, int index, byte fill) {
    int length = LENGTH;
    Update op = new Update();
    op.kind = UpdateOp.Kind.WRITE;
    op.inode = inode;
    op.chunkIndex = index;
    op.chunkSizeBytes = CHUNK;
    op.lengthBytes = length;
    op.payload = java.lang.foreign.Arena.ofAuto().allocate(length, 4096).fill(fill);
    op.payloadCrc32c = new Crc32c().of(op.payload, 0, length);
    store.submit(op);
    return op;
  }

  long writeAndWait(long inode, int index, byte fill) {
    Update op = write(inode, index, fill);
    simulation.runUntil(op::isAnswered);
    return op.answer;
  }

  long removeAndWait(long inode) {
    return removeAndWait(inode, 0, RemoveOp.REMOVE_MAX);
  }

  long removeAndWait(long inode, int from, int max) {
    long[] answer = {Update.PENDING};
    RemoveOp op =
        new RemoveOp() {
          @Override
          protected void onComplete(long result) {
            answer[0] = result;
          }
        };
    op.inode = inode;
    op.fromIndex = from;
    op.removeMax = max;
    store.submit(op);
    simulation.runUntil(() -> answer[0] != Update.PENDING);
    return answer[0];
  }

  /** A chunk's bytes, all of which are {@code fill}; or what the read answered. */
  long readAndWait(long inode, int index, byte fill) {
    long[] answer = {Update.PENDING};
    ReadOp op =
        new ReadOp() {
          @Override
          protected void onComplete(long result) {
            answer[0] = result;
          }
        };
    op.inode = inode;
    op.chunkIndex = index;
    op.lengthBytes = CHUNK;
    op.payload = java.lang.foreign.Arena.ofAuto().allocate(CHUNK, 4096);
    op.payloadCapacityBytes = CHUNK;
    store.submit(op);
    simulation.runUntil(() -> answer[0] != Update.PENDING);
    for (long at = 0; at < answer[0]; at++) {
      byte found = op.payload.get(java.lang.foreign.ValueLayout.JAVA_BYTE, at);
      assert found == fill : "byte %d of inode %d is %d, not %d".formatted(at, inode, found, fill);
    }
    return answer[0];
  }

  void runForMs(long ms) {
    simulation.runFor(ms * 1_000_000);
  }

  /** Stops as a process does that is told to. */
  @Override
  public void close() {
    store.stop();
    simulation.runUntil(() -> devices.stream().allMatch(device -> device.inFlight() == 0));
    store.close();
    reactor.close();
  }
}
