package io.lampyris.fuse.requests;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.lampyris.bindings.Fcntl;
import io.lampyris.client.FileIo;
import io.lampyris.client.OpenInode;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.InboxTask;
import java.lang.foreign.MemorySegment;

/**
 * One request of the kernel, with memory for its bytes and its reply's; pooled. Whoever holds it
 * answers it and recycles it: the reactor, or the thread it was handed to.
 *
 * <pre>
 *   header, arguments │ page boundary: what is written   (a request)
 *        reply header │ page boundary: what was read     (a reply)
 * </pre>
 *
 * so that bytes are where storage and the kernel take them from, and each is one transfer.
 */
public final class Request extends FileIo implements InboxTask {
  private static final int PAGE_BYTES = 4096;

  /** What a request may carry at most: 256 pages, the most that the kernel offers. */
  public static final int PAYLOAD_MAX_BYTES = 1 << 20;

  static final int SLOT_BYTES = PAGE_BYTES + PAYLOAD_MAX_BYTES;

  private final RequestQueue queue;
  private final MemorySegment input;
  private final MemorySegment output;
  private final MemorySegment payload;

  private int opcode;
  private long unique;
  private long handle;
  private int openFlags;
  private boolean fromPageCache;
  private long place;

  Request(RequestQueue queue, MemorySegment all, long at) {
    this.queue = queue;
    memory = all;
    memoryOffset = at + PAGE_BYTES;
    payload = all.asSlice(memoryOffset, PAYLOAD_MAX_BYTES);
    input = reaching(RequestLayout.WRITE_HEADER_BYTES);
    output = reaching(RequestLayout.REPLY_HEADER_BYTES);
  }

  private MemorySegment reaching(int headerBytes) {
    return memory.asSlice(memoryOffset - headerBytes, headerBytes + (long) PAYLOAD_MAX_BYTES);
  }

  /** The request as the kernel wrote it. */
  public MemorySegment input() {
    return input;
  }

  /** Where its bytes are, or where those go that it asks for. */
  public MemorySegment payload() {
    return payload;
  }

  public int opcode() {
    return opcode;
  }

  /** Of the open file, for a read or write. */
  public long handle() {
    return handle;
  }

  /** How the program has opened the file, for a read or write. */
  public int openFlags() {
    return openFlags;
  }

  /** Whether a write belongs at the end of the file; pages that are brought back do not. */
  public boolean appends() {
    return write && !fromPageCache && (openFlags & Fcntl.O_APPEND) != 0;
  }

  /** Where a write stands among the appends of its file; its handler's. */
  public long place() {
    return place;
  }

  public void place(long number) {
    place = number;
  }

  /** Whether it is a read or write. */
  public boolean movesData() {
    return write || reads();
  }

  boolean reads() {
    return opcode == RequestLayout.OPCODE_READ;
  }

  /** Understands what was received. */
  void parse() {
    opcode = input.get(JAVA_INT, RequestLayout.OPCODE);
    unique = input.get(JAVA_LONG, RequestLayout.UNIQUE);
    write = opcode == RequestLayout.OPCODE_WRITE;
    if (movesData()) {
      handle = input.get(JAVA_LONG, RequestLayout.DATA_HANDLE);
      fileOffset = input.get(JAVA_LONG, RequestLayout.DATA_OFFSET);
      lengthBytes = input.get(JAVA_INT, RequestLayout.DATA_SIZE);
      int flags = input.get(JAVA_INT, RequestLayout.DATA_FLAGS);
      fromPageCache = (flags & RequestLayout.DATA_FROM_PAGE_CACHE) != 0;
      openFlags = input.get(JAVA_INT, RequestLayout.DATA_OPEN_FLAGS);
    }
  }

  /** Answers a read or write: bytes, or -errno. */
  public void answer(long result) {
    int bytes = 0;
    if (result >= 0 && write) {
      payload.set(JAVA_INT, 0, (int) result);
      payload.set(JAVA_INT, 4, 0);
      bytes = RequestLayout.WRITE_REPLY_BYTES;
    } else if (result >= 0) {
      assert result <= lengthBytes : "no more is read than was asked";
      bytes = (int) result;
    }
    send((int) Math.min(0, result), bytes);
  }

  private void send(int error, int bytes) {
    int size = RequestLayout.REPLY_HEADER_BYTES + bytes;
    output.set(JAVA_INT, RequestLayout.REPLY_SIZE, size);
    output.set(JAVA_INT, RequestLayout.REPLY_ERROR, error);
    output.set(JAVA_LONG, RequestLayout.REPLY_UNIQUE, unique);
    queue.send(output, size);
  }

  /** Its holder is through with it, and has answered it if the kernel waits. */
  public void recycle() {
    inode = OpenInode.NONE;
    queue.recycle(this);
  }

  /** A thread has handed it to the reactor. */
  @Override
  public void onReactor(long nowNs) {
    queue.begin(this);
  }

  /** Ends what was begun on the reactor: bytes, or -errno. Owner: reactor. */
  public void complete(long result) {
    answer(result);
    queue.completed();
    recycle();
  }

  @Override
  protected void onComplete(long result) {
    complete(result >= 0 ? result : -Status.errnoOf(result));
  }
}
