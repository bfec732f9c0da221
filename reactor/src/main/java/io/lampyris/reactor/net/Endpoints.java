package io.lampyris.reactor.net;

import io.lampyris.protocol.Status;
import io.lampyris.reactor.Buffer;
import io.lampyris.reactor.Counter;
import io.lampyris.reactor.ReactorContext;
import org.agrona.collections.Long2ObjectHashMap;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The services that a process serves to others, by whatever way their calls come. Served and
 * withdrawn by any thread; what an endpoint counts is the networks' reactor's.
 */
public final class Endpoints {
  /** A service. */
  public static final class Endpoint {
    public final ReactorContext host;
    public final Service service;

    /** Admitted and not answered. Owner: the networks' reactor. */
    public int inFlight;

    private Endpoint(ReactorContext host, Service service) {
      this.host = host;
      this.service =
          call -> {
            if (call.deadlineNs > host.nowNs()) {
              service.onCall(call);
            } else {
              // It waited for its payload, or in its host's inbox: nobody waits for it any more.
              if (call instanceof Arrived arrived) {
                arrived.isLate = true;
              }
              call.reply(Status.TIMEOUT.code());
            }
          };
    }
  }

  /** A call that came over a network, on its way to a service and back. */
  public abstract static class Arrived extends Call {
    private static final int MESSAGE_BYTES = 1024;
    private static final Service NOBODY = call -> call.reply(Status.UNREACHABLE.code());
    private static final Service BUSY = call -> call.reply(Status.BUSY.code());

    /** The memory of its payload; goes back with {@link #release}. */
    public @Nullable Buffer buffer;

    private @Nullable Endpoint endpoint;
    private boolean isLate;

    protected Arrived(ReactorContext home) {
      super(home, MESSAGE_BYTES, MESSAGE_BYTES);
    }

    /** Makes room for a message and its answer; allocates only for one larger than all before. */
    protected final void reserve(int requestBytes, int replyBytes) {
      reserve(request, requestBytes);
      reserve(reply, replyBytes);
    }

    private static void reserve(UnsafeBuffer buffer, int sizeBytes) {
      if (buffer.capacity() < sizeBytes) {
        buffer.wrap(new byte[sizeBytes]);
      }
    }

    /** It takes up one of the endpoint's places. */
    public final void admitted(Endpoint to) {
      to.inFlight++;
      endpoint = to;
    }

    /** The service that it was admitted to. */
    public final Endpoint endpoint() {
      Endpoint to = endpoint;
      assert to != null : "what was admitted has an endpoint";
      return to;
    }

    /** Gives it to its service. */
    public final void dispatch() {
      Endpoint to = endpoint();
      sending(to.service);
      if (to.host.inReactor()) {
        arrive();
      } else {
        to.host.offer(this);
      }
    }

    /** Answers it that nobody serves here what it is for. */
    public final void refuseUnknown() {
      sending(NOBODY);
      arrive();
    }

    /** Answers it that too much is under way. */
    public final void refuseBusy() {
      sending(BUSY);
      arrive();
    }

    /** It is answered, or will not be: its place is free. */
    public final void left(Counter late) {
      Endpoint from = endpoint;
      endpoint = null;
      if (from != null) {
        from.inFlight--;
      }
      if (isLate) {
        isLate = false;
        late.increment();
      }
    }

    /** Its payload's memory is not needed any more. */
    public final void release() {
      Buffer held = buffer;
      if (held != null) {
        buffer = null;
        held.release();
      }
    }
  }

  private volatile Long2ObjectHashMap<Endpoint> all = new Long2ObjectHashMap<>();

  /**
   * Adds a service.
   *
   * @throws IllegalStateException when the node serves it already
   */
  public synchronized void serve(int nodeId, int serviceId, ReactorContext host, Service service) {
    Long2ObjectHashMap<Endpoint> grown = new Long2ObjectHashMap<>(all);
    if (grown.put(key(nodeId, serviceId), new Endpoint(host, service)) != null) {
      throw new IllegalStateException(
          "service %d of node %d is served already".formatted(serviceId, nodeId));
    }
    all = grown;
  }

  /** Takes a service back. */
  public synchronized void withdraw(int nodeId, int serviceId) {
    Long2ObjectHashMap<Endpoint> shrunk = new Long2ObjectHashMap<>(all);
    shrunk.remove(key(nodeId, serviceId));
    all = shrunk;
  }

  /** Null when nobody serves it. Any thread. */
  public @Nullable Endpoint find(int nodeId, int serviceId) {
    return all.get(key(nodeId, serviceId));
  }

  private static long key(int nodeId, int serviceId) {
    return (long) nodeId << 32 | serviceId;
  }
}
