package io.lampyris.reactor.sim;

import io.lampyris.bindings.NativeMemory;
import io.lampyris.reactor.Agent;
import io.lampyris.reactor.BufferPool;
import io.lampyris.reactor.InboxTask;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.Timers;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;

/** A reactor without a thread: the simulation runs its cycles. Owner: the simulation's thread. */
public final class SimReactor implements ReactorContext, AutoCloseable {
  private static final int INBOX_BATCH_MAX = 256;

  private final Simulation simulation;
  private final String name;
  private final SimClock clock;
  private final MemorySegment arena;
  private final BufferPool buffers;
  private final Timers timers;
  private final ConcurrentLinkedQueue<InboxTask> inbox = new ConcurrentLinkedQueue<>();
  private final List<Agent> agents = new ArrayList<>();
  private boolean closed;
  private boolean stopped;

  /** A reactor whose clock shows the simulation's time. */
  public SimReactor(Simulation simulation, String name, List<BufferPool.SizeClass> bufferClasses) {
    this(simulation, name, bufferClasses, SimClock.EXACT);
  }

  /** A reactor of a machine with a clock of its own. */
  public SimReactor(
      Simulation simulation,
      String name,
      List<BufferPool.SizeClass> bufferClasses,
      SimClock clock) {
    this.simulation = simulation;
    this.name = name;
    this.clock = clock;
    arena = NativeMemory.allocateAligned(BufferPool.arenaBytes(bufferClasses));
    buffers = new BufferPool(arena, bufferClasses);
    timers = new Timers(clock.nowNs(simulation.nowNs()));
    simulation.add(this);
  }

  /** Adds an agent and starts it. */
  public void add(Agent agent) {
    agents.add(agent);
    agent.onStart();
  }

  public Simulation simulation() {
    return simulation;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public long bootNs() {
    return nowNs();
  }

  @Override
  public long nowNs() {
    return clock.nowNs(simulation.nowNs());
  }

  @Override
  public boolean inReactor() {
    return simulation.isOwner();
  }

  @Override
  public void offer(InboxTask task) {
    inbox.add(task);
  }

  @Override
  public Timers timers() {
    return timers;
  }

  @Override
  public BufferPool buffers() {
    return buffers;
  }

  boolean isClosed() {
    return closed;
  }

  /**
   * Its process is stopped: what it asked for is done and what is sent to it arrives, and it learns
   * of both when it goes on. Its clocks go on.
   */
  public void stop() {
    stopped = true;
  }

  /** Its process goes on. */
  public void resume() {
    stopped = false;
  }

  public boolean isStopped() {
    return stopped;
  }

  /** When the earliest timer is due, in the simulation's time. */
  long nextTimerNs() {
    return stopped ? Long.MAX_VALUE : clock.simulatedNs(timers.nextDeadlineNs());
  }

  int cycle() {
    if (stopped) {
      return 0;
    }
    long nowNs = nowNs();
    int work = 0;
    for (InboxTask task = inbox.poll(); task != null; task = inbox.poll()) {
      task.onReactor(nowNs);
      work++;
      if (work == INBOX_BATCH_MAX) {
        break;
      }
    }
    for (Agent agent : agents) {
      work += agent.doWork(nowNs);
    }
    return work + timers.poll(nowNs);
  }

  boolean mayBlock() {
    long nowNs = nowNs();
    if (stopped) {
      return true;
    }
    if (!inbox.isEmpty()) {
      return false;
    }
    for (Agent agent : agents) {
      if (!agent.mayBlock(nowNs)) {
        return false;
      }
    }
    return true;
  }

  /** Gives its memory back; agents are not told: they are closed by whoever made them. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    simulation.remove(this);
    NativeMemory.unmap(arena);
  }
}
