package io.lampyris.reactor.cluster;

import io.lampyris.protocol.Routing;
import io.lampyris.protocol.cluster.TargetReport;
import java.util.List;

/** The storage process around a {@link NodeAgent}. Called on the agent's reactor. */
public interface NodeHost {
  /** How all targets of this node are now; asked before every heartbeat. */
  List<TargetReport> targets();

  /** There is newer routing; {@code mayServe} goes by it from now on. */
  void onRouting(Routing routing);

  /** A store counts as whole: to be made durable, then reported. Comes again until it is. */
  void onWhole(long targetId, long storeId);

  /** A target is asked to stop: to be reported OFFLINE once it serves no more. Comes again. */
  void onStop(long targetId);

  /** The node was taken out of the cluster: its process is to end. Comes again. */
  default void onLeave() {}

  /** The cluster's configuration has this version; told when it changes. */
  default void onConfigVersion(long version) {}
}
