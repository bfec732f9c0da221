package io.lampyris.usrbio.client;

import io.lampyris.bindings.Errno;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.SeekableByteChannel;

/**
 * Reads a file through a ring of its own: many blocks of a large read are under way at once. What
 * goes into an {@link IoVec} is not copied, what goes elsewhere is copied once. Owner: one thread
 * at a time.
 */
public final class RingChannel implements SeekableByteChannel {
  private static final int BLOCK_BYTES = 1 << 20;
  private static final int DEPTH = 16;
  private static final long FOREVER_NS = Long.MAX_VALUE / 2;

  private final RingFile file;
  private final IoRing ring;
  private final IoVec blocks;
  private final int[] freeBlocks = new int[DEPTH];
  private int freeBlockCount;
  private long position;
  private boolean open = true;

  // The read under way.
  private MemorySegment target = MemorySegment.NULL;
  private long readBytes;
  private int failure;
  private final Completions toVec = this::onVecBlock;
  private final Completions toTarget = this::onBlock;

  private RingChannel(RingFile file, IoRing ring, IoVec blocks) {
    this.file = file;
    this.ring = ring;
    this.blocks = blocks;
    for (int block = DEPTH - 1; block >= 0; block--) {
      freeBlocks[freeBlockCount++] = block;
    }
  }

  static RingChannel create(RingMount mount, RingFile file) throws IOException {
    IoRing ring = mount.ring(RingOptions.reading(DEPTH));
    try {
      return new RingChannel(file, ring, mount.allocate((long) DEPTH * BLOCK_BYTES));
    } catch (IOException | RuntimeException | Error e) {
      ring.close();
      throw e;
    }
  }

  // ---- reading ----

  /**
   * Reads into registered memory, without a copy.
   *
   * @param at where in the file, in bytes
   * @return how many bytes, less than asked for at the end of the file, -1 at or behind it
   */
  public long read(IoVec into, long intoOffset, long lengthBytes, long at) throws IOException {
    begin(lengthBytes);
    long sent = 0;
    while (sent < lengthBytes || ring.inFlight() > 0) {
      boolean any = false;
      while (sent < readBytes && failure == 0 && ring.inFlight() < DEPTH) {
        long part = Math.min(BLOCK_BYTES, lengthBytes - sent);
        if (ring.prepare(file, at + sent, into, intoOffset + sent, part, sent) == IoRing.FULL) {
          break;
        }
        sent += part;
        any = true;
      }
      if (!awaitSome(any, toVec)) {
        break;
      }
    }
    return end(lengthBytes);
  }

  /**
   * Reads into any memory.
   *
   * @param at where in the file, in bytes
   * @return as the other one
   */
  public long read(MemorySegment into, long at) throws IOException {
    long lengthBytes = into.byteSize();
    begin(lengthBytes);
    target = into;
    long sent = 0;
    while (sent < lengthBytes || ring.inFlight() > 0) {
      boolean any = false;
      while (sent < readBytes && failure == 0 && freeBlockCount > 0) {
        int block = freeBlocks[freeBlockCount - 1];
        long part = Math.min(BLOCK_BYTES, lengthBytes - sent);
        // Where it goes in units of blocks, and which block has it.
        long userdata = sent / BLOCK_BYTES * DEPTH + block;
        long blockAt = (long) block * BLOCK_BYTES;
        if (ring.prepare(file, at + sent, blocks, blockAt, part, userdata) == IoRing.FULL) {
          // Never of our daemon; one that frees entries in order has no room behind a slow one.
          break;
        }
        freeBlockCount--;
        sent += part;
        any = true;
      }
      if (!awaitSome(any, toTarget)) {
        break;
      }
    }
    target = MemorySegment.NULL;
    return end(lengthBytes);
  }

  private void begin(long lengthBytes) throws IOException {
    if (!open) {
      throw new ClosedChannelException();
    }
    readBytes = lengthBytes;
    failure = 0;
  }

  /** False when nothing is under way, and nothing more will be. */
  private boolean awaitSome(boolean submit, Completions to) throws IOException {
    if (submit) {
      ring.submit();
    }
    if (ring.inFlight() == 0) {
      return false;
    }
    try {
      ring.await(1, System.nanoTime() + FOREVER_NS, to);
      return true;
    } catch (IOException e) {
      // What is under way may complete in a later read's blocks.
      close();
      throw e;
    }
  }

  private void onVecBlock(long userdata, long result) {
    ended(userdata, result);
  }

  private void onBlock(long userdata, long result) {
    int block = (int) (userdata % DEPTH);
    long offset = userdata / DEPTH * BLOCK_BYTES;
    if (result > 0) {
      MemorySegment.copy(blocks.segment(), (long) block * BLOCK_BYTES, target, offset, result);
    }
    freeBlocks[freeBlockCount++] = block;
    ended(offset, result);
  }

  /** What comes after the first short block is not there. */
  private void ended(long offset, long result) {
    if (result < 0) {
      failure = failure == 0 ? (int) -result : failure;
      readBytes = Math.min(readBytes, offset);
    } else if (result < Math.min(BLOCK_BYTES, readBytes - offset)) {
      readBytes = Math.min(readBytes, offset + result);
    }
  }

  private long end(long lengthBytes) throws IOException {
    if (failure != 0) {
      throw new IOException(
          "read failed; observed=%s after %d of %d bytes"
              .formatted(Errno.describe(failure), readBytes, lengthBytes));
    }
    return readBytes == 0 && lengthBytes > 0 ? -1 : readBytes;
  }

  // ---- as a channel ----

  @Override
  public int read(ByteBuffer into) throws IOException {
    int count = read(into, position);
    position += Math.max(0, count);
    return count;
  }

  /** Reads from a place, and leaves the channel's position alone. */
  public int read(ByteBuffer into, long at) throws IOException {
    if (at < 0) {
      throw new IllegalArgumentException("position is negative: " + at);
    }
    long count = read(MemorySegment.ofBuffer(into), at);
    into.position(into.position() + (int) Math.max(0, count));
    return (int) count;
  }

  @Override
  public int write(ByteBuffer from) {
    throw new NonWritableChannelException();
  }

  @Override
  public long position() throws IOException {
    checkOpen();
    return position;
  }

  @Override
  public RingChannel position(long wanted) throws IOException {
    checkOpen();
    if (wanted < 0) {
      throw new IllegalArgumentException("position is negative: " + wanted);
    }
    position = wanted;
    return this;
  }

  @Override
  public long size() throws IOException {
    checkOpen();
    return file.sizeBytes();
  }

  @Override
  public SeekableByteChannel truncate(long size) {
    throw new NonWritableChannelException();
  }

  private void checkOpen() throws ClosedChannelException {
    if (!open) {
      throw new ClosedChannelException();
    }
  }

  @Override
  public boolean isOpen() {
    return open;
  }

  @Override
  public void close() throws IOException {
    if (open) {
      open = false;
      try (blocks) {
        ring.close();
      }
    }
  }
}
