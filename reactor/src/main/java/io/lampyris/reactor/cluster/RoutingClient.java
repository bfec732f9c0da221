package io.lampyris.reactor.cluster;

import io.lampyris.protocol.Routing;
import io.lampyris.protocol.cluster.RoutingQuery;
import io.lampyris.reactor.Agent;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.TimerTask;
import io.lampyris.reactor.net.Network;
import io.lampyris.reactor.sim.Prng;
import java.util.List;
import java.util.function.Consumer;

/**
 * A client's routing: polled at intervals that differ from client to client, and at once when an
 * answer said that it is stale. Owner: reactor, but for {@link #routing}.
 */
public final class RoutingClient implements Agent {
  /**
   * @param managers the node ids of all managers
   * @param pollNs how often it asks, in the mean
   * @param name for people: host and process
   * @param seed of the jitter
   */
  public record Options(
      List<Integer> managers,
      long pollNs,
      long timeoutNs,
      long clientHigh,
      long clientLow,
      String name,
      long seed) {
    public Options {
      managers = List.copyOf(managers);
    }
  }

  /** After a stale answer it is asked no more often than this. */
  private static final long REFRESH_MIN_NS = 5_000_000;

  private final ReactorContext context;
  private final Options options;
  private final Consumer<Routing> listener;
  private final Prng random;
  private final RoutingFollower follower = new RoutingFollower();
  private final RoutingFetch fetch;
  private final TimerTask onTimer = this::onTimer;
  private volatile Routing published = Routing.EMPTY;
  private long timer;
  private long timerAtNs = Long.MAX_VALUE;
  private long askedNs;
  private boolean again;
  private boolean closed;

  /**
   * @param listener is told on the reactor of every newer routing
   */
  public RoutingClient(
      ReactorContext context, Network network, Options options, Consumer<Routing> listener) {
    this.context = context;
    this.options = options;
    this.listener = listener;
    random = new Prng(options.seed());
    RoutingQuery self =
        new RoutingQuery(0, 0, options.clientHigh(), options.clientLow(), options.name());
    Managers managers = new Managers(network, options.managers());
    fetch =
        new RoutingFetch(context, managers, follower, self, options.timeoutNs(), new OnFetched());
  }

  @Override
  public String roleName() {
    return "routing-client";
  }

  @Override
  public void onStart() {
    ask(context.nowNs());
  }

  @Override
  public int doWork(long nowNs) {
    return 0;
  }

  /** The newest routing that is known; version 0 before there is any. Any thread. */
  public Routing routing() {
    return published;
  }

  /** What is known has proved stale: asks soon, unless something newer than that has come. */
  public void refresh(long staleVersion) {
    if (closed || published.version() > staleVersion) {
      return;
    }
    if (fetch.isUnderWay()) {
      again = true;
    } else {
      askAt(Math.max(context.nowNs(), askedNs + REFRESH_MIN_NS));
    }
  }

  @Override
  public void onClose() {
    if (!closed) {
      closed = true;
      fetch.close();
      if (timerAtNs != Long.MAX_VALUE) {
        context.timers().cancel(timer);
      }
    }
  }

  private void onTimer(long nowNs) {
    timerAtNs = Long.MAX_VALUE;
    ask(nowNs);
  }

  private void askAt(long atNs) {
    if (timerAtNs <= atNs) {
      return;
    }
    if (timerAtNs != Long.MAX_VALUE) {
      context.timers().cancel(timer);
    }
    timerAtNs = atNs;
    timer = context.timers().schedule(atNs, onTimer);
  }

  private void ask(long nowNs) {
    if (!closed && !fetch.isUnderWay()) {
      askedNs = nowNs;
      again = false;
      fetch.ask();
    }
  }

  /** Three quarters to five quarters of the interval. */
  private long pause() {
    return options.pollNs() * 3 / 4 + random.below(options.pollNs() / 2 + 1);
  }

  private final class OnFetched implements RoutingFetch.Listener {
    @Override
    public void onRouting() {
      published = follower.routing();
      listener.accept(published);
    }

    @Override
    public void onDone(boolean answered) {
      boolean soon = again || !answered || follower.knownVersion() == 0;
      askAt(context.nowNs() + (soon ? Math.max(REFRESH_MIN_NS, pause() / 16) : pause()));
    }
  }
}
