package io.lampyris.meta.ops;

import io.lampyris.meta.schema.Inode;
import io.lampyris.protocol.Inodes;
import io.lampyris.protocol.Status;
import org.jspecify.annotations.Nullable;

/** rename(2), with the flags of renameat2(2). */
public final class Renames {
  public static final int NO_REPLACE = 1;
  public static final int EXCHANGE = 2;

  private Renames() {}

  /** Where a name is. */
  private static final class Place {
    final Inode directory;
    final byte[] name;

    Place(Inode directory, byte[] name) {
      this.directory = directory;
      this.name = name;
    }
  }

  /** Answers the replaced inode, when one was. */
  public static long rename(
      View view,
      Caller caller,
      long parent,
      byte[] name,
      long newParent,
      byte[] newName,
      int flags) {
    if (flags != 0 && flags != NO_REPLACE && flags != EXCHANGE) {
      return Status.INVALID_ARGUMENT.code();
    }
    Inode from = view.inode(parent);
    Inode to = view.inode(newParent);
    long refused = firstOf(Names.checkParent(from), Names.checkParent(to));
    refused = firstOf(refused, firstOf(Names.check(name), Names.check(newName)));
    if (refused < 0 || from == null || to == null) {
      return refused;
    }
    long number = view.dentry(parent, name);
    if (number == 0) {
      return Status.NOT_FOUND.code();
    }
    long taken = view.dentry(newParent, newName);
    Inode target = taken == 0 ? null : view.named(taken);
    Place source = new Place(from, name);
    Place destination = new Place(to, newName);
    return rename(view, caller, view.named(number), source, target, destination, flags);
  }

  private static long rename(
      View view,
      Caller caller,
      Inode moved,
      Place source,
      @Nullable Inode target,
      Place destination,
      int flags) {
    if (target != null && flags == NO_REPLACE) {
      return Status.EXISTS.code();
    }
    if (target == null && flags == EXCHANGE) {
      return Status.NOT_FOUND.code();
    }
    if (target == moved) {
      return 0;
    }
    if (!caller.mayRemoveFrom(source.directory, moved)
        || (target != null && !caller.mayRemoveFrom(destination.directory, target))) {
      return Status.NOT_PERMITTED.code();
    }
    if (source.directory != destination.directory && isInside(view, destination.directory, moved)) {
      return Status.LOOP.code();
    }
    if (target != null && flags == EXCHANGE) {
      return exchange(view, moved, source, target, destination);
    }
    long refused = target == null ? 0 : checkReplace(view, moved, source, target);
    return refused < 0 ? refused : move(view, moved, source, target, destination);
  }

  private static long checkReplace(View view, Inode moved, Place source, Inode target) {
    if (moved.isDirectory() != target.isDirectory()) {
      return target.isDirectory() ? Status.IS_DIRECTORY.code() : Status.NOT_DIRECTORY.code();
    }
    // A directory that holds the source is not empty, which isEmpty sees as well.
    assert target != source.directory || !view.isEmpty(target);
    return target.isDirectory() && !view.isEmpty(target) ? Status.NOT_EMPTY.code() : 0;
  }

  private static long move(
      View view, Inode moved, Place source, @Nullable Inode target, Place destination) {
    view.clearDentry(source.directory.number(), source.name);
    view.putDentry(destination.directory.number(), destination.name, moved);
    view.entriesChanged(source.directory);
    view.entriesChanged(destination.directory);
    if (target != null) {
      Removes.drop(view, destination.directory, target);
      view.answer(target);
    }
    settle(view, moved, source.directory, destination.directory);
    return 0;
  }

  private static long exchange(
      View view, Inode moved, Place source, Inode target, Place destination) {
    if (source.directory != destination.directory && isInside(view, source.directory, target)) {
      return Status.LOOP.code();
    }
    view.putDentry(source.directory.number(), source.name, target);
    view.putDentry(destination.directory.number(), destination.name, moved);
    view.entriesChanged(source.directory);
    view.entriesChanged(destination.directory);
    settle(view, moved, source.directory, destination.directory);
    settle(view, target, destination.directory, source.directory);
    return 0;
  }

  /** What was moved knows its new parent, and both parents' links follow (I2, I4). */
  private static void settle(View view, Inode moved, Inode from, Inode to) {
    moved.ctimeNs(view.nowNs());
    view.changed(moved);
    if (moved.isDirectory() && from != to) {
      moved.parent(to.number());
      from.linkCount(from.linkCount() - 1);
      to.linkCount(to.linkCount() + 1);
    }
  }

  /**
   * Whether a directory is another one or lies below it; every ancestor becomes part of the read.
   */
  private static boolean isInside(View view, Inode directory, Inode other) {
    if (!other.isDirectory()) {
      return false;
    }
    Inode ancestor = directory;
    while (ancestor != other) {
      if (ancestor.number() == Inodes.ROOT) {
        return false;
      }
      ancestor = view.named(ancestor.parent());
    }
    return true;
  }

  private static long firstOf(long refused, long other) {
    return refused < 0 ? refused : other;
  }
}
