package io.lampyris.meta.ops;

import io.lampyris.meta.schema.Inode;
import io.lampyris.protocol.Status;

/** Reads of one inode. */
public final class Lookups {
  private Lookups() {}

  /** What a name in a directory stands for; {@code .} and {@code ..} included. */
  public static long lookup(View view, long parent, byte[] name) {
    Inode directory = view.inode(parent);
    long refused = Names.checkParent(directory);
    if (refused < 0 || directory == null) {
      return refused;
    }
    if (Names.isDot(name)) {
      return view.answer(directory);
    }
    if (Names.isDotDot(name)) {
      return view.answer(view.named(directory.parent()));
    }
    refused = Names.check(name);
    if (refused < 0) {
      return refused;
    }
    long inode = view.dentry(parent, name);
    return inode == 0 ? Status.NOT_FOUND.code() : view.answer(view.named(inode));
  }

  public static long attributes(View view, long number) {
    Inode inode = view.inode(number);
    return inode == null ? Status.NOT_FOUND.code() : view.answer(inode);
  }

  /** Answers the symlink; its target is in it. */
  public static long readSymlink(View view, long number) {
    Inode inode = view.inode(number);
    if (inode == null) {
      return Status.NOT_FOUND.code();
    }
    return inode.isSymlink() ? view.answer(inode) : Status.INVALID_ARGUMENT.code();
  }

  /** How many inodes there are. */
  public static long inodeCount(View view) {
    return view.inodeCount();
  }
}
