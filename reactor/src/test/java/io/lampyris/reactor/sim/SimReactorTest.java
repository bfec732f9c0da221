package io.lampyris.reactor.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.reactor.BufferPool;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A process that is stopped for a while. */
final class SimReactorTest {
  private static final long SEED = 3;

  @Test
  void aStoppedProcessLearnsWhenItGoesOnOfWhatHappenedMeanwhile() {
    Simulation simulation = new Simulation(new Prng(SEED));
    List<BufferPool.SizeClass> buffers = List.of(new BufferPool.SizeClass(4096, 1));
    try (SimReactor reactor = new SimReactor(simulation, "stopped", buffers)) {
      List<Long> timers = new ArrayList<>();
      List<Long> tasks = new ArrayList<>();
      reactor.timers().schedule(1_000_000, timers::add);
      reactor.stop();
      reactor.offer(tasks::add);
      simulation.after(20_000_000, reactor::resume);
      simulation.runFor(10_000_000);
      assertTrue(timers.isEmpty() && tasks.isEmpty(), "nothing runs while it is stopped");
      simulation.runFor(20_000_000);
      assertEquals(1, timers.size());
      assertEquals(1, tasks.size());
      assertTrue(timers.getFirst() >= 20_000_000, "its clock went on: " + timers);
    }
  }
}
