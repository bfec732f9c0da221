package io.lampyris.cli.rings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.cli.base.Json;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RingRatesTest {
  /** As it arrives: through the control channel. */
  private static Map<String, Object> sample(long seconds, String... rings) {
    String all = String.join(",", rings);
    return Json.parseObject(
        ("{\"now_ns\":%d,\"columns\":[\"id\",\"registered_ms\",\"program\",\"pid\",\"uid\","
                + "\"direction\",\"entries\",\"io_depth\",\"priority\",\"prepared\",\"in_flight\","
                + "\"completed\",\"failures\",\"bytes\",\"retired\",\"latencies\"],\"rings\":[%s]}")
            .formatted(seconds * 1_000_000_000, all));
  }

  private static String ring(
      String id, long registeredMs, String program, long completed, long bytes, String latencies) {
    return "[\"%s\",%d,\"%s\",7,1,\"read\",8,0,\"low\",2,3,%d,1,%d,false,[%s]]"
        .formatted(id, registeredMs, program, completed, bytes, latencies);
  }

  private static Map<?, ?> first(RingRates rates) {
    if (rates.json().get("rings") instanceof List<?> rings
        && rings.getFirst() instanceof Map<?, ?> ring) {
      return ring;
    }
    throw new AssertionError(rates.json());
  }

  @Test
  void ratesAreOfTheIntervalAndTheBusiestComesFirst() {
    RingRates rates =
        new RingRates(
            sample(
                10, ring("a", 5, "idle", 100, 4096, "0,100"), ring("b", 5, "dd", 50, 0, "0,0,50")),
            sample(
                12,
                ring("a", 5, "idle", 100, 4096, "0,100"),
                ring("b", 5, "dd", 250, 8 << 20, "1,50,0,200")));
    Map<?, ?> busiest = first(rates);
    assertEquals("dd", busiest.get("program"));
    assertEquals(100L, busiest.get("ios_per_second"));
    assertEquals(4L << 20, busiest.get("bytes_per_second"));
    assertEquals(3L, busiest.get("p50_ns"));
    assertEquals(2.0, rates.json().get("interval_s"));
    String table = rates.table(1, 65_005);
    assertTrue(table.startsWith("2 rings of 1 processes, 100 I/O/s, 4.0 MiB/s"), table);
    assertTrue(table.contains("dd") && table.contains("0:01:05"), table);
    assertTrue(!table.contains("idle"), table);
  }

  @Test
  void aNarrowTerminalHasTheColumnsThatMatterMost() {
    RingRates rates = new RingRates(sample(1), sample(2, ring("a", 5, "dd", 8, 8 << 20, "10,8")));
    List<String> wide = List.of(rates.table(5, 200, 0).lines().toList().get(1).split("  +"));
    List<String> narrow = List.of(rates.table(5, 80, 0).lines().toList().get(1).split("  +"));
    assertEquals(15, wide.size());
    assertTrue(narrow.containsAll(List.of("program", "pid", "kind", "I/O/s", "MiB/s", "p99")));
    assertTrue(rates.table(5, 80, 0).lines().allMatch(line -> line.length() <= 80));
    assertEquals("program  I/O/s  MiB/s", rates.table(5, 1, 0).lines().toList().get(1));
  }

  /** I1. */
  @Test
  void aRingThatTookTheIdOfAnotherBeginsAnew() {
    RingRates rates =
        new RingRates(
            sample(1, ring("a", 5, "old", 1000, 1 << 20, "0,1000")),
            sample(2, ring("a", 900, "new", 10, 10, "0,10")));
    assertEquals(10L, first(rates).get("ios_per_second"));
  }

  @Test
  void aNameCannotDrawOnTheTerminal() {
    RingRates rates = new RingRates(sample(1), sample(2, ring("a", 5, "x\\u001b[2Jy", 0, 0, "")));
    String table = rates.table(5, 0);
    assertTrue(table.contains("x?[2Jy") && table.contains("-"), table);
  }

  @Test
  void aMountWithoutRingsHasNoTable() {
    assertEquals(
        "0 rings of 0 processes, 0 I/O/s, 0 B/s\n",
        new RingRates(sample(1), sample(2)).table(5, 0));
  }
}
