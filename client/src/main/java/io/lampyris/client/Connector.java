package io.lampyris.client;

import io.lampyris.reactor.net.Connection;

/** How this client reaches services: a network's {@code connect}. Any thread. */
public interface Connector {
  /** A connection, whether or not the service is there yet. */
  Connection connect(int nodeId, int serviceId);
}
