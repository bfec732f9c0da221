package io.lampyris.cli.sim;

import io.lampyris.mgmtd.service.MgmtdOptions;
import io.lampyris.mgmtd.service.MgmtdService;
import io.lampyris.protocol.Services;
import io.lampyris.reactor.BufferPool.SizeClass;
import io.lampyris.reactor.kv.Kv;
import io.lampyris.reactor.sim.SimClock;
import io.lampyris.reactor.sim.SimReactor;
import io.lampyris.reactor.sim.net.SimNetwork;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A machine with a cluster manager. All managers share a store, which outlives every one. */
final class ManagerMachine extends Machine {
  private static final List<SizeClass> BUFFERS = List.of(new SizeClass(64 << 10, 8));

  private final Kv store;
  private final MgmtdOptions options;
  private @Nullable MgmtdService service;

  ManagerMachine(ClusterRun run, int nodeId, SimClock clock, Kv store, MgmtdOptions options) {
    super(run, nodeId, clock);
    this.store = store;
    this.options = options;
  }

  /** Whether it may decide now. */
  boolean isPrimary() {
    MgmtdService now = service;
    return now != null && !isStopped() && now.isPrimary();
  }

  /** Whether it has decided, as the primary, that a target does not serve. */
  boolean hasDropped(long targetId) {
    MgmtdService now = service;
    return now != null && isPrimary() && now.hasDropped(targetId);
  }

  @Override
  String name() {
    return "mgmtd-" + nodeId;
  }

  @Override
  List<SizeClass> buffers() {
    return BUFFERS;
  }

  @Override
  void start(SimReactor on, SimNetwork joined) {
    MgmtdService made = new MgmtdService(on, new ManagerStore(store, power), options);
    joined.serve(nodeId, Services.MGMTD, on, made);
    on.add(made);
    service = made;
  }

  @Override
  void closeProcess() {
    service = null;
  }
}
