package io.lampyris.reactor.net;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.reactor.Reactor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** What a network between real reactors and threads promises. */
public abstract class NetworkConformance extends NetworkPromises {
  protected Reactor server;
  protected Reactor home;

  /** Makes the networks; the reactors run. */
  protected abstract void open() throws Exception;

  /** Ends the networks; the reactors still run. */
  protected abstract void shut();

  @BeforeEach
  void start() throws Exception {
    server = Reactor.builder("server").start();
    home = Reactor.builder("home").start();
    open();
  }

  @AfterEach
  void stop() {
    shut();
    home.close();
    server.close();
  }

  @Override
  protected final Reactor server() {
    return server;
  }

  @Override
  protected final Reactor home() {
    return home;
  }

  /** A machine that does other work too may take long; it does not stand still. */
  @Override
  protected final void await(CountDownLatch done) throws InterruptedException {
    long left = done.getCount();
    while (!done.await(30, TimeUnit.SECONDS)) {
      assertTrue(done.getCount() < left, "nothing came in 30 s; left: " + left);
      left = done.getCount();
    }
  }

  @Override
  protected final void concurrently(int times, IntConsumer work) throws InterruptedException {
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < times; t++) {
      int number = t;
      threads.add(Thread.ofPlatform().start(() -> work.accept(number)));
    }
    for (Thread thread : threads) {
      thread.join();
    }
  }
}
