package io.lampyris.cli.host;

import io.lampyris.cli.host.Finding.State;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What was found, for people and for programs. */
public final class HostReport {
  private static final String INDENT = " ".repeat(6);
  private static final String REMEDY_INDENT = " ".repeat("remedy: ".length());

  private final List<Finding> findings;
  private final boolean spdkWanted;
  private final boolean rdmaWanted;

  /**
   * @param spdkWanted whether a controller is meant for SPDK
   * @param rdmaWanted whether there is a device for RDMA
   */
  HostReport(List<Finding> findings, boolean spdkWanted, boolean rdmaWanted) {
    this.findings = List.copyOf(findings);
    this.spdkWanted = spdkWanted;
    this.rdmaWanted = rdmaWanted;
    assert findings.stream().map(Finding::id).distinct().count() == findings.size() : "I2: ids";
  }

  List<Finding> findings() {
    return findings;
  }

  /** Whether nothing keeps Lampyris from running, or endangers data (I3). */
  public boolean isUsable() {
    return count(State.ERR) == 0;
  }

  private long count(State state) {
    return findings.stream().filter(finding -> finding.state() == state).count();
  }

  private boolean isOk(String area) {
    return findings.stream()
        .anyMatch(finding -> finding.isOk() && finding.id().matches(area + "(\\..*)?"));
  }

  /** A controller that a program can drive, the library to do it and memory for it. */
  private boolean isPreparedForSpdk() {
    return isOk("nvme") && isOk("spdk") && isOk("hugepages");
  }

  private boolean isPreparedForRdma() {
    return isOk("rdma") && isOk("rdma-core");
  }

  /** A line for each finding, with what to do; and what it comes to. */
  public String text() {
    int width = findings.stream().mapToInt(finding -> finding.id().length()).max().orElse(0);
    StringBuilder text = new StringBuilder();
    for (Finding finding : findings) {
      String id = finding.id() + " ".repeat(width - finding.id().length());
      text.append("%-4s  %s  %s%n".formatted(finding.state(), id, finding.observed()));
      if (finding.state().compareTo(State.WARN) >= 0) {
        text.append(INDENT).append("limit: ").append(finding.limit()).append('\n');
      }
      if (!finding.remedy().isEmpty()) {
        String remedy = finding.remedy().replace("\n", "\n" + INDENT + REMEDY_INDENT);
        text.append(INDENT).append("remedy: ").append(remedy).append('\n');
      }
    }
    return text.append('\n').append(verdict()).append('\n').toString();
  }

  private String verdict() {
    return """
    %d OK, %d INFO, %d WARN, %d ERR
    %s: io_uring for storage (%s), TCP for the network (%s)\
    """
        .formatted(
            count(State.OK),
            count(State.INFO),
            count(State.WARN),
            count(State.ERR),
            isUsable() ? "Lampyris will use" : "see ERR above; without it Lampyris would use",
            readiness("SPDK", isPreparedForSpdk(), spdkWanted),
            readiness("RDMA", isPreparedForRdma(), rdmaWanted));
  }

  private static String readiness(String what, boolean prepared, boolean wanted) {
    return prepared
        ? "prepared for " + what
        : what + (wanted ? " is not prepared yet" : " is not prepared and not needed");
  }

  /** The same as an object: {@code summary} and {@code checks}. */
  public Map<String, Object> json() {
    Map<String, Object> summary = new LinkedHashMap<>();
    summary.put("usable", isUsable());
    for (State state : State.values()) {
      summary.put(name(state), count(state));
    }
    summary.put("spdk_prepared", isPreparedForSpdk());
    summary.put("rdma_prepared", isPreparedForRdma());
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("summary", summary);
    all.put("checks", findings.stream().map(HostReport::json).toList());
    return all;
  }

  private static Map<String, Object> json(Finding finding) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("id", finding.id());
    map.put("state", name(finding.state()));
    map.put("observed", finding.observed());
    map.put("limit", finding.limit());
    map.put("remedy", finding.remedy());
    return map;
  }

  private static String name(State state) {
    return state.name().toLowerCase(Locale.ROOT);
  }
}
