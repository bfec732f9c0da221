package io.lampyris.bench.nvme;

import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.device.IoRequest;
import io.lampyris.reactor.device.SpdkNvmeDevice;
import java.lang.management.ManagementFactory;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;

/** Keeps a device busy with random blocks for some time. Owner: reactor. */
final class RandomLoad {
  /**
   * What a run did.
   *
   * @param operations that completed
   * @param elapsedNs from the first submission to the last completion
   * @param cpuNs of the reactor's thread
   * @param allocatedBytes on the heap, by the reactor's thread
   * @param nativeCalls of the queue pair
   */
  record Run(long operations, long elapsedNs, long cpuNs, long allocatedBytes, long nativeCalls) {
    double perSecond() {
      return operations * 1e9 / elapsedNs;
    }
  }

  private static final com.sun.management.ThreadMXBean THREADS =
      (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final Reactor reactor;
  private final SpdkNvmeDevice device;
  private final NvmeLoad load;
  private final long blocks;
  private final CompletableFuture<Run> result = new CompletableFuture<>();
  private final SplittableRandom random = new SplittableRandom(1);

  private long startNs;
  private long untilNs;
  private long cpuNs;
  private long allocatedBytes;
  private long nativeCalls;
  private long operations;
  private int running;

  private final class Block extends IoRequest {
    private final long memoryAt;

    Block(int number) {
      memoryAt = (long) number * load.blockBytes;
    }

    void send() {
      device.submit(
          transfer(
              load.writes ? Kind.WRITE : Kind.READ,
              random.nextLong(blocks) * load.blockBytes,
              reactor.arena(),
              memoryAt,
              load.blockBytes));
    }

    @Override
    protected void onComplete(long bytes) {
      if (bytes != load.blockBytes) {
        result.completeExceptionally(
            new IllegalStateException("%s answered %d, errno %d".formatted(load, bytes, errno)));
        return;
      }
      operations++;
      if (reactor.nowNs() < untilNs) {
        send();
      } else if (--running == 0) {
        end();
      }
    }
  }

  RandomLoad(Reactor reactor, SpdkNvmeDevice device, NvmeLoad load) {
    this.reactor = reactor;
    this.device = device;
    this.load = load;
    blocks = device.sizeBytes() / load.blockBytes;
  }

  Run run(long ns) {
    reactor.offer(nowNs -> {
      startNs = System.nanoTime();
      untilNs = startNs + ns;
      cpuNs = THREADS.getThreadCpuTime(reactor.threadId());
      allocatedBytes = THREADS.getThreadAllocatedBytes(reactor.threadId());
      nativeCalls = device.nativeCalls();
      running = load.depth;
      for (int i = 0; i < load.depth; i++) {
        new Block(i).send();
      }
    });
    return result.join();
  }

  private void end() {
    result.complete(
        new Run(
            operations,
            System.nanoTime() - startNs,
            THREADS.getThreadCpuTime(reactor.threadId()) - cpuNs,
            THREADS.getThreadAllocatedBytes(reactor.threadId()) - allocatedBytes,
            device.nativeCalls() - nativeCalls));
  }
}
