package io.lampyris.fuse;

import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The kernel's control files of FUSE connections (fusectl). */
final class FuseConnections {
  private static final Logger LOG = LoggerFactory.getLogger(FuseConnections.class);
  private static final Path STANDARD = Path.of("/sys/fs/fuse/connections");

  private FuseConnections() {}

  /**
   * Ends a connection: whoever waits for an answer gets an error, and so do the threads that wait
   * for requests. Mounts the control files for the moment when nobody has.
   */
  static void abort(int connection) {
    try {
      Path standing = STANDARD.resolve(connection + "/abort");
      if (Files.exists(standing)) {
        write(standing);
      } else {
        abortThroughOwnMount(connection);
      }
    } catch (IOException e) {
      LOG.warn(
          "connection {} is not aborted; observed={}, limit=writable control file; remedy: mount -t"
              + " fusectl none {}",
          connection,
          e.toString(),
          STANDARD);
    }
  }

  private static void abortThroughOwnMount(int connection) throws IOException {
    Path point = Files.createTempDirectory("lampyris-fusectl");
    try {
      int result = Libc.mount("none", point.toString(), "fusectl", 0, null);
      if (result < 0) {
        throw new IOException("mount of fusectl failed with errno " + -result);
      }
      try {
        Path control = point.resolve(connection + "/abort");
        if (Files.exists(control)) {
          write(control);
        }
      } finally {
        Libc.umount2(point.toString(), Fcntl.MNT_DETACH);
      }
    } finally {
      Files.delete(point);
    }
  }

  private static void write(Path control) throws IOException {
    Files.write(control, "1".getBytes(StandardCharsets.UTF_8), StandardOpenOption.WRITE);
  }
}
