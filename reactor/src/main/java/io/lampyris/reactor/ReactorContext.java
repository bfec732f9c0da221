package io.lampyris.reactor;

import java.lang.foreign.MemorySegment;

/** What an agent sees of its reactor; the simulator has one of its own. */
public interface ReactorContext {
  String name();

  /** Monotonic time of the current cycle, in ns. Owner: reactor. */
  long nowNs();

  /**
   * Time since boot, in ns, read now: for leases. It goes on while the machine is suspended, and
   * what the cycle has received was sent before it, even if the process was stopped in mid-cycle.
   * Owner: reactor.
   */
  long bootNs();

  /** Whether the calling thread is this reactor's. Any thread. */
  boolean inReactor();

  /**
   * Hands a task over. Never refuses: a thread that is not a reactor waits while the inbox is full,
   * a reactor keeps the task and tries again in its next cycle. Any thread.
   */
  void offer(InboxTask task);

  /** Owner: reactor. */
  Timers timers();

  /** Owner: reactor. */
  BufferPool buffers();

  /**
   * Memory outside {@link #buffers} will be used by many transfers, until {@link #forgetMemory}:
   * the devices of this reactor may prepare for that. It stays mapped until then, though others may
   * shrink it. Owner: reactor.
   */
  default void expectMemory(MemorySegment memory) {}

  /** No transfer into or out of this memory begins any more. Owner: reactor. */
  default void forgetMemory(MemorySegment memory) {}
}
