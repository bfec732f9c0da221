package io.lampyris.cli.cluster;

import io.lampyris.chunkengine.chain.ChainService;
import io.lampyris.chunkengine.chain.ChainTarget;
import io.lampyris.chunkengine.chain.ServingRight;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.protocol.LocalState;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Routing.TargetState;
import io.lampyris.protocol.cluster.TargetReport;
import io.lampyris.reactor.Agent;
import io.lampyris.reactor.cluster.NodeAgent;
import io.lampyris.reactor.cluster.NodeHost;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Between a node's chains and its agent: the agent is told how the targets are, at once when that
 * changes, and the chains hear of routing and orders. Owner: reactor.
 */
final class StorageHost implements NodeHost, Agent, ServingRight {
  private final StorageTargets targets;
  private final Addresses addresses;
  private @Nullable ChainService chains;
  private @Nullable NodeAgent agent;
  private Routing routing = Routing.EMPTY;
  private long told;
  private boolean stopping;

  /** The manager has taken the node out of the cluster. Read by other threads too. */
  private volatile boolean left;

  StorageHost(StorageTargets targets, Addresses addresses) {
    this.targets = targets;
    this.addresses = addresses;
  }

  /** Before the reactor runs. */
  void with(ChainService of, NodeAgent by) {
    chains = of;
    agent = by;
  }

  ChainService chains() {
    ChainService present = chains;
    assert present != null : "it was made before the reactor ran";
    return present;
  }

  private NodeAgent agent() {
    NodeAgent present = agent;
    assert present != null : "it was made before the reactor ran";
    return present;
  }

  // ---- what the chains ask ----

  @Override
  public boolean mayServe(long bootNs, long targetId) {
    return agent().mayServe(bootNs, targetId);
  }

  // ---- what the agent asks and says ----

  @Override
  public List<TargetReport> targets() {
    List<TargetReport> reports = new ArrayList<>();
    for (ChainTarget target : chains().targets()) {
      TargetReport report = report(target);
      // One that has been dropped could be brought in again, and would be missed when this ends.
      reports.add(stopping ? report.asOffline() : report);
    }
    return reports;
  }

  private TargetReport report(ChainTarget target) {
    TargetStore store = target.store();
    return new TargetReport(
        target.targetId(),
        store.storeId(),
        targets.diskOf(target.targetId()),
        target.localState(),
        store.isWhole(),
        target.chainVersion(),
        store.capacityBytes(),
        store.capacityBytes() - store.freeBytes());
  }

  @Override
  public void onRouting(Routing newer) {
    routing = newer;
    addresses.onRouting(newer);
    chains().onRouting(newer);
    if (stopping) {
      stop();
    }
  }

  @Override
  public void onWhole(long targetId, long storeId) {
    for (ChainTarget target : chains().targets()) {
      if (target.targetId() == targetId && target.store().storeId() == storeId) {
        target.store().markWhole();
      }
    }
  }

  @Override
  public void onStop(long targetId) {
    chains().stop(targetId);
  }

  @Override
  public void onLeave() {
    left = true;
  }

  boolean hasLeft() {
    return left;
  }

  // ---- changes ----

  @Override
  public String roleName() {
    return "storage-host";
  }

  @Override
  public int doWork(long nowNs) {
    long now = summary();
    if (now == told) {
      return 0;
    }
    told = now;
    agent().report();
    return 1;
  }

  /** Of what the manager should know at once. */
  private long summary() {
    long sum = 1;
    List<ChainTarget> all = chains().targets();
    for (int i = 0; i < all.size(); i++) {
      ChainTarget target = all.get(i);
      LocalState state = target.localState();
      sum = sum * 31 + state.number() * 2L + (target.store().isWhole() ? 1 : 0);
      sum = sum * 31 + (state == LocalState.UP_TO_DATE ? target.chainVersion() : 0);
    }
    return sum;
  }

  // ---- the end ----

  /** All targets leave their chains. */
  void stop() {
    boolean news = !stopping;
    stopping = true;
    chains().targets().forEach(ChainTarget::stop);
    if (news) {
      agent().report();
    }
  }

  /** Whether no chain counts on this node any more, and nothing is under way. */
  boolean isStopped() {
    for (ChainTarget target : chains().targets()) {
      Routing.Target known = routing.targets().get(target.targetId());
      TargetState state = known == null ? TargetState.OFFLINE : known.state();
      if (state == TargetState.SERVING || state == TargetState.SYNCING) {
        return false;
      }
    }
    return chains().inFlight() == 0;
  }

  Routing routing() {
    return routing;
  }

  /** Why the manager does not take the node; empty when it does. */
  String refusal() {
    return agent().refusal();
  }

  long leaseLeftNs() {
    return agent().leaseLeftNs();
  }
}
