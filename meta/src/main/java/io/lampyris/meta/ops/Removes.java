package io.lampyris.meta.ops;

import io.lampyris.meta.schema.Inode;
import io.lampyris.protocol.Status;

/** Operations that take names away; both answer what the name stood for, as it is now. */
public final class Removes {
  private Removes() {}

  public static long unlink(View view, Caller caller, long parent, byte[] name) {
    return remove(view, caller, parent, name, false);
  }

  public static long directory(View view, Caller caller, long parent, byte[] name) {
    return remove(view, caller, parent, name, true);
  }

  private static long remove(
      View view, Caller caller, long parent, byte[] name, boolean wantDirectory) {
    Inode directory = view.inode(parent);
    long refused = Names.checkParent(directory);
    if (refused == 0) {
      refused = Names.check(name);
    }
    if (refused < 0 || directory == null) {
      return refused;
    }
    long number = view.dentry(parent, name);
    if (number == 0) {
      return Status.NOT_FOUND.code();
    }
    Inode inode = view.named(number);
    if (inode.isDirectory() != wantDirectory) {
      return wantDirectory ? Status.NOT_DIRECTORY.code() : Status.IS_DIRECTORY.code();
    }
    if (!caller.mayRemoveFrom(directory, inode)) {
      return Status.NOT_PERMITTED.code();
    }
    if (wantDirectory && !view.isEmpty(inode)) {
      return Status.NOT_EMPTY.code();
    }
    view.clearDentry(parent, name);
    view.entriesChanged(directory);
    drop(view, directory, inode);
    return view.answer(inode);
  }

  /** What lost its name in a directory follows; a directory must be empty. */
  static void drop(View view, Inode directory, Inode inode) {
    if (inode.isDirectory()) {
      directory.linkCount(directory.linkCount() - 1);
      view.changed(directory);
      inode.linkCount(0);
      inode.ctimeNs(view.nowNs());
      view.remove(inode);
    } else {
      view.dropLink(inode);
    }
  }
}
