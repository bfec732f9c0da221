package io.lampyris.cli.cluster;

import io.lampyris.cli.cluster.ClusterFile.Endpoint;
import io.lampyris.protocol.Routing;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where nodes are, for a {@code TcpNetwork}: what a file names, and what routing says of the others
 * and changes while it runs. Names are resolved on a thread of its own, as reactors must not wait
 * for a resolver; until that is done, a node is not known to be anywhere. Any thread.
 */
public final class Addresses implements IntFunction<@Nullable InetSocketAddress>, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Addresses.class);

  /** After a name could not be resolved, it is tried again when asked for, not before this. */
  private static final long AGAIN_NS = TimeUnit.SECONDS.toNanos(1);

  private static final class Entry {
    final Endpoint endpoint;
    volatile @Nullable InetSocketAddress resolved;
    volatile long triedNs;

    Entry(Endpoint endpoint) {
      this.endpoint = endpoint;
    }
  }

  private final Map<Integer, Entry> entries = new ConcurrentHashMap<>();
  private final Map<Integer, Endpoint> named;
  private volatile IntConsumer listener = node -> {};
  private final ExecutorService resolver =
      Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().name("resolver").factory());

  /**
   * @param named what routing does not change; resolved before this returns, where it can be
   */
  public Addresses(Map<Integer, Endpoint> named) {
    this.named = Map.copyOf(named);
    named.forEach((node, endpoint) -> {
      Entry entry = new Entry(endpoint);
      entries.put(node, entry);
      resolve(entry);
    });
  }

  /** There is newer routing. */
  public void onRouting(Routing routing) {
    for (Routing.Node node : routing.nodes().values()) {
      Endpoint endpoint = Endpoint.parse(node.address());
      Entry known = entries.get(node.id());
      boolean same = known != null && known.endpoint.equals(endpoint);
      if (endpoint != null && !same && !named.containsKey(node.id())) {
        Entry entry = new Entry(endpoint);
        entries.put(node.id(), entry);
        resolver.execute(() -> moved(node.id(), entry));
        LOG.info("node {} is at {}", node.id(), endpoint);
      }
    }
  }

  /** Who is told of a node that is somewhere else than before. */
  public void onMove(IntConsumer told) {
    listener = told;
  }

  private void moved(int node, Entry entry) {
    resolve(entry);
    listener.accept(node);
  }

  private static void resolve(Entry entry) {
    entry.triedNs = System.nanoTime();
    InetSocketAddress found = entry.endpoint.resolved();
    if (!found.isUnresolved()) {
      entry.resolved = found;
    }
  }

  @Override
  public @Nullable InetSocketAddress apply(int node) {
    Entry entry = entries.get(node);
    if (entry == null) {
      return null;
    }
    InetSocketAddress known = entry.resolved;
    if (known == null && System.nanoTime() - entry.triedNs > AGAIN_NS) {
      entry.triedNs = System.nanoTime();
      resolver.execute(() -> resolve(entry));
    }
    return known;
  }

  @Override
  public void close() {
    resolver.shutdownNow();
  }
}
