package io.lampyris.cli.cluster;

import io.lampyris.cli.embedded.Memory;
import io.lampyris.reactor.Counters;
import java.lang.management.ManagementFactory;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** How a process is that has nothing of its own to judge. Any thread. */
final class RoleStatus {
  private RoleStatus() {}

  static Map<String, Object> of(String role, Counters counters) {
    Map<String, Object> status = new LinkedHashMap<>();
    status.put("health", "HEALTH_OK");
    status.put("reasons", List.of());
    status.put("running", true);
    status.put("role", role);
    status.put("pid", ProcessHandle.current().pid());
    status.put("uptime_s", ManagementFactory.getRuntimeMXBean().getUptime() / 1000);
    status.put("resident_bytes", Memory.residentBytes());
    status.put("direct_bytes", Memory.directBytes());
    status.put("counters", new TreeMap<String, Object>(counters.snapshot()));
    return status;
  }
}
