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
 * At most one flush of each kind is in flight; what arrives meanwhile makes the next group. A flush
 * of the device also makes the overwrites durable that were written in place before it; without
 * updates that want one, it is done for their sake from time to time.
 */
final class GroupCommit {
  /** Bounds a group's time on the reactor; about 100 µs of appending. */
  private static final int GROUP_OPS_MAX = 256;

  /** The same for payloads; about a millisecond of copying. */
  private static final int GROUP_PAYLOAD_MAX_BYTES = 4 << 20;

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

  /** Up to which record overwrites are in their place when the flush of the device is done. */
  private long applying;

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
        log.applied(applying);
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
    if (wantsDataFlush()) {
      flushData();
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
    return wantsDataFlush() || (!logFlush.busy && !ready.isEmpty());
  }

  private boolean wantsDataFlush() {
    return !dataFlush.busy
        && (!unflushed.isEmpty() || (!store.isOffline() && store.redos().wantsFlush()));
  }

  /** One flush for the data of updates and for overwrites that went to their place meanwhile. */
  private void flushData() {
    applying = store.redos().flushing(log.lastSequence());
    if (!flushes) {
      // Not durable, as nothing is; a killed process finds it all the same.
      log.applied(applying);
      return;
    }
    flushing.takeAll(unflushed);
    dataFlush.busy = true;
    store.statistics().deviceFlushes++;
    device.submit(dataFlush.flush());
  }

  private void appendGroup() {
    long start = log.positionBytes();
    try {
      int payload = 0;
      for (int ops = 0; ops < GROUP_OPS_MAX && payload < GROUP_PAYLOAD_MAX_BYTES; ops++) {
        StoreOp op = ready.poll();
        if (op == null) {
          break;
        }
        payload += op.logPayloadBytes();
        append(op);
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
    store.statistics().groups++;
    store.statistics().logBytes += log.positionBytes() - start;
    if (flushes) {
      logFlush.busy = true;
      store.statistics().logFlushes++;
      logDevice.submit(logFlush.flush());
    } else {
      commitLogged();
    }
  }

  private void append(StoreOp op) {
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
