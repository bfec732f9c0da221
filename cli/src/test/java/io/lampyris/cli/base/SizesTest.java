package io.lampyris.cli.base;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

class SizesTest {
  @Test
  void unitsArePowersOf1024HoweverTheyAreWritten() throws InputException {
    assertEquals(512L << 20, Sizes.parse("size", "512MiB"));
    assertEquals(10L << 30, Sizes.parse("size", "10GiB"));
    assertEquals(1L << 40, Sizes.parse("size", "1T"));
    assertEquals(64L << 10, Sizes.parse("size", "64 kb"));
    assertEquals(3L << 29, Sizes.parse("size", "1.5G"));
    assertEquals(4096, Sizes.parse("size", "4096"));
    assertEquals(4096, Sizes.parse("size", "4096B"));
  }

  @Test
  void whatIsNoSizeIsRefusedWithAnExample() {
    for (String text : new String[] {"", "x", "-1", "1X", "1.0000001K", "5000000T", "1 2"}) {
      InputException e =
          assertThrows(InputException.class, () -> Sizes.parse("--size", text), text);
      assertTrue(String.valueOf(e.getMessage()).contains("observed='" + text + "'"), text);
      assertTrue(String.valueOf(e.getMessage()).contains("remedy: write it like"), text);
    }
  }

  @Test
  void exactTextIsReadBackToTheSameNumber_I2() throws InputException {
    long seed = Long.getLong("seed", System.nanoTime());
    Random random = new Random(seed);
    for (int i = 0; i < 10_000; i++) {
      long bytes = (random.nextLong() & Long.MAX_VALUE) >>> (2 + random.nextInt(60));
      assertEquals(bytes, Sizes.parse("size", Sizes.exact(bytes)), "seed=" + seed);
    }
  }
}
