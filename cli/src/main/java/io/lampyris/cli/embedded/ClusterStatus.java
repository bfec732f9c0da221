package io.lampyris.cli.embedded;

import io.lampyris.chunkengine.recovery.OpenReport;
import io.lampyris.chunkengine.space.BadChunk;
import io.lampyris.chunkengine.space.SpaceReport;
import io.lampyris.chunkengine.store.MaintenanceReport;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.cli.base.Sizes;
import io.lampyris.cli.instance.Preflight;
import io.lampyris.client.ClientCounters;
import io.lampyris.fuse.FuseMount;
import io.lampyris.reactor.Counters;
import io.lampyris.reactor.Reactor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** How the cluster is, with coded reasons and what to do. Any thread. */
public final class ClusterStatus {
  private static final long ANSWER_MAX_S = 5;

  /** Chunks in quarantine that are named; the log names all. */
  private static final int NAMED_MAX = 3;

  private final Preflight.Plan plan;
  private final Counters counters;
  private final ClientCounters clientCounters;
  private final long startedNs = System.nanoTime();
  private volatile @Nullable Observed observed;

  private record Observed(Reactor reactor, List<TargetStore> stores, FuseMount mount) {}

  ClusterStatus(Preflight.Plan plan, Counters counters, ClientCounters clientCounters) {
    this.plan = plan;
    this.counters = counters;
    this.clientCounters = clientCounters;
  }

  /** The parts are there. */
  void observe(Reactor reactor, List<TargetStore> stores, FuseMount mount) {
    observed = new Observed(reactor, List.copyOf(stores), mount);
  }

  Map<String, Object> now() {
    List<String> errors = new ArrayList<>();
    List<String> warnings = new ArrayList<>();
    List<Map<String, Object>> targets = List.of();
    Observed parts = observed;
    if (parts == null) {
      errors.add("STARTING: not everything runs yet");
    } else {
      targets = targets(parts, errors);
      judge(targets, errors, warnings);
      if (!parts.mount.isServing()) {
        errors.add("MOUNT_LOST: somebody unmounted %s; start it again".formatted(plan.mount()));
      }
    }
    List<String> reasons = new ArrayList<>(errors);
    reasons.addAll(warnings);
    Map<String, Object> status = new LinkedHashMap<>();
    status.put(
        "health",
        !errors.isEmpty() ? "HEALTH_ERR" : !warnings.isEmpty() ? "HEALTH_WARN" : "HEALTH_OK");
    status.put("reasons", reasons);
    status.put("running", true);
    status.put("dir", plan.dir().toString());
    status.put("mount", plan.mount().toString());
    status.put("pid", ProcessHandle.current().pid());
    status.put("uptime_s", (System.nanoTime() - startedNs) / 1_000_000_000L);
    status.put("resident_bytes", Memory.residentBytes());
    status.put("targets", targets);
    status.put("counters", allCounters());
    return status;
  }

  /** Targets are their reactor's, so it is asked; that it answers is worth knowing too. */
  private List<Map<String, Object>> targets(Observed parts, List<String> errors) {
    CompletableFuture<List<Map<String, Object>>> answer = new CompletableFuture<>();
    parts.reactor.offer(
        nowNs -> answer.complete(parts.stores.stream().map(ClusterStatus::target).toList()));
    try {
      return answer.get(ANSWER_MAX_S, TimeUnit.SECONDS);
    } catch (TimeoutException | ExecutionException e) {
      errors.add(
          "REACTOR_STUCK: %s does not answer within %d s; see the log, then kill -9 %d and start"
                  .formatted(parts.reactor.name(), ANSWER_MAX_S, ProcessHandle.current().pid())
              + " it again");
      return List.of();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return List.of();
    }
  }

  /** A target by itself. Owner: its reactor. */
  public static Map<String, Object> target(TargetStore store) {
    long used = store.capacityBytes() - store.freeBytes();
    Map<String, Object> target = new LinkedHashMap<>();
    target.put("id", store.targetId());
    target.put("chain", store.chainId());
    target.put("state", store.isOffline() ? "offline" : "serving");
    target.put("size_bytes", store.capacityBytes());
    target.put("used_bytes", used);
    target.put("free_bytes", store.freeBytes());
    target.put("chunks", store.chunkCount());
    putSpace(target, store.space());
    target.put("copied_bytes", store.statistics().copiedBytes);
    target.put("corruptions", store.corruptions());
    target.put("read_errors", store.statistics().readErrors);
    target.put(
        "bad_chunks", store.quarantined(NAMED_MAX).stream().map(ClusterStatus::named).toList());
    putMaintenance(target, store.maintenance());
    target.put("durability", store.durability().toString());
    putOpening(target, store.openReport());
    target.put("in_flight", store.inFlight());
    target.put("device", store.deviceFile().toString());
    return target;
  }

