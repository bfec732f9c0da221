package io.lampyris.reactor.sim.net;

import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Connection;
import io.lampyris.reactor.net.Network;
import io.lampyris.reactor.net.Service;
import io.lampyris.reactor.sim.SimReactor;
import java.util.Map;
import java.util.TreeMap;

/** One process's side of a {@link SimFabric}. Owner: the simulation's thread. */
public final class SimNetwork implements Network, AutoCloseable {
  private final SimFabric fabric;
  private final int machine;
  private final SimReactor reactor;
  private final Map<Integer, Line> lines = new TreeMap<>();
  private boolean closed;
  private boolean silent;

  /**
   * @param machine who shares its partitions; one process of it takes connections
   * @param reactor where calls come from and arrive
   */
  public SimNetwork(SimFabric fabric, int machine, SimReactor reactor) {
    this.fabric = fabric;
    this.machine = machine;
    this.reactor = reactor;
    fabric.add(this);
  }

  @Override
  public void serve(int nodeId, int serviceId, ReactorContext host, Service service) {
    fabric.serve(nodeId, serviceId, new SimFabric.Endpoint(this, host, service));
  }

  @Override
  public void withdraw(int nodeId, int serviceId) {
    fabric.withdraw(nodeId, serviceId);
  }

  @Override
  public Connection connect(int nodeId, int serviceId) {
    Line line = lines.computeIfAbsent(nodeId, id -> new Line(fabric, this, id));
    return new Connection() {
      @Override
      public void send(Call call) {
        line.submit(call, serviceId);
      }

      @Override
      public void cancel(Call call) {
        line.cancel(call);
      }
    };
  }

  public int machine() {
    return machine;
  }

  SimReactor reactor() {
    return reactor;
  }

  boolean isClosed() {
    return closed;
  }

  /** Whether nobody was told that it ended. */
  boolean isSilent() {
    return silent;
  }

  void onPeerEnded(SimNetwork peer) {
    lines.values().forEach(line -> line.onPeerEnded(peer));
  }

  /** The process ends, and its machine tells its peers. Its calls are not answered any more. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      fabric.remove(this);
    }
  }

  /** The machine ends: peers hear nothing more. */
  public void powerCut() {
    silent = true;
    close();
  }
}
