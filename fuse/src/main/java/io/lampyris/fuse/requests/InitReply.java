package io.lampyris.fuse.requests;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.lampyris.bindings.NativeMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What the mount tells the kernel of itself: libfuse 2's reply to init, and what libfuse 2 does not
 * know. Used once, by one thread.
 */
public final class InitReply {
  private static final int REPLY_BYTES =
      RequestLayout.REPLY_HEADER_BYTES + RequestLayout.INIT_REPLY_BYTES;
  private static final int WANTED =
      RequestLayout.INIT_ASYNC_DIRECT_IO | RequestLayout.INIT_HAS_PAGES_MAX;
  private static final int PAGE_BYTES = 4096;

  /** {@code struct iovec}, and behind it the reply. */
  private final MemorySegment vector;

  private final MemorySegment reply;

  public InitReply(Arena arena) {
    vector = arena.allocate(JAVA_LONG, 2);
    reply = arena.allocate(REPLY_BYTES, Long.BYTES);
  }

  /**
   * Amends a reply if it is a success.
   *
   * @param request to which it is
   * @param vectors address of the reply's {@code struct iovec}s
   * @return the address of the one vector that replaces them
   */
  public long amend(MemorySegment request, long vectors, long count) {
    MemorySegment iov = NativeMemory.ofAddress(vectors, count * 2 * Long.BYTES);
    int size = 0;
    for (int i = 0; i < count; i++) {
      int part = (int) iov.getAtIndex(JAVA_LONG, 2L * i + 1);
      MemorySegment from = NativeMemory.ofAddress(iov.getAtIndex(JAVA_LONG, 2L * i), part);
      MemorySegment.copy(from, 0, reply, size, part);
      size += part;
    }
    boolean success = reply.get(JAVA_INT, RequestLayout.REPLY_ERROR) == 0;
    if (success) {
      ask(reply.asSlice(RequestLayout.REPLY_HEADER_BYTES), request);
      size = REPLY_BYTES;
      reply.set(JAVA_INT, RequestLayout.REPLY_SIZE, size);
    }
    vector.setAtIndex(JAVA_LONG, 0, reply.address());
    vector.setAtIndex(JAVA_LONG, 1, size);
    return vector.address();
  }

  private static void ask(MemorySegment arguments, MemorySegment request) {
    int offered = request.get(JAVA_INT, RequestLayout.INIT_OFFERED);
    int flags = arguments.get(JAVA_INT, RequestLayout.INIT_FLAGS);
    arguments.set(JAVA_INT, RequestLayout.INIT_FLAGS, flags | (offered & WANTED));
    if ((offered & RequestLayout.INIT_HAS_PAGES_MAX) != 0) {
      int pages = Request.PAYLOAD_MAX_BYTES / PAGE_BYTES;
      arguments.set(JAVA_SHORT, RequestLayout.INIT_PAGES_MAX, (short) pages);
      arguments.set(JAVA_INT, RequestLayout.INIT_WRITE_MAX, Request.PAYLOAD_MAX_BYTES);
    }
  }
}
