package io.lampyris.reactor.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.reactor.BufferPool.SizeClass;
import java.util.List;
import org.junit.jupiter.api.Test;

final class SimClockTest {
  private static final long SECOND = 1_000_000_000L;

  @Test
  void aTimerOfADriftingClockIsDueWhenThatClockShowsIt() {
    for (long ppm : new long[] {-50_000, -200, 0, 200, 50_000}) {
      Simulation simulation = new Simulation(new Prng(1));
      SimClock clock = new SimClock(77 * SECOND, ppm);
      try (SimReactor reactor =
          new SimReactor(simulation, "drifting", List.of(new SizeClass(4096, 1)), clock)) {
        long[] ranAt = new long[1];
        long due = reactor.nowNs() + 10 * SECOND;
        reactor.timers().schedule(due, nowNs -> ranAt[0] = nowNs);
        simulation.runUntil(() -> ranAt[0] > 0);
        assertTrue(ranAt[0] >= due && ranAt[0] < due + SECOND / 100, "ppm " + ppm);
        double rate = 10.0 * SECOND / simulation.nowNs();
        assertEquals(1 + ppm / 1e6, rate, 1e-3);
      }
    }
  }

  @Test
  void aJumpOfTheWallClockLeavesTheMonotonicOneAlone() {
    SimClock clock = new SimClock(5, 100);
    long monotonic = clock.nowNs(SECOND);
    long wall = clock.wallNs(SECOND);
    clock.jumpWall(-3600 * SECOND);
    assertEquals(monotonic, clock.nowNs(SECOND), "I5");
    assertEquals(wall - 3600 * SECOND, clock.wallNs(SECOND));
  }
}
