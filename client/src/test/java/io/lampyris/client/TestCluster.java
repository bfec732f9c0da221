package io.lampyris.client;

import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Routing.Chain;
import io.lampyris.protocol.Routing.ChainTable;
import io.lampyris.protocol.Routing.Target;
import io.lampyris.protocol.Routing.TargetState;
import io.lampyris.protocol.Services;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.net.LocalNetwork;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/** Storage and metadata on real reactors, and one client that can be replaced by another one. */
final class TestCluster implements AutoCloseable {
  static final int CHUNK_BYTES = 64 << 10;
  static final int CHAINS = 3;
  static final FileLayout LAYOUT = new FileLayout(CHUNK_BYTES, CHAINS, 1, 1, 1, 0);
  static final int CHAIN_VERSION = 7;

  /** Windows of two chunks, and so few of them that writers have to share. */
  static final ClientOptions OPTIONS =
      new ClientOptions(
          2 * CHUNK_BYTES,
          6,
          8,
          TimeUnit.SECONDS.toNanos(2),
          TimeUnit.MILLISECONDS.toNanos(100),
          TimeUnit.MILLISECONDS.toNanos(50));

  final LocalNetwork network = new LocalNetwork();
  final Reactor data;
  final Reactor metaReactor;
  final TestStorage storage;
  final TestMeta meta = new TestMeta(LAYOUT);
  final AtomicReference<Routing> routing = new AtomicReference<>(routing(CHAIN_VERSION));
  final ClientIdentity identity = ClientIdentity.random();
  ClientCounters counters = new ClientCounters();
  ReactorDataPath dataPath;
  BlockingFileSystem fs;

  TestCluster(long seed) {
    this(seed, OPTIONS, TimeUnit.SECONDS.toNanos(2));
  }

  TestCluster(long seed, ClientOptions options, long retryNs) {
    List<ReactorDataPath> made = new ArrayList<>();
    data =
        Reactor.builder("data-test")
            .agent(reactor -> {
              made.add(
                  new ReactorDataPath(
                      reactor,
                      network::connect,
                      RouteSource.of(routing::get),
                      identity,
                      counters,
                      DataPathOptions.EMBEDDED.withChecksums(true).withRetryNs(retryNs)));
              return made.getFirst();
            })
            .start();
    dataPath = made.getFirst();
    metaReactor = Reactor.builder("meta-test").start();
    storage = new TestStorage(data, CHAIN_VERSION, seed);
    network.serve(1, Services.STORAGE, data, storage);
    network.serve(1, Services.META, metaReactor, meta);
    fs = newFileSystem(dataPath, identity, options);
    fs.start();
  }

  static Routing routing(int chainVersion) {
    Map<Integer, Chain> chains = new HashMap<>();
    Map<Long, Target> targets = new HashMap<>();
    List<Integer> ids = new ArrayList<>();
    for (int i = 1; i <= CHAINS; i++) {
      chains.put(i, new Chain(i, chainVersion, List.of(100L + i)));
      targets.put(100L + i, new Target(100L + i, 1, TargetState.SERVING));
      ids.add(i);
    }
    return new Routing(chainVersion, Map.of(1, new ChainTable(1, 1, ids)), chains, targets);
  }

  private BlockingFileSystem newFileSystem(
      ReactorDataPath path, ClientIdentity identity, ClientOptions options) {
    return new BlockingFileSystem(
        path, network::connect, routing::get, 1, identity, counters, options);
  }

  /** Another client, as after a crash of the first one; not started, so that it can settle. */
  BlockingFileSystem successor() {
    return successor(ClientIdentity.random());
  }

  BlockingFileSystem successor(ClientIdentity identity) {
    ReactorDataPath path =
        new ReactorDataPath(
            data,
            network::connect,
            RouteSource.of(routing::get),
            identity,
            counters,
            DataPathOptions.EMBEDDED);
    return newFileSystem(path, identity, OPTIONS);
  }

  static byte[] name(String name) {
    return name.getBytes(StandardCharsets.ISO_8859_1);
  }

  /** Runs something on the data reactor and waits for it. */
  long onData(LongSupplier action) throws InterruptedException {
    AtomicLong result = new AtomicLong();
    CountDownLatch done = new CountDownLatch(1);
    data.offer(nowNs -> {
      result.set(action.getAsLong());
      done.countDown();
    });
    if (!done.await(30, TimeUnit.SECONDS)) {
      throw new AssertionError("the data reactor did not answer");
    }
    return result.get();
  }

  /** Waits until a condition holds. */
  static void await(String what, BooleanSupplier condition) throws InterruptedException {
    long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadlineNs) {
        throw new AssertionError("did not happen: " + what);
      }
      TimeUnit.MILLISECONDS.sleep(2);
    }
  }

  @Override
  public void close() {
    fs.close();
    data.close();
    metaReactor.close();
  }
}
