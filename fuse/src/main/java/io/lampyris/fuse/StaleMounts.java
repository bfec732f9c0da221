package io.lampyris.fuse;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Detaches what a killed daemon has left mounted. */
public final class StaleMounts {
  private static final Logger LOG = LoggerFactory.getLogger(StaleMounts.class);
  private static final Duration PROBE_LIMIT = Duration.ofSeconds(5);
  private static final int STACKED_MAX = 64;
  private static final int NO_ANSWER = -1;

  private StaleMounts() {}

  /**
   * Detaches dead mounts of ours at exactly this path, however many are stacked there. Leaves alone
   * what is alive or somebody else's.
   *
   * @return how many were detached
   * @throws MountException when something that must stay is mounted there
   */
  public static int clear(Path mountPoint) throws MountException {
    String point = MountPoints.canonical(mountPoint).toString();
    for (int detached = 0; detached < STACKED_MAX; detached++) {
      List<MountTable.Mount> mounts = mountsAt(point);
      if (mounts.isEmpty()) {
        return detached;
      }
      detachIfDead(point, mounts.getLast());
    }
    throw new MountException(
        MountException.Reason.POINT_BUSY,
        "mounts do not go away; observed=more than %d at %s, limit=%d; remedy: umount -l %s"
            .formatted(STACKED_MAX, point, STACKED_MAX, point));
  }

  private static void detachIfDead(String point, MountTable.Mount top) throws MountException {
    int errno = top.isOurs() ? probe(point) : 0;
    // An abort under way shows as ECONNABORTED, a finished one as ENOTCONN.
    if (errno != Errno.ENOTCONN && errno != Errno.ECONNABORTED) {
      throw new MountException(
          MountException.Reason.POINT_BUSY,
          "something is mounted at the mount point; observed=%s of type %s at %s (%s), limit=nothing"
                  .formatted(
                      top.source(),
                      top.type(),
                      point,
                      errno == NO_ANSWER ? "does not answer" : "in use")
              + "; remedy: "
              + (top.isOurs() ? "lampyris down, or " : "another mount point, or ")
              + "umount "
              + point);
    }
    int result = Libc.umount2(point, Fcntl.MNT_DETACH);
    if (result < 0) {
      throw new MountException(
          MountException.Reason.POINT_BUSY,
          "a dead mount cannot be detached; observed=%s at %s, limit=success; remedy: run as root"
              .formatted(Errno.describe(-result), point));
    }
    LOG.info("detached the mount {} at {} that a killed daemon had left", top.source(), point);
  }

  /** The errno of statfs(2); a daemon that is stopped or stuck does not answer in time. */
  private static int probe(String point) {
    AtomicInteger errno = new AtomicInteger(NO_ANSWER);
    Thread probe =
        Thread.ofPlatform()
            .daemon()
            .name("fuse-probe")
            .start(() -> {
              try {
                Libc.statfs(point);
                errno.set(0);
              } catch (NativeException e) {
                errno.set(e.errno());
              }
            });
    try {
      probe.join(PROBE_LIMIT);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return errno.get();
  }

  private static List<MountTable.Mount> mountsAt(String point) throws MountException {
    try {
      return MountTable.at(point);
    } catch (IOException e) {
      throw new MountException(
          MountException.Reason.REFUSED,
          "mountinfo cannot be read; observed=" + e + ", limit=readable; remedy: mount /proc",
          e);
    }
  }
}
