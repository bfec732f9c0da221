package io.lampyris.bindings;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * A thread waits until one of several descriptors is readable, and shares them with threads that
 * wait likewise: each event wakes one of those that wait (EPOLLEXCLUSIVE). Which one became
 * readable is not told. Closed by its thread.
 *
 * <p>All calls return 0 or more, or {@code -errno}.
 */
public final class Epoll implements AutoCloseable {
  /** From sys/epoll.h. */
  private static final int EPOLL_CLOEXEC = 0x80000;

  private static final int EPOLL_CTL_ADD = 1;
  private static final int EPOLLIN = 1;
  private static final int EPOLLEXCLUSIVE = 1 << 28;

  /** {@code struct epoll_event} has 12 bytes on x86, where it is packed, and 16 elsewhere. */
  private static final long EVENT_MAX_BYTES = 16;

  private static final MethodHandle CREATE =
      Native.withErrno("epoll_create1", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
  private static final MethodHandle CONTROL =
      Native.withErrno(
          "epoll_ctl", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS));
  private static final MethodHandle WAIT =
      Native.withErrno(
          "epoll_wait", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT));

  private final int fd;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment event = arena.allocate(EVENT_MAX_BYTES, Long.BYTES);

  /** Waits for any of these descriptors. */
  public Epoll(int... fds) {
    fd = create();
    if (fd < 0) {
      throw new IllegalStateException("epoll_create1 failed: " + Errno.describe(-fd));
    }
    for (int each : fds) {
      event.set(JAVA_INT, 0, EPOLLIN | EPOLLEXCLUSIVE);
      event.set(JAVA_LONG, Long.BYTES, 0);
      int result = add(each);
      if (result < 0) {
        close();
        throw new IllegalStateException("epoll_ctl failed: " + Errno.describe(-result));
      }
    }
  }

  private static int create() {
    MemorySegment state = Native.errnoState();
    try {
      return Native.result((int) CREATE.invokeExact(state, EPOLL_CLOEXEC), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  private int add(int watched) {
    MemorySegment state = Native.errnoState();
    try {
      return Native.result(
          (int) CONTROL.invokeExact(state, fd, EPOLL_CTL_ADD, watched, event), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /**
   * Waits until one is readable, or has failed.
   *
   * @param timeoutMs negative: for ever
   * @return 1, or 0 when the time is over, or -EINTR
   */
  public int await(int timeoutMs) {
    MemorySegment state = Native.errnoState();
    try {
      return Native.result((int) WAIT.invokeExact(state, fd, event, 1, timeoutMs), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  @Override
  public void close() {
    Libc.close(fd);
    arena.close();
  }
}
