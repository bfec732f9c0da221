package io.lampyris.protocol;

/** Inode numbers with a meaning of their own. */
public final class Inodes {
  /** The root directory; also what {@code st_ino} of the mount point shows. */
  public static final long ROOT = 1;

  /** The first number given to a file. */
  public static final long FIRST = 1 << 10;

  /**
   * Numbers above this one (as unsigned) are virtual: a client makes them up and no service knows.
   */
  public static final long LAST = (1L << 57) - 1;

  private Inodes() {}
}
