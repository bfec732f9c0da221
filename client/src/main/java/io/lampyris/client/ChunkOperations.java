package io.lampyris.client;

import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.Status;
import io.lampyris.protocol.sbe.MessageHeaderDecoder;
import io.lampyris.protocol.sbe.QueryChunksReplyDecoder;
import io.lampyris.protocol.sbe.RemoveChunksReplyDecoder;

/**
 * What happens to chunks as wholes: cut, removed, asked for. Rare next to reads and writes, so each
 * operation is an object of its own. Owner: reactor.
 */
public final class ChunkOperations {
  /** Chunks removed per message: keeps a storage node's turn short. */
  private static final int REMOVE_MAX = 256;

  private final ChunkClient client;
  private final MessageHeaderDecoder header = new MessageHeaderDecoder();
  private final RemoveChunksReplyDecoder removeReply = new RemoveChunksReplyDecoder();
  private final QueryChunksReplyDecoder queryReply = new QueryChunksReplyDecoder();

  ChunkOperations(ChunkClient client) {
    this.client = client;
  }

  /** Takes an outcome. */
  public interface Completion {
    /**
     * The operation is done.
     *
     * @param result what the operation says, or a {@link Status} code
     */
    void onDone(long result);
  }

  /**
   * Sets the length of each chunk of a range; result 0. Chunks that are not there stay so when they
   * are to be empty.
   */
  public void truncateChunks(
      long inode,
      FileLayout layout,
      long fromIndex,
      long toIndex,
      int lengthBytes,
      Completion done) {
    client.submit(new Truncation(inode, layout, fromIndex, toIndex, lengthBytes, done));
  }

  /** Removes all chunks from an index on, on every chain; result: how many there were. */
  public void removeChunks(long inode, FileLayout layout, long fromIndex, Completion done) {
    client.submit(new Removal(inode, layout, fromIndex, done));
  }

  /** Asks every chain where the file's last byte is; result: its end, 0 without chunks. */
  public void queryEnd(long inode, FileLayout layout, Completion done) {
    client.submit(new Query(inode, layout, done));
  }

  private abstract static class Base extends Operation {
    final long inode;
    final FileLayout layout;
    final Completion done;
    long failure;

    Base(long inode, FileLayout layout, Completion done) {
      this.inode = inode;
      this.layout = layout;
      this.done = done;
    }

    abstract long value();

    @Override
    FileLayout layout() {
      return layout;
    }

    @Override
    void finish() {
      done.onDone(failure != 0 ? failure : value());
    }
  }

  private static final class Truncation extends Base {
    private final long toIndex;
    private final int lengthBytes;
    private long nextIndex;

    Truncation(
        long inode,
        FileLayout layout,
        long fromIndex,
        long toIndex,
        int lengthBytes,
        Completion done) {
      super(inode, layout, done);
      this.nextIndex = fromIndex;
      this.toIndex = toIndex;
      this.lengthBytes = lengthBytes;
    }

    @Override
    boolean hasMore() {
      return nextIndex < toIndex && failure == 0;
    }

    @Override
    long nextChunkIndex() {
      return nextIndex;
    }

    @Override
    void prepare(ChunkCall call) {
      call.describe(ChunkCall.Kind.TRUNCATE, inode, layout, nextIndex++);
      call.lengthBytes = lengthBytes;
    }

    @Override
    void fold(ChunkCall call, long result) {
      if (result < 0 && result != Status.CHUNK_NOT_FOUND.code()) {
        failure = result;
      }
    }

    @Override
    long value() {
      return 0;
    }
  }

  /** One call per chain of the stripe at a time; a chain that has more is asked again. */
  private abstract class PerChain extends Base {
    private int nextChain;

    PerChain(long inode, FileLayout layout, Completion done) {
      super(inode, layout, done);
    }

    @Override
    boolean hasMore() {
      return nextChain < chains() && failure == 0;
    }

    /** When routing does not know them yet, the first one waits until it does, or fails. */
    private int chains() {
      return Math.max(1, client.chainCount(layout));
    }

    @Override
    long nextChunkIndex() {
      return nextChain;
    }

    /** Chunk {@code i} of the stripe stands for the chain that it is on. */
    int takeChain() {
      return nextChain++;
    }

    void fail(long result) {
      failure = failure == 0 ? result : failure;
    }
  }

  private final class Removal extends PerChain {
    private final long fromIndex;
    private long again = -1;
    private long removed;

    Removal(long inode, FileLayout layout, long fromIndex, Completion done) {
      super(inode, layout, done);
      this.fromIndex = fromIndex;
    }

    @Override
    boolean hasMore() {
      return failure == 0 && (again >= 0 || (outstanding == 0 && super.hasMore()));
    }

    @Override
    long nextChunkIndex() {
      return again >= 0 ? again : super.nextChunkIndex();
    }

    @Override
    void prepare(ChunkCall call) {
      long chain = again >= 0 ? again : takeChain();
      again = -1;
      call.describe(ChunkCall.Kind.REMOVE, inode, layout, chain);
      call.removeFromIndex = fromIndex;
      call.removeMax = REMOVE_MAX;
    }

    @Override
    void fold(ChunkCall call, long result) {
      if (result < 0) {
        fail(result);
        return;
      }
      removeReply.wrapAndApplyHeader(call.reply, 0, header);
      removed += removeReply.removed();
      again = removeReply.more() != 0 ? call.chunkIndex : -1;
    }

    @Override
    long value() {
      return removed;
    }
  }

  private final class Query extends PerChain {
    private long endBytes;

    Query(long inode, FileLayout layout, Completion done) {
      super(inode, layout, done);
    }

    @Override
    void prepare(ChunkCall call) {
      call.describe(ChunkCall.Kind.QUERY, inode, layout, takeChain());
    }

    @Override
    void fold(ChunkCall call, long result) {
      if (result < 0) {
        fail(result);
        return;
      }
      queryReply.wrapAndApplyHeader(call.reply, 0, header);
      if (queryReply.chunkCount() > 0) {
        long start = (long) queryReply.lastChunkIndex() * layout.chunkSizeBytes();
        endBytes = Math.max(endBytes, start + queryReply.lastChunkLength());
      }
    }

    @Override
    long value() {
      return endBytes;
    }
  }
}
