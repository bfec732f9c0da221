package io.lampyris.fuse;

import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;

/** Holds a mount until it is told to stop, as the daemon does. */
public final class MountDaemon {
  private MountDaemon() {}

  public static void main(String[] args) throws Exception {
    FuseMount mount =
        FuseMount.mount(
            Path.of(args[0]),
            new MemoryFileSystem(),
            new MemoryVirtualTree(),
            MountOptions.of("child").withThreads(4),
            new TestReactor().agent());
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(() -> {
              mount.close();
              System.out.println("STOPPED");
            }));
    System.out.println("READY");
    new CountDownLatch(1).await();
  }
}
