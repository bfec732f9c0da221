package io.lampyris.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

final class KernelClockTest {
  @Test
  void numbersAndOffsetsAreThoseOfTheCCompiler() throws Exception {
    String observed =
        CProgram.compile(
                """
                #include <stddef.h>
                #include <stdio.h>
                #include <sys/timex.h>
                #define AT(field) offsetof(struct timex, field)
                int main(void) {
                  printf("%zu %zu %zu %zu %d %d", sizeof(struct timex), AT(modes), AT(maxerror),
                         AT(status), STA_UNSYNC, TIME_ERROR);
                }
                """)
            .output();
    String expected =
        "%d %d %d %d %d %d"
            .formatted(
                KernelClock.BYTES,
                KernelClock.MODES_AT,
                KernelClock.MAX_ERROR_AT,
                KernelClock.STATUS_AT,
                KernelClock.STATUS_UNSYNCHRONISED,
                KernelClock.RESULT_ERROR);
    assertEquals(expected, observed.strip());
  }

  @Test
  void itSaysWhatACProgramHears() throws Exception {
    String observed =
        CProgram.compile(
                """
                #include <stdio.h>
                #include <sys/timex.h>
                int main(void) {
                  struct timex t = {0};
                  int state = adjtimex(&t);
                  printf("%d", state >= 0 && state != TIME_ERROR && !(t.status & STA_UNSYNC));
                }
                """)
            .output();
    KernelClock clock = KernelClock.ask();
    assertEquals(observed.strip().equals("1"), clock.synchronised());
    assertTrue(clock.maxErrorUs() >= 0, clock.toString());
  }
}
