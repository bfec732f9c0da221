package io.lampyris.client;

import java.util.concurrent.TimeUnit;

/**
 * Sizes and times of the blocking side.
 *
 * @param bufferBytes of one write window or read-ahead buffer; a power of two of at least 64 KiB
 * @param writeBuffers how many bound what is buffered of all writes
 * @param readAheadBuffers how many bound what is read ahead by all handles
 * @param retryNs how long a metadata call is tried
 * @param writeBackNs how long bytes stay in a window that nobody flushes
 * @param tickNs how often lengths and old windows are looked after while files are open for writing
 */
public record ClientOptions(
    int bufferBytes,
    int writeBuffers,
    int readAheadBuffers,
    long retryNs,
    long writeBackNs,
    long tickNs) {
  /**
   * 64 MiB of writes and 32 MiB of reads. A byte reaches storage within 3 s, and its length
   * metadata within 4.
   */
  public static final ClientOptions DEFAULT =
      new ClientOptions(
          1 << 20,
          64,
          32,
          TimeUnit.SECONDS.toNanos(30),
          TimeUnit.SECONDS.toNanos(2),
          TimeUnit.SECONDS.toNanos(1));

  public ClientOptions {
    if (bufferBytes < 64 << 10 || Integer.bitCount(bufferBytes) != 1) {
      throw new IllegalArgumentException(
          "buffer size is malformed; observed=%d, limit=a power of two of at least 64 KiB"
                  .formatted(bufferBytes)
              + "; remedy: correct bufferBytes");
    }
    if (writeBuffers < 2 || readAheadBuffers < 1) {
      throw new IllegalArgumentException(
          "too few buffers; observed=%d and %d, limit=at least 2 and 1; remedy: give more memory"
              .formatted(writeBuffers, readAheadBuffers));
    }
  }

  public ClientOptions withRetryNs(long wanted) {
    return new ClientOptions(
        bufferBytes, writeBuffers, readAheadBuffers, wanted, writeBackNs, tickNs);
  }
}
