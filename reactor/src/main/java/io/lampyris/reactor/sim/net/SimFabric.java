package io.lampyris.reactor.sim.net;

import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.net.Service;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.Simulation;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What joins the machines of a simulation. Owner: the simulation's thread. */
public final class SimFabric {
  /** A service that is served now. */
  record Endpoint(SimNetwork network, ReactorContext host, Service service) {}

  /** What went over it. */
  public static final class Statistics {
    public long requests;
    public long answers;
    public long lost;
    public long ended;

    /** Requests that were carried out after their connection had ended. */
    public long late;

    public long flipped;
    public long held;
  }

  /** Nothing that gets through takes longer, however slow and late. */
  private static final long LATENCY_LIMIT_NS = 800_000_000;

  private final Simulation simulation;
  private final Prng prng;
  private final NetworkFaults faults;
  private final Statistics statistics = new Statistics();
  private final Map<Long, Endpoint> endpoints = new HashMap<>();
  private final Map<Integer, Integer> machines = new HashMap<>();
  private final Set<Long> blocked = new HashSet<>();
  private final Map<Long, Integer> slow = new HashMap<>();

  /** All that live, in the order of their making. */
  private final List<SimNetwork> networks = new ArrayList<>();

  public SimFabric(Simulation simulation, NetworkFaults faults) {
    this.simulation = simulation;
    this.prng = simulation.prng().split();
    this.faults = faults;
  }

  Simulation simulation() {
    return simulation;
  }

  Prng prng() {
    return prng;
  }

  public NetworkFaults faults() {
    return faults;
  }

  public Statistics statistics() {
    return statistics;
  }

  /** Where a node lives, whether or not it is up. */
  public void place(int nodeId, int machine) {
    machines.put(nodeId, machine);
  }

  /** Nothing gets from one machine to another, this way; it may the other. */
  public void block(int from, int to) {
    if (from != to) {
      blocked.add(key(from, to));
    }
  }

  public void unblock(int from, int to) {
    blocked.remove(key(from, to));
  }

  /** Everybody reaches everybody. */
  public void unblockAll() {
    blocked.clear();
    slow.clear();
  }

  /** What one machine sends to another takes so many times longer. */
  public void slow(int from, int to, int factor) {
    slow.put(key(from, to), factor);
  }

  boolean isBlocked(int from, int to) {
    return blocked.contains(key(from, to));
  }

  long latencyNs(int from, int to, long sizeBytes) {
    long usual = faults.latencyMinNs + prng.below(faults.latencyMaxNs - faults.latencyMinNs + 1);
    if (prng.oneIn(faults.stragglerOneIn)) {
      usual *= 1 + prng.below(100);
    }
    int factor = slow.isEmpty() ? 1 : slow.getOrDefault(key(from, to), 1);
    return Math.min(LATENCY_LIMIT_NS, (usual + (long) (sizeBytes * faults.nsPerByte)) * factor);
  }

  void add(SimNetwork network) {
    networks.add(network);
  }

  /** A process ends: its services and its connections do too. */
  void remove(SimNetwork network) {
    networks.remove(network);
    endpoints.values().removeIf(endpoint -> endpoint.network == network);
    for (SimNetwork other : List.copyOf(networks)) {
      other.onPeerEnded(network);
    }
  }

  void serve(int nodeId, int serviceId, Endpoint endpoint) {
    Endpoint old = endpoints.putIfAbsent(key(nodeId, serviceId), endpoint);
    if (old != null) {
      throw new IllegalStateException(
          "service %d of node %d is served already".formatted(serviceId, nodeId));
    }
    machines.put(nodeId, endpoint.network.machine());
  }

  void withdraw(int nodeId, int serviceId) {
    endpoints.remove(key(nodeId, serviceId));
  }

  @Nullable Endpoint endpoint(int nodeId, int serviceId) {
    return endpoints.get(key(nodeId, serviceId));
  }

  /** The process that takes connections for a node now. */
  @Nullable SimNetwork listening(int nodeId) {
    Integer machine = machines.get(nodeId);
    if (machine == null) {
      return null;
    }
    for (SimNetwork network : networks) {
      if (network.machine() == machine) {
        return network;
      }
    }
    return null;
  }

  int machineOf(int nodeId) {
    return machines.getOrDefault(nodeId, -1);
  }

  private static long key(int high, int low) {
    return (long) high << 32 | (low & 0xFFFF_FFFFL);
  }
}
