package io.lampyris.fuse.requests;

import io.lampyris.reactor.Agent;
import io.lampyris.reactor.Reactor;
import java.util.ArrayList;
import java.util.List;

/** Takes the requests of a process's mounts on a reactor, that of its data path. Owner: reactor. */
public final class RequestAgent implements Agent {
  private final Reactor reactor;
  private final List<RequestQueue> queues = new ArrayList<>();

  /** For a reactor's builder; behind the data path. */
  public RequestAgent(Reactor reactor) {
    this.reactor = reactor;
  }

  /**
   * Begins to take requests; the reactor runs. Any thread but the reactor's.
   *
   * @param fd of /dev/fuse, mounted; stays the caller's, who closes it when the queue is quiet
   * @param requests how many may be under way
   * @param threads how many take what the handler does not
   */
  public RequestQueue serve(int fd, int requests, int threads, RequestHandler handler) {
    RequestQueue queue = new RequestQueue(reactor, fd, requests, threads, handler);
    reactor.offer(nowNs -> queues.add(queue));
    return queue;
  }

  @Override
  public String roleName() {
    return "mount";
  }

  @Override
  public int doWork(long nowNs) {
    int work = 0;
    for (int i = queues.size() - 1; i >= 0; i--) {
      RequestQueue queue = queues.get(i);
      work += queue.poll(nowNs);
      if (queue.tellIfQuiet()) {
        queues.remove(i);
      }
    }
    return work;
  }

  @Override
  public boolean mayBlock(long nowNs) {
    boolean may = true;
    for (int i = 0; i < queues.size(); i++) {
      may &= queues.get(i).mayBlock();
    }
    return may;
  }
}
