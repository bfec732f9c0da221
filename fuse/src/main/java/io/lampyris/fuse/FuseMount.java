package io.lampyris.fuse;

import io.lampyris.client.FileSystem;
import io.lampyris.client.VirtualTree;
import io.lampyris.fuse.requests.RequestAgent;
import io.lampyris.protocol.Inodes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file system that is mounted and answers. Any thread may close it, except one that the mount
 * needs to answer.
 */
public final class FuseMount implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(FuseMount.class);
  private static final Duration ANSWER_LIMIT = Duration.ofSeconds(10);
  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(5);

  private final FuseChannel channel;
  private final Path mountPoint;
  private boolean closed;

  private FuseMount(FuseChannel channel, Path mountPoint) {
    this.channel = channel;
    this.mountPoint = mountPoint;
  }

  /**
   * Mounts; a dead mount of a killed daemon at the same place is detached first.
   *
   * @param mountPoint an empty directory
   * @param requests of the reactor of the data path behind {@code files}
   * @return when the mount answers through the kernel
   */
  public static FuseMount mount(
      Path mountPoint,
      FileSystem files,
      VirtualTree virtual,
      MountOptions options,
      RequestAgent requests)
      throws MountException {
    StaleMounts.clear(mountPoint);
    Path point = MountPoints.canonical(mountPoint);
    MountPoints.check(point);
    FuseChannel channel = new JnrFuseChannel(requests, InstantSource.system());
    channel.mount(point, options, new InodeView(files, virtual, point, options, System::nanoTime));
    FuseMount mount = new FuseMount(channel, point);
    try {
      awaitAnswer(point);
    } catch (MountException e) {
      mount.close();
      throw e;
    }
    LOG.info("mounted {} at {} with {} threads", options.source(), point, options.threads());
    return mount;
  }

  /** Absolute, without symlinks. */
  public Path mountPoint() {
    return mountPoint;
  }

  /** Whether it serves still: false when somebody has unmounted it. */
  public boolean isServing() {
    return channel.isServing();
  }

  /**
   * Unmounts, within 5 s. A mount that is in use is detached: its name is free, and programs that
   * still use it get errors. What they had open is released.
   */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    FuseChannel.Ending ending = channel.unmount(CLOSE_LIMIT);
    LOG.info("mount at {} ended; observed={}", mountPoint, ending);
  }

  /** Asks through the kernel, on a thread that may get stuck. */
  private static void awaitAnswer(Path point) throws MountException {
    AtomicReference<Object> answer = new AtomicReference<>("nothing within " + ANSWER_LIMIT);
    Thread probe =
        Thread.ofPlatform()
            .daemon()
            .name("fuse-probe")
            .start(() -> {
              try {
                answer.set(Files.getAttribute(point, "unix:ino"));
              } catch (IOException | RuntimeException e) {
                answer.set(e);
              }
            });
    try {
      probe.join(ANSWER_LIMIT);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Object got = answer.get();
    if (!(got instanceof Number inode && inode.longValue() == Inodes.ROOT)) {
      throw new MountException(
          MountException.Reason.NOT_ANSWERING,
          "the mount does not answer; observed="
              + got
              + ", limit=inode "
              + Inodes.ROOT
              + " of "
              + point
              + "; remedy: see the log of the metadata service");
    }
  }
}
