package io.lampyris.cli.instance;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/** What is mounted where, as the kernel says; looks at no mount itself, for a dead one may hang. */
public final class Mounts {
  /** The type that programs look for. */
  public static final String TYPE = "fuse.hf3fs";

  private static final Duration PROBE_LIMIT = Duration.ofSeconds(5);
  private static final Path TABLE = Path.of("/proc/self/mountinfo");

  private Mounts() {}

  /**
   * One mount.
   *
   * @param device major:minor, as block devices have it too
   * @param point absolute; text, for the name of another's mount need not be a path in our locale
   */
  public record Mount(String device, String point, String type, String source) {}

  /**
   * The path by which the kernel knows a mount point: absolute, without symbolic links. Does not
   * look at the mount point itself unless it is a link.
   */
  public static Path canonical(Path point) throws IOException {
    Path absolute = point.toAbsolutePath().normalize();
    if (Files.isSymbolicLink(absolute)) {
      return absolute.toRealPath();
    }
    Path parent = absolute.getParent();
    return parent == null || !Files.exists(parent)
        ? absolute
        : parent.toRealPath().resolve(absolute.getFileName());
  }

  /**
   * Whether a daemon is behind a FUSE mount no more. Asks by statfs, which the kernel never answers
   * from a cache, on a thread that may get stuck.
   */
  static boolean isDead(Path point) {
    AtomicInteger errno = new AtomicInteger();
    Thread probe =
        Thread.ofPlatform()
            .daemon()
            .name("mount-probe")
            .start(() -> {
              try {
                Libc.statfs(point.toString());
              } catch (NativeException e) {
                errno.set(e.errno());
              }
            });
    try {
      probe.join(PROBE_LIMIT);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return errno.get() == Errno.ENOTCONN || errno.get() == Errno.ECONNABORTED;
  }

  /** What is mounted on exactly this directory; the topmost one. */
  public static Optional<Mount> at(Path point) throws IOException {
    String absolute = canonical(point).toString();
    return all().stream().filter(m -> m.point.equals(absolute)).reduce((below, above) -> above);
  }

  private static List<Mount> all() throws IOException {
    return parse(Files.readAllLines(TABLE));
  }

  /** The mounts of a {@code mountinfo} (proc(5)). */
  public static List<Mount> parse(List<String> lines) {
    List<Mount> mounts = new ArrayList<>();
    for (String line : lines) {
      // 36 35 98:0 /root /point options [optional ...] - type source super-options
      String[] halves = line.split(" - ", 2);
      String[] left = halves[0].split(" ", -1);
      String[] right = halves.length < 2 ? new String[0] : halves[1].split(" ", -1);
      // A table that was cut off ends within a line.
      if (right.length >= 2) {
        mounts.add(new Mount(left[2], unescape(left[4]), right[0], unescape(right[1])));
      }
    }
    return mounts;
  }

  private static String unescape(String text) {
    return text.replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\");
  }
}