  private static void putSpace(Map<String, Object> target, SpaceReport space) {
    target.put("space", space.level().name().toLowerCase(Locale.ROOT));
    target.put("extents", (long) space.extents());
    target.put("free_extents", (long) space.freeExtents());
    target.put("fragmented_bytes", space.fragmentedBytes());
    target.put("reserve_bytes", space.reserveBytes());
  }

  private static void putMaintenance(Map<String, Object> target, MaintenanceReport done) {
    target.put("quarantined_chunks", done.quarantinedChunks());
    target.put("scrub_passes", done.scrubPasses());
    target.put("scrubbed_bytes", done.scrubbedBytes());
    target.put("scrub_bad_units", done.scrubBadUnits());
    target.put("compacted_bytes", done.compactedBytes());
    target.put("emptied_extents", done.emptiedExtents());
    target.put("discarded_extents", done.discardedExtents());
  }

  /** What the last start found in the log. */
  private static void putOpening(Map<String, Object> target, OpenReport opening) {
    target.put("open_generations", (long) opening.generations());
    target.put("open_records", opening.records());
    target.put("open_journal_groups", (long) opening.journalGroups());
    target.put("open_redone_overwrites", (long) opening.redone());
    target.put("open_torn_records", opening.tornRecords());
    target.put("open_torn_bytes", opening.tornBytes());
  }

  private static String named(BadChunk bad) {
    return "inode %d chunk %s".formatted(bad.inode(), Integer.toUnsignedString(bad.chunkIndex()));
  }

  /** Adds a coded reason with its remedy for everything that is not as it should be. */
  public static void judge(
      List<Map<String, Object>> targets, List<String> errors, List<String> warnings) {
    for (Map<String, Object> target : targets) {
      Object id = target.get("id");
      if ("offline".equals(target.get("state"))) {
        errors.add("TARGET_OFFLINE: target %s; its device failed, see the log".formatted(id));
      }
      if (number(target, "corruptions") > 0) {
        warnings.add(
            "DATA_CORRUPTION: target %s gave wrong bytes %d times, they were not passed on; check"
                    .formatted(id, number(target, "corruptions"))
                + " the disk");
      }
      if (number(target, "read_errors") > 0) {
        warnings.add(
            "READ_ERROR: target %s could not read its device %d times, who asked was told so; check the disk under %s"
                .formatted(id, number(target, "read_errors"), target.get("device")));
      }
      judgeDurability(target, warnings);
      judgeQuarantine(target, warnings);
      judgeSpace(target, errors, warnings);
    }
  }

  private static void judgeDurability(Map<String, Object> target, List<String> warnings) {
    Object durability = target.get("durability");
    if (durability != null && !"strict".equals(durability)) {
      warnings.add(
          "DURABILITY: target %s acknowledges updates before they are on stable storage (%s), a power cut loses the last ones; set storage.durability to \"strict\" and start again"
              .formatted(target.get("id"), durability));
    }
  }

  private static void judgeQuarantine(Map<String, Object> target, List<String> warnings) {
    long chunks = number(target, "quarantined_chunks");
    if (chunks > 0) {
      warnings.add(
          "QUARANTINE: target %s has %d chunks with bad bytes, %s%s; reads of these bytes fail; replace or remove the files"
              .formatted(
                  target.get("id"),
                  chunks,
                  target.get("bad_chunks"),
                  chunks > NAMED_MAX ? " and others, see the log" : ""));
    }
  }

  private static void judgeSpace(
      Map<String, Object> target, List<String> errors, List<String> warnings) {
    String free = Sizes.human(number(target, "free_bytes"));
    if ("reject".equals(target.get("space"))) {
      errors.add(
          "SPACE_REJECT: target %s is full but for its reserve of %s, new data is refused; delete something"
              .formatted(target.get("id"), Sizes.human(number(target, "reserve_bytes"))));
    } else if ("low".equals(target.get("space"))) {
      warnings.add(
          "SPACE_LOW: target %s has %s left; delete something soon"
              .formatted(target.get("id"), free));
    }
  }

  private static long number(Map<String, Object> map, String key) {
    return map.get(key) instanceof Number value ? value.longValue() : 0;
  }

  private Map<String, Object> allCounters() {
    Map<String, Object> all = new TreeMap<>(counters.snapshot());
    all.putAll(ClientSide.figures(clientCounters.snapshot()));
    return all;
  }
}
