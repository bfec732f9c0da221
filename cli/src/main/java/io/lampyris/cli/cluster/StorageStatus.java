package io.lampyris.cli.cluster;

import io.lampyris.chunkengine.chain.ChainCounters;
import io.lampyris.chunkengine.chain.ChainTarget;
import io.lampyris.cli.embedded.ClusterStatus;
import io.lampyris.cli.embedded.Memory;
import io.lampyris.protocol.Routing;
import io.lampyris.reactor.Counters;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** How a storage node is, with coded reasons and what to do. Owner: reactor. */
final class StorageStatus {
  private final StorageSection self;
  private final StorageTargets targets;
  private final StorageHost host;
  private final Counters counters;
  private final long startedNs = System.nanoTime();

  StorageStatus(StorageSection self, StorageTargets targets, StorageHost host, Counters counters) {
    this.self = self;
    this.targets = targets;
    this.host = host;
    this.counters = counters;
  }

  Map<String, Object> now() {
    List<String> errors = new ArrayList<>();
    List<String> warnings = new ArrayList<>();
    List<Map<String, Object>> rows = host.chains().targets().stream().map(this::target).toList();
    ClusterStatus.judge(rows, errors, warnings);
    for (String why : targets.missing()) {
      errors.add("TARGET_MISSING: " + why);
    }
    if (host.leaseLeftNs() <= 0) {
      errors.add(
          "NO_LEASE: the node serves nothing; %s"
              .formatted(
                  host.refusal().isEmpty() ? "no manager answers, start one" : host.refusal()));
    }
    Map<String, Object> status = map(errors, warnings);
    status.put("routing_version", host.routing().version());
    status.put("resident_bytes", Memory.residentBytes());
    status.put("direct_bytes", Memory.directBytes());
    status.put("targets", rows);
    Map<String, Object> all = new TreeMap<>(counters.snapshot());
    all.putAll(sums());
    status.put("counters", all);
    return status;
  }

  /** The reactor does not answer. Any thread. */
  Map<String, Object> stuck() {
    return map(
        List.of(
            "REACTOR_STUCK: storage does not answer; see the log, then kill -9 %d and start it again"
                .formatted(ProcessHandle.current().pid())),
        List.of());
  }

  private Map<String, Object> map(List<String> errors, List<String> warnings) {
    List<String> reasons = new ArrayList<>(errors);
    reasons.addAll(warnings);
    Map<String, Object> status = new LinkedHashMap<>();
    status.put(
        "health",
        !errors.isEmpty() ? "HEALTH_ERR" : !warnings.isEmpty() ? "HEALTH_WARN" : "HEALTH_OK");
    status.put("reasons", reasons);
    status.put("running", true);
    status.put("role", "storage");
    status.put("node", (long) self.nodeId());
    status.put("dir", self.dir().toString());
    status.put("pid", ProcessHandle.current().pid());
    status.put("uptime_s", (System.nanoTime() - startedNs) / 1_000_000_000L);
    return status;
  }

  private Map<String, Object> target(ChainTarget of) {
    Map<String, Object> target = ClusterStatus.target(of.store());
    Routing.Target known = host.routing().targets().get(of.targetId());
    boolean member = of.chainVersion() != 0;
    target.put("chain", member ? (long) of.chainId() : 0L);
    target.put("chain_version", (long) of.chainVersion());
    if (!of.store().isOffline()) {
      String state = known == null ? "unknown" : known.state().name().toLowerCase(Locale.ROOT);
      target.put("state", member ? state : "spare");
    }
    target.put("local_state", of.localState().name().toLowerCase(Locale.ROOT));
    target.put("disk", (long) targets.diskOf(of.targetId()));
    target.put("whole", of.store().isWhole());
    ChainCounters counted = of.counters();
    target.put("copy_slots", (long) counted.slotsToCompare);
    target.put("copy_slots_done", (long) counted.slotsCompared);
    target.put("copied_chunks", counted.chunksCopied);
    target.put("copied_bytes", counted.bytesCopied);
    target.put("copy_removed_chunks", counted.chunksRemoved);
    return target;
  }

  /** Of all targets, what only rises. */
  private Map<String, Long> sums() {
    Map<String, Long> sums = new TreeMap<>();
    for (ChainTarget target : host.chains().targets()) {
      ChainCounters of = target.counters();
      sums.merge("chain_forwards", of.forwards, Long::sum);
      sums.merge("chain_forward_retries", of.forwardRetries, Long::sum);
      sums.merge("chain_forwards_stale", of.staleForwards, Long::sum);
      sums.merge("chain_forwards_whole", of.wholeForwards, Long::sum);
      sums.merge("chain_tail_queries", of.tailQueries, Long::sum);
      sums.merge("chain_updates_repeated", of.repeatedBySession, Long::sum);
      sums.merge("chain_reads_queued", of.readsQueued, Long::sum);
      sums.merge("chain_settled", of.settled, Long::sum);
      sums.merge("chain_rolled_back", of.rolledBack, Long::sum);
      sums.merge("chain_left", of.left, Long::sum);
      sums.merge("chain_repairs", of.repairs, Long::sum);
      sums.merge("chain_repair_failures", of.repairFailures, Long::sum);
      sums.merge("chain_copy_retries", of.copyRetries, Long::sum);
    }
    return sums;
  }
}
