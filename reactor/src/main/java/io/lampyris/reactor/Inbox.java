package io.lampyris.reactor;

import com.lmax.disruptor.EventPoller;
import com.lmax.disruptor.InsufficientCapacityException;
import com.lmax.disruptor.RingBuffer;
import com.lmax.disruptor.YieldingWaitStrategy;
import org.jspecify.annotations.Nullable;

/** Tasks that other threads hand to a reactor: a multi-producer Disruptor ring, read by polling. */
final class Inbox {
  private static final class Slot {
    @Nullable InboxTask task;
  }

  private final RingBuffer<Slot> ring;
  private final EventPoller<Slot> poller;
  private final EventPoller.Handler<Slot> handler = this::onSlot;
  private long nowNs;
  private int left;

  Inbox(int capacity) {
    ring = RingBuffer.createMultiProducer(Slot::new, capacity, new YieldingWaitStrategy());
    poller = ring.newPoller();
    ring.addGatingSequences(poller.getSequence());
  }

  /** Publishes, waiting while the ring is full. Any thread but a reactor's. */
  void put(InboxTask task) {
    publish(ring.next(), task);
  }

  /** Publishes unless the ring is full. Any thread. */
  boolean tryPut(InboxTask task) {
    try {
      publish(ring.tryNext(), task);
      return true;
    } catch (InsufficientCapacityException full) {
      return false;
    }
  }

  private void publish(long sequence, InboxTask task) {
    ring.get(sequence).task = task;
    ring.publish(sequence);
  }

  /** Runs at most {@code max} tasks. Owner: reactor. */
  int poll(long nowNs, int max) {
    this.nowNs = nowNs;
    left = max;
    try {
      poller.poll(handler);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Exception e) {
      throw new AssertionError("tasks throw no checked exceptions", e);
    }
    return max - left;
  }

  private boolean onSlot(Slot slot, long sequence, boolean endOfBatch) {
    InboxTask task = slot.task;
    slot.task = null;
    assert task != null : "a published slot has a task";
    left--;
    task.onReactor(nowNs);
    return left > 0;
  }

  /** Whether nothing has been published that was not polled. */
  boolean isEmpty() {
    return !ring.isAvailable(poller.getSequence().get() + 1);
  }
}
