package io.lampyris.cli.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code -Dsim.seeds=N} says how many, {@code -Dseed=S} where to begin. */
final class ClusterRunTest {
  private static final int SEEDS = Integer.getInteger("sim.seeds", 5);

  @TempDir Path tmp;

  private final long seed = Long.getLong("seed", System.nanoTime());

  @Test
  void aClusterIsSafeUnderFaultsAndHealsAfterThem() throws Exception {
    System.out.println("seed=" + seed);
    long operations = 0;
    for (int i = 0; i < SEEDS; i++) {
      SimResult result = ClusterRun.run(seed + i, SimOptions.DEFAULT, tmp);
      assertTrue(result.isGood(), () -> "seed=" + result.seed() + "\n" + result.failure());
      operations += result.operations();
    }
    assertTrue(operations > 20L * SEEDS, "clients get something done: " + operations);
  }

  @Test
  void theSameSeedGivesTheSameRun() throws Exception {
    SimResult first = ClusterRun.run(7, SimOptions.DEFAULT, tmp);
    assertEquals(first, ClusterRun.run(7, SimOptions.DEFAULT, tmp));
    assertNotEquals(first.traceHash(), ClusterRun.run(8, SimOptions.DEFAULT, tmp).traceHash());
  }
}
