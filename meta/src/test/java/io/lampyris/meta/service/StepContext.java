package io.lampyris.meta.service;

import io.lampyris.reactor.BufferPool;
import io.lampyris.reactor.InboxTask;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.Timers;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** A reactor that a test drives by hand, with a clock that a test sets. */
final class StepContext implements ReactorContext {
  private final Timers timers = new Timers(0);
  private final BufferPool buffers = new BufferPool(MemorySegment.NULL, List.of());
  private long nowNs;

  @Override
  public String name() {
    return "step";
  }

  @Override
  public long bootNs() {
    return nowNs;
  }

  @Override
  public long nowNs() {
    return nowNs;
  }

  void advance(long ns) {
    nowNs += ns;
    timers.poll(nowNs);
  }

  @Override
  public boolean inReactor() {
    return true;
  }

  @Override
  public void offer(InboxTask task) {
    task.onReactor(nowNs);
  }

  @Override
  public Timers timers() {
    return timers;
  }

  @Override
  public BufferPool buffers() {
    return buffers;
  }
}
