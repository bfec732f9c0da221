package io.lampyris.protocol;

/** Linux {@code st_mode} bits (octal values of {@code sys/stat.h}). */
public final class FileMode {
  public static final int TYPE_MASK = 0170000;
  public static final int SOCKET = 0140000;
  public static final int SYMLINK = 0120000;
  public static final int REGULAR = 0100000;
  public static final int DIRECTORY = 0040000;
  public static final int FIFO = 0010000;
  public static final int SET_UID = 04000;
  public static final int SET_GID = 02000;
  public static final int STICKY = 01000;
  public static final int PERMISSION_MASK = 07777;

  /** What {@link #grants} is asked for, each a bit of every three of a mode. */
  public static final int MAY_READ = 4;

  public static final int MAY_WRITE = 2;
  public static final int MAY_SEARCH = 1;

  private FileMode() {}

  public static boolean isDirectory(int mode) {
    return (mode & TYPE_MASK) == DIRECTORY;
  }

  public static boolean isRegular(int mode) {
    return (mode & TYPE_MASK) == REGULAR;
  }

  public static boolean isSymlink(int mode) {
    return (mode & TYPE_MASK) == SYMLINK;
  }

  /**
   * What the bits of one class grant, as path_resolution(7) has it: an owner is never asked as one
   * of the group. Root is not asked at all.
   *
   * @param bits of {@link #MAY_READ}, {@link #MAY_WRITE}, {@link #MAY_SEARCH}: all are needed
   */
  public static boolean grants(int mode, boolean isOwner, boolean isInGroup, int bits) {
    int shift = isOwner ? 6 : isInGroup ? 3 : 0;
    return (mode >> shift & bits) == bits;
  }
}
