package io.lampyris.cli.rings;

import io.lampyris.usrbio.RegistrationKey;
import io.lampyris.usrbio.RingStatus;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * All rings of a mount at one moment, as the control channel carries them: {@code columns} says
 * once what stands where in each of {@code rings}, for there can be thousands.
 */
public final class RingSamples {
  private static final List<String> COLUMNS =
      List.of(
          "id",
          "program",
          "pid",
          "uid",
          "direction",
          "entries",
          "io_depth",
          "priority",
          "timeout_ms",
          "flags",
          "registered_ms",
          "retired",
          "prepared",
          "in_flight",
          "completed",
          "failures",
          "bytes",
          "latencies");

  private RingSamples() {}

  /**
   * @param nowNs of a clock that only goes on
   */
  public static Map<String, Object> of(long nowNs, List<RingStatus> rings) {
    return Map.of(
        "now_ns",
        nowNs,
        "columns",
        COLUMNS,
        "rings",
        rings.stream().map(RingSamples::describe).toList());
  }

  private static List<Object> describe(RingStatus ring) {
    RegistrationKey key = ring.key();
    Object[] row = {
      key.id().toString(),
      ring.program(),
      ring.pid(),
      ring.user().uid(),
      key.kind() == RegistrationKey.Kind.READ_RING ? "read" : "write",
      ring.entries(),
      key.ioDepth(),
      key.priority().name().toLowerCase(Locale.ROOT),
      key.timeoutMs(),
      key.flags(),
      ring.registeredNs() / 1_000_000,
      ring.retired(),
      ring.prepared(),
      ring.inFlight(),
      ring.completed(),
      ring.failures(),
      ring.bytes(),
      ring.latencies().toList()
    };
    assert row.length == COLUMNS.size() : "a value for every column";
    return Arrays.asList(row);
  }

  /** The rings of a sample; what is not one has none. */
  static List<Map<?, ?>> rings(Map<String, Object> sample) {
    List<Map<?, ?>> rings = new ArrayList<>();
    if (sample.get("columns") instanceof List<?> columns
        && sample.get("rings") instanceof List<?> rows) {
      for (Object each : rows) {
        if (each instanceof List<?> row) {
          Map<Object, Object> ring = new LinkedHashMap<>();
          for (int i = 0; i < Math.min(columns.size(), row.size()); i++) {
            ring.put(columns.get(i), row.get(i));
          }
          rings.add(ring);
        }
      }
    }
    return rings;
  }
}
