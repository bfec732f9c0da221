package io.lampyris.usrbio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LatencyCountsTest {
  @Test
  void percentilesAreThoseOfTheTimesToAFifth() {
    Random random = RegistrationKeyTest.seeded("percentiles");
    for (int round = 0; round < 200; round++) {
      LatencyCounts counts = new LatencyCounts();
      long[] times = new long[1 + random.nextInt(300)];
      for (int i = 0; i < times.length; i++) {
        times[i] = random.nextLong(1L << (1 + random.nextInt(36)));
        counts.add(times[i]);
      }
      Arrays.sort(times);
      for (double share : new double[] {0.01, 0.5, 0.99, 1}) {
        long exact = times[(int) Math.ceil(share * times.length) - 1];
        long found = counts.percentileNs(share);
        assertTrue(
            Math.abs(found - exact) <= exact / 5,
            "share %s; observed=%d, limit=%d to a fifth".formatted(share, found, exact));
      }
    }
  }

  @Test
  void whatTakesNoTimeOrForEverIsCountedToo() {
    LatencyCounts counts = new LatencyCounts();
    assertEquals(0, counts.percentileNs(0.5));
    counts.add(-5);
    counts.add(0);
    assertEquals(0, counts.percentileNs(1));
    counts.add(Long.MAX_VALUE);
    assertTrue(counts.percentileNs(1) > 100_000_000_000L);
  }

  @Test
  void countsGoThroughAListAndGrowSinceACopy() {
    LatencyCounts counts = new LatencyCounts();
    counts.add(1000);
    counts.add(5_000_000);
    LatencyCounts earlier = LatencyCounts.of(counts.toList());
    assertEquals(counts.toList(), earlier.toList());
    counts.add(1000);
    LatencyCounts grown = counts.since(earlier);
    assertEquals(1, grown.total());
    assertEquals(2, grown.toList().size());
    assertEquals(earlier.percentileNs(0.5), grown.percentileNs(1));
    assertEquals(List.of(), new LatencyCounts().toList());
    assertThrows(IllegalArgumentException.class, () -> LatencyCounts.of(List.of("x")));
    assertThrows(
        IllegalArgumentException.class, () -> LatencyCounts.of(Arrays.asList(new Long[1000])));
    for (List<Long> wrong :
        List.of(
            List.of(-1L), List.of(1000L), List.of(143L, 1L, 1L), Collections.nCopies(200, 1L))) {
      assertThrows(IllegalArgumentException.class, () -> LatencyCounts.of(wrong), wrong::toString);
    }
    assertEquals(1, LatencyCounts.of(List.of(143L, 1L)).total());
  }
}
