package io.lampyris.bench.usrbio;

import io.lampyris.usrbio.client.IoRing;
import io.lampyris.usrbio.client.IoVec;
import io.lampyris.usrbio.client.RingFile;
import io.lampyris.usrbio.client.RingMount;
import io.lampyris.usrbio.client.RingOptions;
import java.io.IOException;
import java.time.Duration;

/** Writes a file through a ring of its own. */
public final class RingWriter {
  private static final int PART_BYTES = 1 << 20;
  private static final int DEPTH = 16;
  private static final Duration LONG = Duration.ofSeconds(60);

  private RingWriter() {}

  /**
   * Writes a range of memory to the beginning of a file, and syncs it.
   *
   * @return how many bytes
   */
  public static long write(
      RingMount mount, RingFile file, IoVec memory, long memoryOffset, long lengthBytes)
      throws IOException {
    long[] written = new long[1];
    try (IoRing ring = mount.ring(RingOptions.writing(DEPTH))) {
      long sent = 0;
      while (sent < lengthBytes || ring.inFlight() > 0) {
        while (sent < lengthBytes) {
          long part = Math.min(PART_BYTES, lengthBytes - sent);
          if (ring.prepare(file, sent, memory, memoryOffset + sent, part, part) == IoRing.FULL) {
            break;
          }
          sent += part;
        }
        ring.submit();
        ring.await(
            1,
            LONG,
            (part, result) -> {
              if (result != part) {
                throw new IllegalStateException("a write of " + part + " answered " + result);
              }
              written[0] += result;
            });
      }
      file.sync();
    }
    return written[0];
  }
}
