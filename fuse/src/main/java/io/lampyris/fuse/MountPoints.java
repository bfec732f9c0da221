package io.lampyris.fuse;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** What a directory must be to be mounted on. */
final class MountPoints {
  private MountPoints() {}

  /**
   * The path as mountinfo has it: absolute, symlinks resolved. The last name is not looked at, for
   * a dead mount there cannot be.
   */
  static Path canonical(Path mountPoint) throws MountException {
    Path absolute = mountPoint.toAbsolutePath().normalize();
    Path parent = absolute.getParent();
    Path name = absolute.getFileName();
    if (parent == null || name == null) {
      throw new MountException(
          MountException.Reason.POINT_BUSY,
          "the root is no mount point; observed="
              + absolute
              + ", limit=a directory below; remedy:"
              + " choose another");
    }
    try {
      if (Files.isSymbolicLink(absolute)) {
        return absolute.toRealPath();
      }
      return parent.toRealPath().resolve(name);
    } catch (IOException e) {
      throw missing(absolute, e);
    }
  }

  /** Throws unless the canonical path is an empty directory. */
  static void check(Path point) throws MountException {
    if (!Files.exists(point)) {
      throw missing(point, null);
    }
    if (!Files.isDirectory(point)) {
      throw new MountException(
          MountException.Reason.POINT_NOT_DIRECTORY,
          "the mount point is no directory; observed="
              + point
              + ", limit=an empty directory; remedy: choose another");
    }
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(point)) {
      for (Path entry : entries) {
        throw new MountException(
            MountException.Reason.POINT_NOT_EMPTY,
            "the mount point has entries that a mount would hide; observed="
                + entry
                + ", limit=an empty directory; remedy: empty it or choose another");
      }
    } catch (IOException e) {
      throw new MountException(
          MountException.Reason.REFUSED,
          "the mount point cannot be read; observed=" + e + ", limit=readable; remedy: run as root",
          e);
    }
  }

  private static MountException missing(Path point, @Nullable IOException cause) {
    MountException missing =
        new MountException(
            MountException.Reason.POINT_MISSING,
            "the mount point does not exist; observed="
                + point
                + ", limit=an empty directory; remedy: mkdir -p "
                + point);
    if (cause != null) {
      missing.initCause(cause);
    }
    return missing;
  }
}
