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
  private final MemorySegment arena;
  private final BufferPool buffers;
  private final Timers timers;
  private final ConcurrentLinkedQueue<InboxTask> inbox = new ConcurrentLinkedQueue<>();
  private final List<Agent> agents = new ArrayList<>();

  public SimReactor(Simulation simulation, String name, List<BufferPool.SizeClass> bufferClasses) {
    this.simulation = simulation;
    this.name = name;
    arena = NativeMemory.allocateAligned(BufferPool.arenaBytes(bufferClasses));
    buffers = new BufferPool(arena, bufferClasses);
    timers = new Timers(simulation.nowNs());
    simulation.add(this);
  }

  /** Adds an agent and starts it. */
  public void add(Agent agent) {
    agents.add(agent);
    agent.onStart();
  }

  Simulation simulation() {
    return simulation;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public long nowNs() {
    return simulation.nowNs();
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

  int cycle(long nowNs) {
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

  boolean mayBlock(long nowNs) {
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
    NativeMemory.unmap(arena);
  }
}
