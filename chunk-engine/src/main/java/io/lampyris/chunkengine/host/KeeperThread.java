package io.lampyris.chunkengine.host;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** One daemon thread. */
final class KeeperThread implements Keeper {
  private static final int EX_SOFTWARE = 70;

  private final ExecutorService thread;

  KeeperThread(String name) {
    thread = Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().name(name).factory());
  }

  @Override
  public void submit(Runnable job) {
    thread.execute(() -> runOrHalt(job));
  }

  /** As a reactor does: after a broken assertion nothing may be acknowledged. */
  private static void runOrHalt(Runnable job) {
    try {
      job.run();
    } catch (Throwable fault) {
      fault.printStackTrace();
      Runtime.getRuntime().halt(EX_SOFTWARE);
    }
  }

  @Override
  public void close() {
    thread.close();
  }
}
