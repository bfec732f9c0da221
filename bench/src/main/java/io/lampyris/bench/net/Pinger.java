package io.lampyris.bench.net;

import com.sun.management.OperatingSystemMXBean;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Connection;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Keeps calls in flight for a while and takes their times. Owner: the calling reactor. */
final class Pinger {
  private static final int SAMPLES = 1 << 20;

  private final Reactor home;
  private final Connection connection;
  private final Exchange exchange;
  private final MemorySegment memory;
  private final long[] samples = new long[SAMPLES];
  private final CountDownLatch over;
  private long done;
  private long endNs;
  private long lastNs;
  private volatile String failure = "";

  Pinger(Reactor home, Connection connection, Exchange exchange, MemorySegment memory) {
    this.home = home;
    this.connection = connection;
    this.exchange = exchange;
    this.memory = memory;
    over = new CountDownLatch(exchange.depth);
  }

  /** Runs for so long; from the main thread. */
  Figures run(long ns) throws InterruptedException {
    OperatingSystemMXBean process =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    long cpuNs = process.getProcessCpuTime();
    long beginNs = System.nanoTime();
    home.offer(nowNs -> {
      endNs = beginNs + ns;
      for (int i = 0; i < exchange.depth; i++) {
        new Ping((long) i * exchange.payloadBytes).go();
      }
    });
    if (!over.await(ns + TimeUnit.SECONDS.toNanos(30), TimeUnit.NANOSECONDS) || done == 0) {
      failure = "calls are not answered";
    }
    cpuNs = process.getProcessCpuTime() - cpuNs;
    if (!failure.isEmpty()) {
      throw new IllegalStateException(exchange + ": " + failure);
    }
    int kept = (int) Math.min(done, SAMPLES);
    Arrays.sort(samples, 0, kept);
    return new Figures(done * 1e9 / (lastNs - beginNs), samples[kept / 2], (double) cpuNs / done);
  }

  private final class Ping extends Call {
    private long sentNs;

    Ping(long at) {
      super(home, 64, 64);
      requestLength = Exchange.MESSAGE_BYTES;
      if (exchange.read) {
        payloadRoom(memory, at, exchange.payloadBytes);
      } else {
        payload(memory, at, exchange.payloadBytes);
      }
    }

    void go() {
      sentNs = System.nanoTime();
      connection.send(this);
    }

    @Override
    protected void onReply() {
      long nowNs = System.nanoTime();
      samples[(int) (done % SAMPLES)] = nowNs - sentNs;
      done++;
      lastNs = nowNs;
      if (result != exchange.payloadBytes) {
        failure = "result " + result;
      }
      if (nowNs < endNs && failure.isEmpty()) {
        go();
      } else {
        over.countDown();
      }
    }
  }
}
