package io.lampyris.bindings;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A terminal's size, and how it hands over what is typed: ioctl_tty(2), termios(3). */
public final class Terminal {
  /** {@code struct termios} as the kernel has it: shorter than the C library's. */
  public static final long SETTINGS_BYTES = 36;

  static final long TCGETS = 0x5401;
  static final long TCSETSW = 0x5403;
  static final long TIOCGWINSZ = 0x5413;
  static final int LOCAL_FLAGS_AT = 12;
  static final int KEYS_AT = 17;
  static final int ICANON = 2;
  static final int ECHO = 8;
  static final int VTIME = 5;
  static final int VMIN = 6;
  static final int VSUSP = 10;
  static final int SIGTSTP = 20;

  private static final long WINDOW_SIZE_BYTES = 8;

  private Terminal() {}

  /** In characters; 0 where the terminal does not know it, and of what is no terminal. */
  public record Size(int rows, int columns) {}

  /** How large it is now. */
  public static Size size(int fd) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment size = arena.allocate(WINDOW_SIZE_BYTES, 8);
      return Libc.ioctl(fd, TIOCGWINSZ, size) < 0
          ? new Size(0, 0)
          : new Size(
              Short.toUnsignedInt(size.get(JAVA_SHORT, 0)),
              Short.toUnsignedInt(size.get(JAVA_SHORT, 2)));
    }
  }

  /**
   * From now on each key is read as it is pressed, and not shown; the one that suspends, too.
   * Others that send signals still do.
   *
   * @param before of {@link #SETTINGS_BYTES}; gets what {@link #restore} takes
   * @return 0 or -errno
   */
  public static int readKeys(int fd, MemorySegment before) {
    int result = Libc.ioctl(fd, TCGETS, before);
    if (result < 0) {
      return result;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment keys = arena.allocate(SETTINGS_BYTES, 8).copyFrom(before);
      int flags = keys.get(JAVA_INT_UNALIGNED, LOCAL_FLAGS_AT);
      keys.set(JAVA_INT_UNALIGNED, LOCAL_FLAGS_AT, flags & ~(ICANON | ECHO));
      keys.set(JAVA_BYTE, KEYS_AT + VMIN, (byte) 1);
      keys.set(JAVA_BYTE, KEYS_AT + VTIME, (byte) 0);
      keys.set(JAVA_BYTE, KEYS_AT + VSUSP, (byte) 0);
      return restore(fd, keys);
    }
  }

  /** Settings as they were: 0 or -errno. What is written already keeps what it was written with. */
  public static int restore(int fd, MemorySegment settings) {
    return Libc.ioctl(fd, TCSETSW, settings);
  }

  /** Stops the process group of this process, as the terminal's key does: 0 or -errno. */
  public static int suspend() {
    return Libc.kill(0, SIGTSTP);
  }
}
