package io.lampyris.bindings;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Files for tests, under the build directory: /tmp can be a tmpfs, which knows no O_DIRECT on older
 * kernels.
 */
public final class TestFiles {
  private TestFiles() {}

  /** A path that does not exist yet, gone when the JVM ends. */
  public static Path fresh(String name) {
    try {
      Path directory = Files.createTempDirectory(Files.createDirectories(Path.of("target")), "it-");
      directory.toFile().deleteOnExit();
      Path file = directory.resolve(name).toAbsolutePath();
      file.toFile().deleteOnExit();
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
