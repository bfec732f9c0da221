package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.host.Host;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random operations, several at a time, against models in memory, with restarts, power cuts, rotten
 * bits, misdirected writes and failing devices in between. {@code -Dmodel.ops=N} says how many,
 * {@code -Dseed=S} repeats a run.
 */
final class StoreModelTest {
  private static final long OPS = Long.getLong("model.ops", 40_000);

  /** Operations of one target; then a new one begins with a seed of its own. */
  private static final long OPS_PER_SEED = 20_000;

  @TempDir Path tmp;

  @Test
  void nothingAcknowledgedIsLostAndNoWrongByteIsEverRead() throws Exception {
    long first = Long.getLong("seed", System.nanoTime());
    long left = OPS;
    Path base = SimTarget.workDirectory(tmp);
    try {
      for (long seed = first; left > 0; seed++) {
        System.out.println("seed=" + seed);
        SimModelRun run = new SimModelRun(base.resolve("model"), seed);
        left -= run.run(Math.min(left, OPS_PER_SEED), target -> {});
        System.out.println(run);
      }
    } finally {
      Host.posix().deleteTree(base);
    }
  }
}
