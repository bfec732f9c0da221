package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.device.Device;
import io.lampyris.reactor.device.IoRequest;
import io.lampyris.reactor.device.UringDevice;
import io.lampyris.reactor.sim.ForwardingDevice;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** A target on a real reactor over real files, with operations that a test waits for. */
final class StoreRig implements AutoCloseable {
  static final int MIB = 1 << 20;

  final Path dir;
  final TargetStore store;
  final Reactor reactor;
  private final Crc32c crc = new Crc32c();
  private final Deque<IoRequest> parked = new ArrayDeque<>();
  private Predicate<IoRequest> parks = request -> false;

  StoreRig(Path dir, TargetOptions options) throws StoreException {
    this.dir = dir;
    store = TargetStore.open(dir, options);
    reactor = Reactor.builder("store-test").agent(on -> new StoreAgent(store)).build();
    store.attach(reactor, (path, direct) -> new ParkingDevice(path, direct));
    reactor.start();
  }

  private record StoreAgent(TargetStore store) implements io.lampyris.reactor.Agent {
    @Override
    public String roleName() {
      return "store";
    }

    @Override
    public int doWork(long nowNs) {
      return store.doWork();
    }

    @Override
    public boolean mayBlock(long nowNs) {
      return !store.hasWork();
    }

    @Override
    public void onClose() {
      store.stop();
    }
  }

  /** From now on requests of the data device that match wait for {@link #unpark}. */
  void park(Predicate<IoRequest> which) {
    on(() -> parks = which);
  }

  void unpark() {
    on(() -> {
      parks = request -> false;
      while (!parked.isEmpty()) {
        realDevice().submit(parked.remove());
      }
    });
  }

  int parkedCount() {
    int[] count = new int[1];
    on(() -> count[0] = parked.size());
    return count[0];
  }

  /** On the reactor. */
  int parkedCountNow() {
    return parked.size();
  }

  /** Lets the oldest go on; others that match keep waiting. */
  void unparkOne() {
    on(() -> realDevice().submit(parked.remove()));
  }

  private @Nullable ParkingDevice device;

  private Device realDevice() {
    return java.util.Objects.requireNonNull(device, "attached").real();
  }

  private final class ParkingDevice extends ForwardingDevice {
    private final boolean data;

    ParkingDevice(Path path, boolean direct) throws IOException {
      super(UringDevice.open(reactor, path, direct));
      data = direct;
      if (direct) {
        device = this;
      }
    }

    Device real() {
      return real;
    }

    @Override
    public void submit(IoRequest request) {
      if (data && parks.test(request)) {
        parked.add(request);
      } else {
        real.submit(request);
      }
    }

    @Override
    public int inFlight() {
      return real.inFlight() + parked.size();
    }
  }

