package io.lampyris.client;

import io.lampyris.protocol.FileLayout;

/** Lets a file system in another package's tests keep the lengths of its open inodes. */
public final class TestInodes {
  private TestInodes() {}

  public static OpenInode open(long inode, long lengthBytes) {
    return new OpenInode(
        inode, new FileLayout(1 << 20, 1, 1, 1, 1, FileLayout.ROUND_ROBIN), lengthBytes, 0);
  }

  /** Tells an operation of another package its outcome. */
  public static void complete(FileIo io, long result) {
    io.onComplete(result);
  }

  public static void extendTo(OpenInode inode, long end) {
    inode.extendTo(end);
  }

  public static void truncated(OpenInode inode, long lengthBytes) {
    inode.truncated(lengthBytes, inode.truncateVersion() + 1);
  }
}
