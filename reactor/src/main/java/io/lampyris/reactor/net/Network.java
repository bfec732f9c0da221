package io.lampyris.reactor.net;

import io.lampyris.reactor.ReactorContext;

/**
 * How calls reach services: the seam between a node and the world. Any thread.
 *
 * <p>{@link LocalNetwork} stays inside one JVM. What every implementation promises is the
 * conformance suite's business: package-info I1 … I5.
 */
public interface Network {
  /**
   * Makes a service reachable; it is called on its host reactor alone.
   *
   * @throws IllegalStateException when the node serves it already
   */
  void serve(int nodeId, int serviceId, ReactorContext host, Service service);

  /** Takes a service back; later calls are answered UNREACHABLE. */
  void withdraw(int nodeId, int serviceId);

  /** A connection; the service may appear later, disappear, and appear again. */
  Connection connect(int nodeId, int serviceId);
}
