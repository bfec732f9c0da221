package io.lampyris.bindings;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/** Stream sockets as far as io_uring does not make them: opened, bound, tuned and shut down. */
public final class Sockets {
  public static final int AF_INET = 2;
  public static final int AF_INET6 = 10;
  public static final int SOCK_STREAM = 1;
  public static final int SOCK_CLOEXEC = 0x80000;
  public static final int SOL_SOCKET = 1;
  public static final int SO_REUSEADDR = 2;
  public static final int SO_KEEPALIVE = 9;
  private static final int SO_LINGER = 13;
  public static final int IPPROTO_TCP = 6;
  public static final int TCP_NODELAY = 1;

  /** Seconds of silence before the kernel asks whether the peer is there. */
  public static final int TCP_KEEPIDLE = 4;

  /** Seconds between two such questions. */
  public static final int TCP_KEEPINTVL = 5;

  /** Milliseconds for which a peer may leave bytes without acknowledgement, or take none. */
  public static final int TCP_USER_TIMEOUT = 18;

  public static final int MSG_WAITALL = 0x100;

  /** More follows at once: no segment for this alone. */
  public static final int MSG_MORE = 0x8000;

  public static final int MSG_NOSIGNAL = 0x4000;
  public static final int SHUT_RDWR = 2;

  /** sizeof(struct sockaddr_in6), the larger of the two that there are here. */
  public static final int ADDRESS_BYTES_MAX = 28;

  private static final int INET_BYTES = 16;
  private static final long PORT_AT = 2;
  private static final long INET_AT = 4;
  private static final long INET6_AT = 8;

  private static final ValueLayout.OfShort PORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

  private static final MethodHandle SOCKET =
      Native.withErrno("socket", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle BIND =
      Native.withErrno("bind", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle LISTEN =
      Native.withErrno("listen", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle SHUTDOWN =
      Native.withErrno("shutdown", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle GETSOCKNAME =
      Native.withErrno("getsockname", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
  private static final MethodHandle GETPEERNAME =
      Native.withErrno("getpeername", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
  private static final MethodHandle SETSOCKOPT =
      Native.withErrno(
          "setsockopt",
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));

  private Sockets() {}

  /** A new stream socket of the address's family, closed on exec: its descriptor, or -errno. */
  public static int stream(InetSocketAddress address) {
    MemorySegment state = Native.errnoState();
    try {
      return Native.result(
          (int) SOCKET.invokeExact(state, family(address), SOCK_STREAM | SOCK_CLOEXEC, 0), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** bind(2): 0, or -errno. */
  public static int bind(int fd, InetSocketAddress address) {
    MemorySegment state = Native.errnoState();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment raw = arena.allocate(ADDRESS_BYTES_MAX, Long.BYTES);
      int length = encode(address, raw);
      return Native.result((int) BIND.invokeExact(state, fd, raw, length), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** listen(2): 0, or -errno. */
  public static int listen(int fd, int backlog) {
    MemorySegment state = Native.errnoState();
    try {
      return Native.result((int) LISTEN.invokeExact(state, fd, backlog), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** shutdown(2): 0, or -errno. */
  public static int shutdown(int fd, int how) {
    MemorySegment state = Native.errnoState();
    try {
      return Native.result((int) SHUTDOWN.invokeExact(state, fd, how), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** setsockopt(2) of an int: 0, or -errno. */
  public static int setOption(int fd, int level, int option, int value) {
    MemorySegment state = Native.errnoState();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment raw = arena.allocateFrom(JAVA_INT, value);
      return Native.result(
          (int) SETSOCKOPT.invokeExact(state, fd, level, option, raw, Integer.BYTES), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /**
   * close(2) drops what is not sent, with a reset, instead of going on to send it: 0, or -errno.
   */
  public static int resetOnClose(int fd) {
    MemorySegment state = Native.errnoState();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment linger = arena.allocateFrom(JAVA_INT, 1, 0); // on, for no time
      return Native.result(
          (int) SETSOCKOPT.invokeExact(state, fd, SOL_SOCKET, SO_LINGER, linger, 2 * Integer.BYTES),
          state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** The port that a socket is bound to, or -errno. */
  public static int localPort(int fd) {
    MemorySegment state = Native.errnoState();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment raw = arena.allocate(ADDRESS_BYTES_MAX, Long.BYTES);
      MemorySegment length = arena.allocateFrom(JAVA_INT, ADDRESS_BYTES_MAX);
      int result = Native.result((int) GETSOCKNAME.invokeExact(state, fd, raw, length), state);
      return result < 0 ? result : Short.toUnsignedInt(raw.get(PORT, PORT_AT));
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** Who is at the other end; null when that is not known any more. */
  public static @Nullable InetSocketAddress peer(int fd) {
    MemorySegment state = Native.errnoState();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment raw = arena.allocate(ADDRESS_BYTES_MAX, Long.BYTES);
      MemorySegment length = arena.allocateFrom(JAVA_INT, ADDRESS_BYTES_MAX);
      if (Native.result((int) GETPEERNAME.invokeExact(state, fd, raw, length), state) < 0) {
        return null;
      }
      boolean inet = raw.get(ValueLayout.JAVA_SHORT_UNALIGNED, 0) == AF_INET;
      byte[] ip = new byte[inet ? 4 : 16];
      MemorySegment.copy(raw, ValueLayout.JAVA_BYTE, inet ? INET_AT : INET6_AT, ip, 0, ip.length);
      return new InetSocketAddress(
          InetAddress.getByAddress(ip), Short.toUnsignedInt(raw.get(PORT, PORT_AT)));
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /**
   * Writes struct sockaddr_in or sockaddr_in6.
   *
   * @param into at least {@link #ADDRESS_BYTES_MAX}
   * @return how many bytes it has
   */
  public static int encode(InetSocketAddress address, MemorySegment into) {
    byte[] ip = address.getAddress().getAddress();
    boolean inet = family(address) == AF_INET;
    int length = inet ? INET_BYTES : ADDRESS_BYTES_MAX;
    into.asSlice(0, length).fill((byte) 0);
    into.set(ValueLayout.JAVA_SHORT_UNALIGNED, 0, (short) family(address));
    into.set(PORT, PORT_AT, (short) address.getPort());
    MemorySegment.copy(ip, 0, into, ValueLayout.JAVA_BYTE, inet ? INET_AT : INET6_AT, ip.length);
    return length;
  }

  private static int family(InetSocketAddress address) {
    return address.getAddress().getAddress().length == 4 ? AF_INET : AF_INET6;
  }
}
