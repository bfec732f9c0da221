package io.lampyris.usrbio.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class RingMountTest {
  private static final List<String> MOUNTS =
      List.of(
          "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw",
          "40 22 0:40 / /mnt/data rw - fuse.hf3fs lampyris rw",
          "41 40 0:41 / /mnt/data/local rw - tmpfs tmpfs rw",
          "42 22 0:42 / /mnt/with\\040blank rw shared:5 - fuse.hf3fs lampyris rw",
          "43 22 0:43 / /covered rw - fuse.hf3fs lampyris rw",
          "44 43 0:44 / /covered rw - tmpfs tmpfs rw",
          "not a line");

  private static @Nullable Path find(String path) {
    return RingMount.find(MOUNTS, Path.of(path));
  }

  @Test
  void theInnermostMountOverAPathIsTheOneThatCounts() {
    assertEquals(Path.of("/mnt/data"), find("/mnt/data"));
    assertEquals(Path.of("/mnt/data"), find("/mnt/data/a/b"));
    assertEquals(Path.of("/mnt/with blank"), find("/mnt/with blank/a"));
    assertNull(find("/mnt/data/local/a"));
    assertNull(find("/mnt/database"));
    assertNull(find("/covered/a"));
    assertNull(find("/"));
  }

  @Test
  void aPathOnAnotherFileSystemIsRefusedWithARemedy() {
    IOException e = assertThrows(IOException.class, () -> RingMount.of(Path.of("/proc")));
    assertTrue(String.valueOf(e.getMessage()).contains("remedy: mount"), e.getMessage());
  }

  @Test
  void impossibleRingsAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> RingOptions.reading(0));
    assertThrows(IllegalArgumentException.class, () -> RingOptions.reading(4).withIoDepth(5));
    assertThrows(IllegalArgumentException.class, () -> RingOptions.writing(4).withTimeoutMs(-1));
  }
}
