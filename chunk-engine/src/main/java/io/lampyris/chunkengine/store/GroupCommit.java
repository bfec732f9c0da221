package io.lampyris.chunkengine.store;

import io.lampyris.protocol.Status;
import io.lampyris.reactor.device.Device;
import io.lampyris.reactor.device.IoRequest;

/**
 * Makes updates durable in groups. Owner: reactor.
 *
 * <pre>
 *   data written ─► unflushed ─(one device flush)─► flushing ─► ready ─(one log group)─► logging ─► committed
 *   no data ───────────────────────────────────────────────────┘
 * </pre>
 *
 * At most one flush of each kind is in flight; what arrives meanwhile makes the next group.
 */
final class GroupCommit {
  /** Bounds a group's time on the reactor; about 100 µs of appending. */
  private static final int GROUP_OPS_MAX = 256;

  private final TargetStore store;
  private final ChunkLog log;
  private final Device device;
  private final Device logDevice;
  private final boolean flushes;

  private final OpQueue unflushed = new OpQueue();
  private final OpQueue flushing = new OpQueue();
  private final OpQueue ready = new OpQueue();
  private final OpQueue logging = new OpQueue();

  private final Flush dataFlush = new Flush(true);
  private final Flush logFlush = new Flush(false);
  private long loggingGroup;

  private final class Flush extends IoRequest {
    private final boolean data;
    boolean busy;

    Flush(boolean data) {
      this.data = data;
    }

    @Override
    protected void onComplete(long result) {
      busy = false;
      if (result < 0) {
        store.goOffline(data ? "flush of the device failed" : "flush of the log failed", errno);
        abortAll(Status.DEVICE_ERROR.code());
      } else if (data) {
        ready.takeAll(flushing);
      } else {
        log.durable(loggingGroup);
        commitLogged();
      }
    }
  }

  GroupCommit(
      TargetStore store, ChunkLog log, Device device, Device logDevice, Durability durability) {
    this.store = store;
    this.log = log;
    this.device = device;
    this.logDevice = logDevice;
    this.flushes = durability == Durability.STRICT;
  }

  /** An update has done its writes and wants to be committed. */
  void stage(StoreOp op, boolean wroteData) {
    (wroteData && flushes ? unflushed : ready).add(op);
  }

  /** Starts what can start; returns how much. */
  int poll() {
    int work = 0;
    if (store.isOffline()) {
      if (hasWork()) {
        abortAll(Status.DEVICE_ERROR.code());
        work++;
      }
      return work;
    }
    if (!dataFlush.busy && !unflushed.isEmpty()) {
      flushing.takeAll(unflushed);
      dataFlush.busy = true;
      device.submit(dataFlush.flush());
      work++;
    }
    if (!logFlush.busy && !ready.isEmpty()) {
      appendGroup();
      work++;
    }
    return work;
  }

  /** Whether {@link #poll} would start anything now. */
  boolean hasWork() {
    return (!dataFlush.busy && !unflushed.isEmpty()) || (!logFlush.busy && !ready.isEmpty());
  }

  private void appendGroup() {
    try {
      for (int ops = 0; ops < GROUP_OPS_MAX && !ready.isEmpty(); ops++) {
        appendOne();
      }
      if (logging.isEmpty()) {
        return;
      }
      loggingGroup = log.endGroup();
    } catch (RuntimeException e) {
      store.goOffline("append to the log failed: " + e, 0);
      abortAll(Status.DEVICE_ERROR.code());
      return;
    }
    if (flushes) {
      logFlush.busy = true;
      logDevice.submit(logFlush.flush());
    } else {
      commitLogged();
    }
  }

  private void appendOne() {
    StoreOp op = ready.poll();
    assert op != null : "the caller looked";
    if (log.reserve(op.logRecords(), op.logPayloadBytes(), op.isRemoval())) {
      // Before the append: one that throws must find it here, to answer it.
      logging.add(op);
      op.appendTo(log);
    } else {
      op.onAborted(Status.NO_SPACE.code());
    }
  }

  private void commitLogged() {
    // No group is appended while these complete, so nothing joins the queue.
    for (StoreOp op = logging.poll(); op != null; op = logging.poll()) {
      op.onCommitted();
    }
  }

  private void abortAll(long status) {
    abort(unflushed, status);
    abort(ready, status);
    if (!dataFlush.busy) {
      abort(flushing, status);
    }
    if (!logFlush.busy) {
      abort(logging, status);
    }
  }

  private static void abort(OpQueue queue, long status) {
    for (StoreOp op = queue.poll(); op != null; op = queue.poll()) {
      op.onAborted(status);
    }
  }
}
