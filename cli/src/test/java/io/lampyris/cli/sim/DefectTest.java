package io.lampyris.cli.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What is broken on purpose is found. Each row names the first seed that finds a defect; when a
 * change of anything gives that seed another run, the search goes on from it, and the test says
 * which seed to put here.
 */
final class DefectTest {
  /** More than this many seeds are too many to find a defect. */
  private static final int SEEDS_MAX = 2000;

  @TempDir Path tmp;

  @ParameterizedTest
  @CsvSource({
    "DIRTY_READ, 9",
    "ACK_BEFORE_TAIL, 1",
    "IGNORE_CHAIN_VERSION, 47",
    "FORGET_DEDUP, 1",
    "WALL_CLOCK_LEASE, 20",
    "ACK_BEFORE_DURABLE, 1"
  })
  void aPlantedDefectIsFound(Defect defect, long first) throws Exception {
    for (long seed = first; seed < first + SEEDS_MAX; seed++) {
      SimResult result = ClusterRun.run(seed, SimOptions.DEFAULT.with(defect), tmp);
      if (!result.isGood()) {
        System.out.println(defect + " is found by seed=" + seed + "\n" + result.failure());
        assertTrue(ClusterRun.run(seed, SimOptions.DEFAULT, tmp).isGood(), "nothing else is");
        return;
      }
    }
    throw new AssertionError("%d seeds from %d do not find it".formatted(SEEDS_MAX, first));
  }

  @Test
  void everyDefectIsLookedFor() throws Exception {
    Set<Defect> named = EnumSet.noneOf(Defect.class);
    CsvSource rows =
        DefectTest.class
            .getDeclaredMethod("aPlantedDefectIsFound", Defect.class, long.class)
            .getAnnotation(CsvSource.class);
    for (String row : rows.value()) {
      named.add(Defect.valueOf(row.substring(0, row.indexOf(','))));
    }
    assertEquals(EnumSet.complementOf(EnumSet.of(Defect.NONE)), named);
  }
}
