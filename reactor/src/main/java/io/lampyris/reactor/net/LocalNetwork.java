package io.lampyris.reactor.net;

import io.lampyris.protocol.Status;
import io.lampyris.reactor.ReactorContext;
import java.util.concurrent.ConcurrentHashMap;

/** The services of this JVM. Any thread. */
public final class LocalNetwork implements Network {
  private record Endpoint(ReactorContext host, Service service) {}

  private static final Service NOBODY = call -> call.reply(Status.UNREACHABLE.code());

  private final ConcurrentHashMap<Long, Endpoint> endpoints = new ConcurrentHashMap<>();

  @Override
  public void serve(int nodeId, int serviceId, ReactorContext host, Service service) {
    Endpoint old = endpoints.putIfAbsent(key(nodeId, serviceId), new Endpoint(host, service));
    if (old != null) {
      throw new IllegalStateException(
          "service %d of node %d is served already".formatted(serviceId, nodeId));
    }
  }

  @Override
  public void withdraw(int nodeId, int serviceId) {
    endpoints.remove(key(nodeId, serviceId));
  }

  @Override
  public Connection connect(int nodeId, int serviceId) {
    Long key = key(nodeId, serviceId);
    return call -> send(endpoints.get(key), call);
  }

  private static void send(@org.jspecify.annotations.Nullable Endpoint endpoint, Call call) {
    if (endpoint == null) {
      call.sending(NOBODY);
      call.arrive();
    } else if (endpoint.host.inReactor()) {
      call.sending(endpoint.service);
      call.arrive();
    } else {
      call.sending(endpoint.service);
      endpoint.host.offer(call);
    }
  }

  private static long key(int nodeId, int serviceId) {
    return (long) nodeId << 32 | serviceId;
  }
}
