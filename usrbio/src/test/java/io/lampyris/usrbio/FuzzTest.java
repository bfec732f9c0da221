package io.lampyris.usrbio;

import java.util.Arrays;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The fuzzers' targets on some random inputs, so that they stay whole. */
@Timeout(300)
class FuzzTest {
  private static final int INPUT_BYTES_MAX = 600;

  private static void run(String name, int inputs, Consumer<byte[]> target) {
    Random random = RegistrationKeyTest.seeded(name);
    for (int i = 0; i < inputs; i++) {
      byte[] input = new byte[random.nextInt(INPUT_BYTES_MAX)];
      random.nextBytes(input);
      // Most bytes small: pieces of names, near indices.
      for (int at = 0; at < input.length; at++) {
        input[at] = random.nextInt(3) == 0 ? input[at] : (byte) (input[at] & 15);
      }
      try {
        target.accept(input);
      } catch (AssertionError e) {
        throw new AssertionError("input " + i + ": " + Arrays.toString(input), e);
      }
    }
  }

  @Test
  void whateverIsInARingHurtsNobodyElse() {
    run("whateverIsInARingHurtsNobodyElse", 3_000, RingFuzz::fuzzerTestOneInput);
  }

  @Test
  void whateverIsRegisteredIsTakenOrRefused() {
    run("whateverIsRegisteredIsTakenOrRefused", 3_000, KeyFuzz::fuzzerTestOneInput);
  }
}
