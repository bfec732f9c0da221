package io.lampyris.client;

import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.Status;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/** {@link ChunkOperations} for threads that wait. Any thread but a reactor's. */
final class ChunkCommands {
  /** Of one operation, which has to be over by its deadline. */
  private static final long EMPTY_MAX = 1024;

  private final ReactorDataPath dataPath;

  ChunkCommands(ReactorDataPath dataPath) {
    this.dataPath = dataPath;
  }

  /** Makes the chunks of a file end where its length says. */
  void cut(long inode, FileLayout layout, long lengthBytes) throws FileSystemException {
    long whole = layout.chunkIndexAt(lengthBytes);
    int tail = layout.offsetInChunk(lengthBytes);
    long fromIndex = tail == 0 ? whole : whole + 1;
    run("remove chunks", done -> dataPath.chunks().removeChunks(inode, layout, fromIndex, done));
    if (tail != 0) {
      run(
          "truncate chunk",
          done -> dataPath.chunks().truncateChunks(inode, layout, whole, whole + 1, tail, done));
    }
  }

  /** Takes all bytes of chunks, and with them their space. */
  void empty(long inode, FileLayout layout, long fromIndex, long toIndex)
      throws FileSystemException {
    for (long at = fromIndex; at < toIndex; at += EMPTY_MAX) {
      long from = at;
      long to = Math.min(toIndex, from + EMPTY_MAX);
      run(
          "empty chunks",
          done -> dataPath.chunks().truncateChunks(inode, layout, from, to, 0, done));
    }
  }

  /** Where the last chunk ends. */
  long queryEnd(long inode, FileLayout layout) throws FileSystemException {
    return run("query chunks", done -> dataPath.chunks().queryEnd(inode, layout, done));
  }

  private long run(String what, Consumer<ChunkOperations.Completion> operation)
      throws FileSystemException {
    CountDownLatch done = new CountDownLatch(1);
    AtomicLong result = new AtomicLong();
    ChunkOperations.Completion completion =
        value -> {
          result.set(value);
          done.countDown();
        };
    dataPath.context().offer(nowNs -> operation.accept(completion));
    Waiting.uninterruptibly(done);
    if (result.get() < 0) {
      Status status = Status.of(result.get());
      throw new FileSystemException(status.errno(), what + " failed; observed=" + status);
    }
    return result.get();
  }
}
