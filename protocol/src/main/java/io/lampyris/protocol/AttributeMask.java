package io.lampyris.protocol;

/** Which fields a {@code SetAttributes} message sets. */
public final class AttributeMask {
  public static final int MODE = 1;
  public static final int UID = 1 << 1;
  public static final int GID = 1 << 2;
  public static final int ATIME = 1 << 3;
  public static final int MTIME = 1 << 4;

  private AttributeMask() {}
}
