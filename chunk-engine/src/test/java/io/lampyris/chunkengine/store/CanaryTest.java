package io.lampyris.chunkengine.store;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.space.BlockAllocator;
import io.lampyris.chunkengine.space.BlockReferences;
import io.lampyris.chunkengine.space.Quarantine;
import io.lampyris.reactor.device.Device;
import io.lampyris.reactor.device.IoRequest;
import io.lampyris.reactor.sim.ForwardingDevice;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The rig fails when the engine is broken: three bugs, planted one at a time. */
final class CanaryTest {
  private static final int SEEDS_MAX = 40;
  private static final int OPS_PER_SEED = 2_000;

  @TempDir Path tmp;

  private final long seed = Long.getLong("seed", System.nanoTime());

  /** Runs the model test on broken targets until it notices. */
  private void notices(Consumer<SimTarget> breakIt) throws Exception {
    Path base = SimTarget.workDirectory(tmp);
    boolean noticed = false;
    try {
      for (int i = 0; i < SEEDS_MAX && !noticed; i++) {
        try {
          new SimModelRun(base.resolve("model"), seed + i).run(OPS_PER_SEED, breakIt);
        } catch (AssertionError failure) {
          noticed = true;
          System.out.println("noticed with seed " + i + ": " + failure.getCause());
        }
      }
    } finally {
      Host.posix().deleteTree(base);
    }
    assertTrue(noticed, "a broken engine passes; seed=" + seed);
  }

  /** Says that it has flushed. */
  private static final class LyingDevice extends ForwardingDevice {
    private final SimTarget target;

    LyingDevice(SimTarget target, Device real) {
      super(real);
      this.target = target;
    }

    @Override
    public void submit(IoRequest request) {
      if (request.kind == IoRequest.Kind.FLUSH) {
        target.onReactor(() -> IoRequest.complete(request, 0, 0));
      } else {
        real.submit(request);
      }
    }
  }

  /** Thinks all bytes alike. */
  private static final class BlindCrc extends Crc32c {
    @Override
    public int of(MemorySegment memory, long offset, int length) {
      return 0;
    }

    @Override
    public int combine(int crcA, int crcB, long lengthB) {
      return 0;
    }
  }

  /** Counts no readers. */
  private static final class ForgetfulReferences extends BlockReferences {
    private final BlockAllocator allocator;

    ForgetfulReferences(BlockAllocator allocator, Quarantine quarantine) {
      super(allocator, quarantine);
      this.allocator = allocator;
    }

    @Override
    public long acquire(long offset) {
      return 0;
    }

    @Override
    public void release(long offset, int sizeClass) {}

    @Override
    public void kill(long offset, int sizeClass) {
      allocator.free(offset, sizeClass);
    }

    @Override
    public boolean isReferenced(long offset) {
      return false;
    }
  }

  @Test
  void aDataDeviceThatIsNotFlushedIsNoticed() throws Exception {
    notices(target -> target.dataWrapper = device -> new LyingDevice(target, device));
  }

  @Test
  void aLogThatIsNotFlushedIsNoticed() throws Exception {
    notices(target -> target.logWrapper = device -> new LyingDevice(target, device));
  }

  @Test
  void checksumsThatAreNotComparedAreNoticed() throws Exception {
    notices(target -> {
      target.crc = new BlindCrc();
      target.afterOpen = store -> store.replaceParts(store.references(), target.crc);
    });
  }

  @Test
  void aBlockThatIsFreedBeforeItsReadersLeaveIsNoticed() throws Exception {
    notices(target ->
        target.afterOpen =
            store ->
                store.replaceParts(
                    new ForgetfulReferences(store.allocator(), store.quarantine()), store.crc()));
  }
}