  /** Runs something on the reactor and waits for it. */
  void on(Runnable task) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    reactor.offer(now -> {
      try {
        task.run();
        done.complete(null);
      } catch (Throwable failure) {
        done.completeExceptionally(failure);
      }
    });
    await(done);
  }

  static <T> T await(CompletableFuture<T> future) {
    try {
      return future.get(60, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError("an operation did not complete", e);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  /** Whether something becomes true soon; looked at on the reactor. */
  boolean becomes(java.util.function.BooleanSupplier condition) {
    try (var timer = Executors.newSingleThreadScheduledExecutor()) {
      CompletableFuture<Boolean> seen = new CompletableFuture<>();
      var poll =
          timer.scheduleWithFixedDelay(
              () ->
                  reactor.offer(now -> {
                    if (condition.getAsBoolean()) {
                      seen.complete(true);
                    }
                  }),
              0,
              5,
              TimeUnit.MILLISECONDS);
      boolean result = seen.completeOnTimeout(false, 30, TimeUnit.SECONDS).join();
      poll.cancel(false);
      return result;
    }
  }

  // ---- operations ----

  /** An update that can be waited for. */
  static final class Update extends UpdateOp {
    final CompletableFuture<Long> done = new CompletableFuture<>();

    /** On the reactor. */
    java.util.function.LongConsumer then = result -> {};

    @Override
    protected void onComplete(long result) {
      done.complete(result);
      then.accept(result);
    }
  }

  /** A read that can be waited for. */
  static final class Read extends ReadOp {
    final CompletableFuture<Long> done = new CompletableFuture<>();

    /** On the reactor. */
    java.util.function.LongConsumer then = result -> {};

    @Override
    protected void onComplete(long result) {
      done.complete(result);
      then.accept(result);
    }

    byte[] bytes() {
      return payload.toArray(ValueLayout.JAVA_BYTE);
    }
  }

  /** A commit that can be waited for. */
  static final class Commit extends CommitOp {
    final CompletableFuture<Long> done = new CompletableFuture<>();

    @Override
    protected void onComplete(long result) {
      done.complete(result);
    }
  }

  /** A rollback that can be waited for. */
  static final class Rollback extends RollbackOp {
    final CompletableFuture<Long> done = new CompletableFuture<>();

    @Override
    protected void onComplete(long result) {
      done.complete(result);
    }
  }

  /** A removal that can be waited for. */
  static final class Remove extends RemoveOp {
    final CompletableFuture<Long> done = new CompletableFuture<>();

    @Override
    protected void onComplete(long result) {
      done.complete(result);
    }
  }

  Update prepareWrite(long inode, int index, int offset, byte[] bytes) {
    Update update = new Update();
    update.inode = inode;
    update.chunkIndex = index;
    update.chainVersion = 1;
    update.chunkSizeBytes = MIB;
    update.chunkOffset = offset;
    update.lengthBytes = bytes.length;
    update.payload = Arena.ofAuto().allocate(bytes.length, 4096);
    update.payload.copyFrom(MemorySegment.ofArray(bytes));
    update.payloadCrc32c = crc.of(update.payload, 0, bytes.length);
    return update;
  }

  Update prepareTruncate(long inode, int index, int length) {
    Update update = new Update();
    update.kind = UpdateOp.Kind.TRUNCATE;
    update.inode = inode;
    update.chunkIndex = index;
    update.chainVersion = 1;
    update.chunkSizeBytes = MIB;
    update.lengthBytes = length;
    return update;
  }

  /** A part of a copy of a chunk, which ends it or stays pending. */
  Update prepareCopy(long inode, int index, byte[] whole, int from, int to, int version) {
    Update update = prepareWrite(inode, index, from, java.util.Arrays.copyOfRange(whole, from, to));
    update.kind = UpdateOp.Kind.REPLACE;
    update.stage = to < whole.length ? UpdateOp.Stage.PENDING : UpdateOp.Stage.AT_ONCE;
    update.updateVersion = version;
    update.wholeBytes = whole.length;
    update.wholeCrc32c = crc.of(MemorySegment.ofArray(whole), 0, whole.length);
    update.copiedResult = 77;
    return update;
  }

  long rollBack(long inode, int index) {
    Rollback rollback = new Rollback();
    rollback.inode = inode;
    rollback.chunkIndex = index;
    reactor.offer(now -> store.submit(rollback));
    return await(rollback.done);
  }

  CompletableFuture<Long> start(Update update) {
    reactor.offer(now -> store.submit(update));
    return update.done;
  }

  long run(Update update) {
    return await(start(update));
  }

  long write(long inode, int index, int offset, byte[] bytes) {
    return run(prepareWrite(inode, index, offset, bytes));
  }

  long truncate(long inode, int index, int length) {
    return run(prepareTruncate(inode, index, length));
  }

  Read startRead(long inode, int index, int offset, int length, ReadOp.Version version) {
    Read read = new Read();
    read.version = version;
    read.inode = inode;
    read.chunkIndex = index;
    read.chunkOffset = offset;
    read.lengthBytes = length;
    read.payload = Arena.ofAuto().allocate(length, 4096);
    read.payloadCapacityBytes = length;
    reactor.offer(now -> store.submit(read));
    return read;
  }

  /** What a read answers: the bytes, or a failure. */
  byte[] read(long inode, int index, int offset, int length, ReadOp.Version version) {
    Read read = startRead(inode, index, offset, length, version);
    long result = await(read.done);
    assert result >= 0 : "read failed with " + result;
    return java.util.Arrays.copyOf(read.bytes(), (int) result);
  }

  byte[] read(long inode, int index) {
    return read(inode, index, 0, MIB, ReadOp.Version.COMMITTED);
  }

  long readResult(long inode, int index, ReadOp.Version version) {
    return await(startRead(inode, index, 0, MIB, version).done);
  }

  long commit(long inode, int index, int version) {
    Commit commit = new Commit();
    commit.inode = inode;
    commit.chunkIndex = index;
    commit.version = version;
    commit.chainVersion = 1;
    reactor.offer(now -> store.submit(commit));
    return await(commit.done);
  }

  long remove(long inode, int from) {
    Remove remove = new Remove();
    remove.inode = inode;
    remove.fromIndex = from;
    remove.removeMax = RemoveOp.REMOVE_MAX;
    reactor.offer(now -> store.submit(remove));
    return await(remove.done);
  }

  /** The target's directory as a kill of the process would leave it now. */
  Path killedCopy(Path to) throws IOException {
    // cp keeps holes; the log is mostly holes.
    Process cp =
        new ProcessBuilder("cp", "-a", "--sparse=always", dir.toString(), to.toString()).start();
    assert cp.onExit().join().exitValue() == 0 : "cp failed";
    return to;
  }

  @Override
  public void close() {
    unpark();
    reactor.close();
    store.close();
  }
}
