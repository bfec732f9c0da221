package io.lampyris.bindings;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class TerminalTest {
  private static final long TIOCSWINSZ = 0x5414;

  /** I3. */
  @Test
  void numbersAreThoseOfTheHeaders() throws Exception {
    CProgram program =
        CProgram.compile(
            """
            #include <asm/termbits.h>
            #include <asm/ioctls.h>
            #include <signal.h>
            #include <stddef.h>
            #include <stdio.h>
            int main(void) {
              printf("%zu %zu %zu ", sizeof(struct termios), offsetof(struct termios, c_lflag),
                     offsetof(struct termios, c_cc));
              printf("%d %d %d %d %d %d %d %d %d %d", TCGETS, TCSETSW, TIOCGWINSZ, TIOCSWINSZ, ICANON,
                     ECHO, VTIME, VMIN, VSUSP, SIGTSTP);
            }
            """);
    assertEquals(
        "%d %d %d %d %d %d %d %d %d %d %d %d %d"
            .formatted(
                Terminal.SETTINGS_BYTES,
                Terminal.LOCAL_FLAGS_AT,
                Terminal.KEYS_AT,
                Terminal.TCGETS,
                Terminal.TCSETSW,
                Terminal.TIOCGWINSZ,
                TIOCSWINSZ,
                Terminal.ICANON,
                Terminal.ECHO,
                Terminal.VTIME,
                Terminal.VMIN,
                Terminal.VSUSP,
                Terminal.SIGTSTP),
        program.output());
  }

  @Test
  void aTerminalReadsKeysAndIsAsItWasAfterwards() {
    int fd = Libc.open("/dev/ptmx", Fcntl.O_RDWR | Fcntl.O_CLOEXEC, 0);
    assertTrue(fd >= 0, () -> Errno.describe(-fd));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment size = arena.allocate(8, 8);
      size.set(JAVA_SHORT, 0, (short) 50);
      size.set(JAVA_SHORT, 2, (short) 132);
      assertEquals(0, Libc.ioctl(fd, TIOCSWINSZ, size));
      assertEquals(new Terminal.Size(50, 132), Terminal.size(fd));

      MemorySegment before = arena.allocate(Terminal.SETTINGS_BYTES, 8);
      MemorySegment keys = arena.allocate(Terminal.SETTINGS_BYTES, 8);
      MemorySegment after = arena.allocate(Terminal.SETTINGS_BYTES, 8);
      assertEquals(0, Terminal.readKeys(fd, before));
      assertEquals(0, Libc.ioctl(fd, Terminal.TCGETS, keys));
      assertEquals(Terminal.ICANON | Terminal.ECHO, flags(before) & ~flags(keys));
      assertEquals(1, keys.get(JAVA_BYTE, Terminal.KEYS_AT + Terminal.VMIN));
      assertEquals(0, Terminal.restore(fd, before));
      assertEquals(0, Libc.ioctl(fd, Terminal.TCGETS, after));
      assertArrayEquals(before.toArray(JAVA_BYTE), after.toArray(JAVA_BYTE));
    } finally {
      Libc.close(fd);
    }
  }

  private static int flags(MemorySegment settings) {
    return settings.get(JAVA_INT, Terminal.LOCAL_FLAGS_AT);
  }

  @Test
  void whatIsNoTerminalHasNoSize() {
    assertEquals(new Terminal.Size(0, 0), Terminal.size(-1));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment before = arena.allocate(Terminal.SETTINGS_BYTES, 8);
      assertEquals(-Errno.EBADF, Terminal.readKeys(-1, before));
    }
  }
}
