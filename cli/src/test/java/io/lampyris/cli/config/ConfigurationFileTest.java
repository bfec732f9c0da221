package io.lampyris.cli.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.cli.base.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigurationFileTest {
  @TempDir private Path dir;

  @Test
  void theFileThatIsWrittenFirstSaysTheDefaults_I2() throws Exception {
    assertEquals(
        Configuration.DEFAULT.withTargets(1, 0).targetCount(),
        read(ConfigurationFile.render(Configuration.DEFAULT)).targetCount());
    Configuration formatted = Configuration.DEFAULT.withTargets(3, 512 << 20);
    assertEquals(formatted, read(ConfigurationFile.render(formatted)));
  }

  @Test
  void anEmptyFileMeansTheDefaults() throws Exception {
    assertEquals(Configuration.DEFAULT, read(""));
  }

  @Test
  void anUnknownKeyIsRefusedWithItsLineAndTheNearestKey_I1() {
    String message = refusal("[targets]\ncount = 1\nsizes = \"1GiB\"\n");
    assertTrue(message.contains("line 3: there is no key 'targets.sizes'"), message);
    assertTrue(message.contains("the nearest key is 'targets.size'"), message);
  }

  @Test
  void anUnknownTableIsRefused() {
    String message = refusal("[layouts]\nchunk_size = \"1MiB\"\n");
    assertTrue(message.contains("the nearest key is 'layout.chunk_size'"), message);
  }

  @Test
  void wrongValuesAreRefusedWithTheirLine() {
    for (String text :
        new String[] {
          "[targets]\ncount = 0",
          "[targets]\ncount = \"two\"",
          "[targets]\nsize = 5",
          "[targets]\nsize = \"many\"",
          "[layout]\nchunk_size = \"3MiB\"",
          "[layout]\nchunk_size = \"128MiB\"",
          "[reactor]\nidle = \"sleep\"",
          "[log]\nfiles = 0",
          "[log]\nfile_size = \"1B\"",
          "[log]\nlevel = "
        }) {
      String message = refusal(text);
      assertTrue(message.contains("line 2"), message);
      assertTrue(message.contains("observed="), message);
      assertTrue(message.contains("remedy: "), message);
    }
  }

  private String refusal(String text) {
    return String.valueOf(assertThrows(InputException.class, () -> read(text), text).getMessage());
  }

  private Configuration read(String text) throws InputException, IOException {
    Path file = dir.resolve("lampyris.toml");
    Files.writeString(file, text);
    return ConfigurationFile.read(file);
  }
}
