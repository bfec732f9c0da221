package io.lampyris.chunkengine.store;

import io.lampyris.bindings.Errno;
import io.lampyris.chunkengine.space.ExtentAllocator;
import io.lampyris.reactor.device.IoRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the device of extents that hold nothing any more, one at a time and not faster than it can
 * bear; such an extent gives no blocks meanwhile. Owner: reactor.
 */
final class Discarder {
  /** Some devices stall when much is discarded at once. */
  private static final long BYTES_PER_SECOND = 1L << 30;

  private static final Logger LOGGER = LoggerFactory.getLogger(Discarder.class);

  private final TargetStore store;
  private final ExtentAllocator allocator;
  private final Pacer pacer = new Pacer();
  private final Request request = new Request();
  private boolean enabled;
  private int extent = ExtentAllocator.NONE;
  private long extents;

  Discarder(TargetStore store, boolean enabled) {
    this.store = store;
    this.allocator = store.allocator();
    this.enabled = enabled;
  }

  private final class Request extends IoRequest {
    @Override
    protected void onComplete(long result) {
      int done = extent;
      extent = ExtentAllocator.NONE;
      allocator.discarded(done);
      if (result < 0) {
        enabled = false;
        LOGGER.warn(
            "target {} discards no more; observed={}, limit=success; remedy: set discard to off",
            store.targetId(),
            Errno.describe(errno));
      } else {
        extents++;
      }
    }
  }

  int poll(long nowNs) {
    if (!hasWork(nowNs)) {
      return 0;
    }
    extent = allocator.takeUndiscarded();
    long bytes = allocator.extentBytes(extent);
    pacer.took(nowNs, bytes, BYTES_PER_SECOND);
    store.submit(request.discard(ExtentAllocator.extentOffset(extent), bytes));
    return 1;
  }

  boolean hasWork(long nowNs) {
    return isWaiting() && pacer.mayGo(nowNs);
  }

  private boolean isWaiting() {
    return enabled && extent == ExtentAllocator.NONE && allocator.hasUndiscarded();
  }

  long wakeNs() {
    return isWaiting() ? pacer.dueNs() : Long.MAX_VALUE;
  }

  /** How many were discarded. */
  long extents() {
    return extents;
  }
}
