package io.lampyris.reactor.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.protocol.Status;
import io.lampyris.reactor.Reactor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LocalNetworkTest {
  private static final Service ECHO = call -> call.reply(call.requestLength);

  @Test
  void manyThreadsGetTheirOwnAnswers() throws Exception {
    LocalNetwork network = new LocalNetwork();
    AtomicInteger wrong = new AtomicInteger();
    try (Reactor reactor = Reactor.builder("server").start()) {
      network.serve(1, 2, reactor, ECHO);
      Connection connection = network.connect(1, 2);
      List<Thread> threads = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        int base = t * 1000;
        threads.add(
            Thread.ofPlatform()
                .start(() -> {
                  BlockingCall call = new BlockingCall(16, 16);
                  for (int i = 0; i < 2_000; i++) {
                    call.requestLength = base + i;
                    if (call.send(connection) != base + i) {
                      wrong.incrementAndGet();
                    }
                  }
                }));
      }
      for (Thread thread : threads) {
        thread.join();
      }
    }
    assertEquals(0, wrong.get());
  }

  @Test
  void theAnswerOfAnotherReactorsServiceArrivesAtHome() throws Exception {
    LocalNetwork network = new LocalNetwork();
    CountDownLatch answered = new CountDownLatch(1);
    AtomicInteger atHome = new AtomicInteger();
    try (Reactor server = Reactor.builder("server").start();
        Reactor home = Reactor.builder("home").start()) {
      network.serve(1, 2, server, ECHO);
      Connection connection = network.connect(1, 2);
      Call call =
          new Call(home, 16, 16) {
            @Override
            protected void onReply() {
              atHome.set(home.inReactor() ? 1 : -1);
              answered.countDown();
            }
          };
      home.offer(nowNs -> connection.send(call));
      assertTrue(answered.await(10, TimeUnit.SECONDS));
    }
    assertEquals(1, atHome.get());
  }

  @Test
  void aServiceThatIsNotThereIsUnreachable() {
    LocalNetwork network = new LocalNetwork();
    BlockingCall call = new BlockingCall(16, 16);
    assertEquals(Status.UNREACHABLE.code(), call.send(network.connect(9, 9)));
  }
}
