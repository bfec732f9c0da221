package io.lampyris.cli.rings;

import io.lampyris.usrbio.RegistrationKey;
import io.lampyris.usrbio.RingStatus;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** All rings of a mount at one moment, as the control channel carries them. */
public final class RingSamples {
  private RingSamples() {}

  /**
   * @param nowNs of a clock that only goes on
   */
  public static Map<String, Object> of(long nowNs, List<RingStatus> rings) {
    List<Object> all = new ArrayList<>();
    rings.forEach(ring -> all.add(describe(ring)));
    Map<String, Object> sample = new LinkedHashMap<>();
    sample.put("now_ns", nowNs);
    sample.put("rings", all);
    return sample;
  }

  private static Map<String, Object> describe(RingStatus ring) {
    RegistrationKey key = ring.key();
    Map<String, Object> one = new LinkedHashMap<>();
    one.put("id", key.id().toString());
    one.put("program", ring.program());
    one.put("pid", ring.pid());
    one.put("uid", ring.user().uid());
    one.put("direction", key.kind() == RegistrationKey.Kind.READ_RING ? "read" : "write");
    one.put("entries", ring.entries());
    one.put("io_depth", key.ioDepth());
    one.put("priority", key.priority().name().toLowerCase(Locale.ROOT));
    one.put("timeout_ms", key.timeoutMs());
    one.put("flags", key.flags());
    one.put("registered_ms", ring.registeredNs() / 1_000_000);
    one.put("retired", ring.retired());
    one.put("prepared", ring.prepared());
    one.put("in_flight", ring.inFlight());
    one.put("completed", ring.completed());
    one.put("failures", ring.failures());
    one.put("bytes", ring.bytes());
    one.put("latencies", ring.latencies().toList());
    return one;
  }
}
