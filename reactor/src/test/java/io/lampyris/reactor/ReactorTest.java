package io.lampyris.reactor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(60)
class ReactorTest {
  @ParameterizedTest
  @EnumSource(IdlePolicy.class)
  void tasksOfManyThreadsRunOnceEachAndInTheOrderOfTheirThread(IdlePolicy policy) throws Exception {
    int threads = 4;
    int tasks = 20_000;
    AtomicLong[] next = new AtomicLong[threads];
    CountDownLatch done = new CountDownLatch(threads * tasks);
    List<Thread> producers = new ArrayList<>();
    try (Reactor reactor = Reactor.builder("test").idle(policy).start()) {
      for (int t = 0; t < threads; t++) {
        AtomicLong expected = new AtomicLong();
        next[t] = expected;
        producers.add(
            Thread.ofPlatform()
                .start(() -> {
                  for (int i = 0; i < tasks; i++) {
                    long number = i;
                    reactor.offer(nowNs -> {
                      if (expected.get() == number) {
                        expected.incrementAndGet();
                      }
                      done.countDown();
                    });
                  }
                }));
      }
      for (Thread producer : producers) {
        producer.join();
      }
      assertTrue(done.await(30, TimeUnit.SECONDS), "tasks left: " + done.getCount());
    }
    for (AtomicLong count : next) {
      assertEquals(tasks, count.get());
    }
  }

  @Test
  void aBlockedReactorIsWokenByEverySingleTask() throws Exception {
    try (Reactor reactor = Reactor.builder("test").spinNs(0).start()) {
      for (int i = 0; i < 2_000; i++) {
        CountDownLatch ran = new CountDownLatch(1);
        reactor.offer(nowNs -> ran.countDown());
        assertTrue(ran.await(10, TimeUnit.SECONDS), "task " + i + " was left behind");
      }
    }
  }

  @Test
  void twoReactorsHandTasksToEachOtherBeyondTheirInboxes() throws Exception {
    int rounds = 20_000;
    CountDownLatch done = new CountDownLatch(2 * rounds);
    try (Reactor a = Reactor.builder("a").start();
        Reactor b = Reactor.builder("b").start()) {
      InboxTask count = nowNs -> done.countDown();
      a.offer(nowNs -> {
        for (int i = 0; i < rounds; i++) {
          b.offer(count);
        }
      });
      b.offer(nowNs -> {
        for (int i = 0; i < rounds; i++) {
          a.offer(count);
        }
      });
      assertTrue(done.await(30, TimeUnit.SECONDS), "tasks left: " + done.getCount());
    }
  }

  @Test
  void timersRunAfterTheirDeadlineAndNotWhenCancelled() throws Exception {
    CountDownLatch ran = new CountDownLatch(1);
    AtomicInteger early = new AtomicInteger();
    AtomicInteger cancelled = new AtomicInteger();
    try (Reactor reactor = Reactor.builder("test").start()) {
      reactor.offer(nowNs -> {
        long deadlineNs = nowNs + TimeUnit.MILLISECONDS.toNanos(30);
        long id =
            reactor
                .timers()
                .schedule(
                    nowNs + TimeUnit.MILLISECONDS.toNanos(10), t -> cancelled.incrementAndGet());
        reactor
            .timers()
            .schedule(
                deadlineNs,
                t -> {
                  if (t < deadlineNs) {
                    early.incrementAndGet();
                  }
                  ran.countDown();
                });
        reactor.timers().cancel(id);
      });
      assertTrue(ran.await(10, TimeUnit.SECONDS));
    }
    assertEquals(0, early.get());
    assertEquals(0, cancelled.get());
  }

  @Test
  void aTimerSetAfterALongQuietTimeStillRuns() throws Exception {
    try (Reactor reactor = Reactor.builder("test").start()) {
      for (int i = 0; i < 3; i++) {
        CountDownLatch ran = new CountDownLatch(1);
        reactor.offer(nowNs ->
            reactor
                .timers()
                .schedule(nowNs + TimeUnit.MILLISECONDS.toNanos(300), t -> ran.countDown()));
        assertTrue(ran.await(5, TimeUnit.SECONDS));
      }
    }
  }

  @Test
  void anIdleBlockingReactorSleeps() throws Exception {
    Counters counters = new Counters();
    try (Reactor reactor = Reactor.builder("quiet").counters(counters).start()) {
      CountDownLatch ran = new CountDownLatch(1);
      reactor.offer(nowNs ->
          reactor
              .timers()
              .schedule(nowNs + TimeUnit.MILLISECONDS.toNanos(500), t -> ran.countDown()));
      assertTrue(ran.await(5, TimeUnit.SECONDS));
      // Half a second of spinning would be millions of cycles; the short spin before each block
      // is a few thousand at most.
      long cycles = counters.snapshot().getOrDefault("quiet_cycles", Long.MAX_VALUE);
      assertTrue(cycles < 50_000, "cycles while idle: " + cycles);
    }
  }

  @Test
  void agentsStartAndCloseOnTheReactor() {
    AtomicInteger onReactor = new AtomicInteger();
    Reactor reactor =
        Reactor.builder("test")
            .agent(r ->
                new Agent() {
                  @Override
                  public String roleName() {
                    return "probe";
                  }

                  @Override
                  public void onStart() {
                    onReactor.addAndGet(r.inReactor() ? 1 : 100);
                  }

                  @Override
                  public int doWork(long nowNs) {
                    return 0;
                  }

                  @Override
                  public void onClose() {
                    onReactor.addAndGet(r.inReactor() ? 1 : 100);
                  }
                })
            .start();
    assertEquals(1, onReactor.get());
    reactor.close();
    assertEquals(2, onReactor.get());
  }

  @Test
  void aPollerIsAskedInEveryCycleUntilItLetsTheReactorBlock() throws Exception {
    CountDownLatch polled = new CountDownLatch(1_000);
    AtomicInteger outOfOrder = new AtomicInteger();
    Poller poller =
        new Poller() {
          private int polls;
          private int submits;

          @Override
          public int poll(long nowNs) {
            outOfOrder.addAndGet(polls == submits ? 0 : 1);
            polls++;
            return 0;
          }

          @Override
          public void submit() {
            submits++;
            polled.countDown();
          }

          @Override
          public boolean mayBlock() {
            return polled.getCount() == 0;
          }
        };
    try (Reactor reactor = Reactor.builder("polling").spinNs(0).start()) {
      reactor.offer(nowNs -> reactor.addPoller(poller));
      assertTrue(polled.await(10, TimeUnit.SECONDS), "a reactor that slept polled too little");
      CountDownLatch removed = new CountDownLatch(1);
      reactor.offer(nowNs -> {
        reactor.removePoller(poller);
        removed.countDown();
      });
      assertTrue(removed.await(10, TimeUnit.SECONDS), "it was allowed to block, and woken");
    }
    assertEquals(0, outOfOrder.get());
  }
}
