package io.lampyris.mgmtd.service;

import io.lampyris.protocol.cluster.RoutingQuery;
import java.util.SortedMap;
import java.util.TreeMap;

/** Who follows routing. Owner: the manager's reactor. */
final class ClientList {
  /** A client, as it was when it last asked. */
  record Client(String id, String name, long knownVersion, long askedNs) {}

  /** More are not listed; they are served all the same. */
  private static final int CLIENTS_MAX = 100_000;

  private final SortedMap<String, Client> clients = new TreeMap<>();

  void heard(RoutingQuery query, long nowNs) {
    String id = "%016x%016x".formatted(query.clientHigh(), query.clientLow());
    if (clients.size() < CLIENTS_MAX || clients.containsKey(id)) {
      clients.put(id, new Client(id, query.name(), query.knownVersion(), nowNs));
    }
  }

  void expire(long beforeNs) {
    clients.values().removeIf(client -> client.askedNs() < beforeNs);
  }

  SortedMap<String, Client> byId() {
    return clients;
  }
}
