package io.lampyris.bench.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the kernel counts: bytes that this process caused to be written, and its disk's writes. */
final class DiskUse {
  private static final int SECTOR_BYTES = 512;
  private static final int SECTORS_WRITTEN_FIELD = 6;

  private final Path diskStat;

  /** Of the disk that holds {@code file}. */
  DiskUse(Path file) throws IOException {
    long device = (long) Files.getAttribute(file, "unix:dev");
    // As glibc packs them: 12 + 20 bits each for major and minor.
    long major = ((device >>> 8) & 0xFFF) | ((device >>> 32) & ~0xFFFL);
    long minor = (device & 0xFF) | ((device >>> 12) & 0xFFFFFF00L);
    diskStat = Path.of("/sys/dev/block/%d:%d/stat".formatted(major, minor));
  }

  /** Written by the disk since the machine started; 0 where there is no such disk (a tmpfs). */
  long diskWriteBytes() throws IOException {
    if (!Files.exists(diskStat)) {
      return 0;
    }
    String[] fields = Files.readString(diskStat).strip().split("\\s+", -1);
    return Long.parseLong(fields[SECTORS_WRITTEN_FIELD]) * SECTOR_BYTES;
  }

  /** Caused by this process since it started: direct writes, and pages that it made dirty. */
  static long processWriteBytes() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/io"))) {
      if (line.startsWith("write_bytes:")) {
        return Long.parseLong(line.substring(line.indexOf(':') + 1).strip());
      }
    }
    return 0;
  }
}
