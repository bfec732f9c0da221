package io.lampyris.protocol;

/** How a file is opened or created. */
public final class OpenFlags {
  /** The session may write, so a dead client's file has its length settled from its chunks. */
  public static final int WRITE = 1;

  /** Fail with {@link Status#EXISTS} when the name is taken; otherwise it is opened. */
  public static final int EXCLUSIVE = 1 << 1;

  /** Record a session, to be ended by {@code CloseFile}; without it the inode is only looked at. */
  public static final int SESSION = 1 << 2;

  private OpenFlags() {}
}
