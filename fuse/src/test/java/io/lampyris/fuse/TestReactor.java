package io.lampyris.fuse;

import io.lampyris.fuse.requests.RequestAgent;
import io.lampyris.reactor.Reactor;
import java.util.ArrayList;
import java.util.List;

/** A reactor that answers reads of mounts, as the one of a data path does. */
final class TestReactor implements AutoCloseable {
  private final List<RequestAgent> agents = new ArrayList<>();
  private final Reactor reactor =
      Reactor.builder("data")
          .agent(on -> {
            RequestAgent made = new RequestAgent(on);
            agents.add(made);
            return made;
          })
          .start();

  RequestAgent agent() {
    return agents.getFirst();
  }

  void run(Runnable task) {
    reactor.offer(nowNs -> task.run());
  }

  @Override
  public void close() {
    reactor.close();
  }
}
