package io.lampyris.fuse;

import java.util.regex.Pattern;

/**
 * How to mount.
 *
 * @param name of the cluster: what ioctl 0 tells, and the source {@code lampyris.NAME} in
 *     mountinfo; at most 31 of letters, digits, {@code . _ -}
 * @param threads requests served at a time, 1 … 256
 * @param entryTimeoutMs how long this mount believes a name; attributeTimeoutMs likewise its
 *     attributes, beyond the kernel's own 1 s of both
 * @param cacheEntries names, and as many attributes, that are cached at most
 * @param pageCache which opens use the kernel's page cache
 */
public record MountOptions(
    String name,
    int threads,
    int entryTimeoutMs,
    int attributeTimeoutMs,
    int cacheEntries,
    PageCache pageCache) {

  private static final int NAME_MAX_BYTES = 31;
  private static final int THREADS_MAX = 256;
  private static final int THREADS_MIN_DEFAULT = 8;
  private static final int THREADS_MAX_DEFAULT = 64;
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1," + NAME_MAX_BYTES + "}");

  /** Which opens may keep pages in the kernel; see the package. */
  public enum PageCache {
    /** Those with {@code O_NONBLOCK}. */
    ON_REQUEST,
    /**
     * Also those for reading of a file that is not open for writing. Who keeps such a file open
     * while another opens it for writing may read old bytes.
     */
    UNWRITTEN_FILES
  }

  public MountOptions {
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "mount name is malformed; observed="
              + name
              + ", limit=1 … 31 letters, digits, '.', '_' or '-'; remedy: choose another name");
    }
    check("threads", threads, 1, THREADS_MAX);
    check("entryTimeoutMs", entryTimeoutMs, 0, Integer.MAX_VALUE);
    check("attributeTimeoutMs", attributeTimeoutMs, 0, Integer.MAX_VALUE);
    check("cacheEntries", cacheEntries, 0, 1 << 24);
  }

  /** What suits most mounts. */
  public static MountOptions of(String name) {
    int cores = Runtime.getRuntime().availableProcessors();
    int threads = Math.clamp(4L * cores, THREADS_MIN_DEFAULT, THREADS_MAX_DEFAULT);
    return new MountOptions(name, threads, 1000, 1000, 1 << 16, PageCache.ON_REQUEST);
  }

  public MountOptions withThreads(int count) {
    return new MountOptions(
        name, count, entryTimeoutMs, attributeTimeoutMs, cacheEntries, pageCache);
  }

  public MountOptions withPageCache(PageCache which) {
    return new MountOptions(name, threads, entryTimeoutMs, attributeTimeoutMs, cacheEntries, which);
  }

  /** What mountinfo shows as the source. */
  String source() {
    return MountTable.SOURCE_PREFIX + name;
  }

  private static void check(String what, int value, int min, int max) {
    if (value < min || value > max) {
      throw new IllegalArgumentException(
          "mount option %s is out of range; observed=%d, limit=%d … %d; remedy: correct it"
              .formatted(what, value, min, max));
    }
  }
}
