package io.lampyris.cli.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ClusterRunTest {
  private static final int SEEDS = Integer.getInteger("sim.seeds", 5);

  @TempDir Path tmp;

  private final long seed = Long.getLong("seed", System.nanoTime());

  @Test
  void aClusterIsSafeUnderFaultsAndHealsAfterThem() throws Exception {
    for (int i = 0; i < SEEDS; i++) {
      SimResult result = ClusterRun.run(seed + i, SimOptions.DEFAULT, tmp);
      System.out.println(result);
      assertTrue(result.isGood(), () -> "seed=" + result.seed() + "\n" + result.failure());
      assertTrue(result.operations() > 50, "clients get something done: " + result);
    }
  }

  @Test
  void theSameSeedGivesTheSameRun() throws Exception {
    SimResult first = ClusterRun.run(7, SimOptions.DEFAULT, tmp);
    assertEquals(first, ClusterRun.run(7, SimOptions.DEFAULT, tmp));
    assertNotEquals(first.traceHash(), ClusterRun.run(8, SimOptions.DEFAULT, tmp).traceHash());
  }

  @Test
  void aForgottenRecordOfTheLastUpdateIsFound() throws Exception {
    assertFound(Defect.FORGET_DEDUP, 50);
  }

  @Test
  void anAcknowledgementBeforeDurabilityIsFound() throws Exception {
    assertFound(Defect.ACK_BEFORE_DURABLE, 50);
  }

  private void assertFound(Defect defect, int seeds) throws Exception {
    for (int i = 0; i < seeds; i++) {
      SimResult result = ClusterRun.run(seed + i, SimOptions.DEFAULT.with(defect), tmp);
      if (!result.isGood()) {
        System.out.println(defect + " found by seed " + (i + 1) + "\n" + result.failure());
        return;
      }
    }
    throw new AssertionError(defect + " was not found in " + seeds + " seeds from " + seed);
  }
}
