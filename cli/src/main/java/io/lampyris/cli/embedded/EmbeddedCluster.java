package io.lampyris.cli.embedded;

import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.instance.Preflight;
import io.lampyris.reactor.Counters;
import io.lampyris.reactor.IdlePolicy;
import io.lampyris.reactor.Reactor;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Every role of a cluster in this JVM, between start and stop. */
public final class EmbeddedCluster implements AutoCloseable {
  private final Preflight.Plan plan;
  private final Parts parts = new Parts();
  private final Counters counters = new Counters();
  private final long startedNs = System.nanoTime();

  private EmbeddedCluster(Preflight.Plan plan) {
    this.plan = plan;
  }

  /** Starts everything and returns when the mount answers. */
  static EmbeddedCluster start(Preflight.Plan plan) throws IOException, FailedException {
    EmbeddedCluster cluster = new EmbeddedCluster(plan);
    try {
      cluster.startParts();
      return cluster;
    } catch (IOException | FailedException | RuntimeException | Error e) {
      cluster.close();
      throw e;
    }
  }

  private void startParts() throws IOException, FailedException {
    reactor("data-0");
    reactor("meta");
    throw FailedException.of(
        "cannot mount", "no mount front end in this build", "a whole build", "wait for it");
  }

  private Reactor reactor(String name) {
    return parts.add(
        "reactor " + name, Reactor.builder(name).idle(idle()).counters(counters).start());
  }

  private IdlePolicy idle() {
    return switch (plan.configuration().idle()) {
      case BLOCK -> IdlePolicy.BLOCK;
      case BACKOFF -> IdlePolicy.BACKOFF;
      case SPIN -> IdlePolicy.SPIN;
    };
  }

  /** What {@code lampyris status} shows. */
  Map<String, Object> status() {
    Map<String, Object> status = new LinkedHashMap<>();
    status.put("health", "HEALTH_OK");
    status.put("reasons", List.of());
    status.put("running", true);
    status.put("dir", plan.dir().toString());
    status.put("mount", plan.mount().toString());
    status.put("pid", ProcessHandle.current().pid());
    status.put("uptime_s", (System.nanoTime() - startedNs) / 1_000_000_000L);
    status.put("resident_bytes", Memory.residentBytes());
    status.put("counters", new java.util.TreeMap<>(counters.snapshot()));
    return status;
  }

  @Override
  public void close() {
    parts.close();
  }
}
