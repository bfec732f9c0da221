package io.lampyris.meta.ops;

import io.lampyris.meta.schema.Inode;

/** On whose behalf an operation runs. */
public record Caller(int uid, int gid) {
  public static final Caller ROOT = new Caller(0, 0);

  boolean isRoot() {
    return uid == 0;
  }

  boolean owns(Inode inode) {
    return isRoot() || inode.uid() == uid;
  }

  /** The sticky bit: names are removed by the owner of the file or of the directory alone. */
  boolean mayRemoveFrom(Inode directory, Inode named) {
    boolean sticky = (directory.mode() & io.lampyris.protocol.FileMode.STICKY) != 0;
    return !sticky || owns(named) || owns(directory);
  }
}
