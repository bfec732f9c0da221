package io.lampyris.meta.ops;

import io.lampyris.meta.schema.Inode;
import io.lampyris.protocol.FileMode;
import io.lampyris.protocol.OpenFlags;
import io.lampyris.protocol.Status;
import org.jspecify.annotations.Nullable;

/** Operations that make names. */
public final class Creates {
  /** As in 3FS: enough for anything seen, small enough for every {@code nlink_t}. */
  static final int FILE_LINKS_MAX = 65_535;

  private Creates() {}

  /** Creates a file, FIFO or socket, or opens the file that has the name already. */
  public static long file(
      View view, Caller caller, Client client, long parent, byte[] name, int mode, int flags) {
    int kind = (mode & FileMode.TYPE_MASK) == 0 ? mode | FileMode.REGULAR : mode;
    long refused = checkKind(kind);
    if (refused < 0) {
      return refused;
    }
    Inode directory = view.inode(parent);
    refused = checkPlace(directory, name);
    if (refused < 0 || directory == null) {
      return refused;
    }
    long taken = view.dentry(parent, name);
    if (taken != 0) {
      return existing(view, caller, client, view.named(taken), flags);
    }
    int bits = FileMode.TYPE_MASK | FileMode.PERMISSION_MASK;
    Inode inode = view.add(kind & bits, caller, directory);
    link(view, directory, name, inode);
    if (inode.isRegular() && (flags & OpenFlags.SESSION) != 0) {
      view.openSession(inode, client, (flags & OpenFlags.WRITE) != 0);
    }
    return view.answer(inode);
  }

  private static long checkKind(int mode) {
    return switch (mode & FileMode.TYPE_MASK) {
      case FileMode.REGULAR, FileMode.FIFO, FileMode.SOCKET -> 0;
      case FileMode.DIRECTORY, FileMode.SYMLINK -> Status.INVALID_ARGUMENT.code();
      // Devices: what mknod(2) says of a file system that has none.
      default -> Status.NOT_PERMITTED.code();
    };
  }

  private static long existing(View view, Caller caller, Client client, Inode inode, int flags) {
    if ((flags & OpenFlags.EXCLUSIVE) != 0) {
      return Status.EXISTS.code();
    }
    if (inode.isDirectory()) {
      return Status.IS_DIRECTORY.code();
    }
    if (!inode.isRegular()) {
      return Status.EXISTS.code();
    }
    // The kernel saw no such file and so has not checked; somebody else was faster.
    boolean write = (flags & OpenFlags.WRITE) != 0;
    if (!mayOpen(caller, inode, write)) {
      return Status.ACCESS_DENIED.code();
    }
    return Sessions.open(view, client, inode.number(), flags);
  }

  private static boolean mayOpen(Caller caller, Inode inode, boolean write) {
    int needed = write ? FileMode.MAY_WRITE : FileMode.MAY_READ;
    boolean isOwner = inode.uid() == caller.uid();
    boolean isInGroup = inode.gid() == caller.gid();
    return caller.isRoot() || FileMode.grants(inode.mode(), isOwner, isInGroup, needed);
  }

  public static long directory(View view, Caller caller, long parent, byte[] name, int mode) {
    Inode directory = view.inode(parent);
    long refused = checkFree(view, directory, name);
    if (refused < 0 || directory == null) {
      return refused;
    }
    if (directory.linkCount() == Integer.MAX_VALUE) {
      return Status.TOO_MANY_LINKS.code();
    }
    int permissions = mode & FileMode.PERMISSION_MASK;
    Inode inode = view.add(FileMode.DIRECTORY | permissions, caller, directory);
    inode.parent(parent);
    link(view, directory, name, inode);
    inode.linkCount(2);
    directory.linkCount(directory.linkCount() + 1);
    return view.answer(inode);
  }

  public static long symlink(View view, Caller caller, long parent, byte[] name, byte[] target) {
    long refused = Names.checkTarget(target);
    if (refused < 0) {
      return refused;
    }
    Inode directory = view.inode(parent);
    refused = checkFree(view, directory, name);
    if (refused < 0 || directory == null) {
      return refused;
    }
    Inode inode = view.addSymlink(target, caller, directory);
    link(view, directory, name, inode);
    return view.answer(inode);
  }

  /** Gives an inode one more name. */
  public static long hardLink(View view, long number, long parent, byte[] name) {
    Inode inode = view.inode(number);
    if (inode == null || inode.linkCount() == 0) {
      return Status.NOT_FOUND.code();
    }
    if (inode.isDirectory()) {
      return Status.NOT_PERMITTED.code();
    }
    Inode directory = view.inode(parent);
    long refused = checkFree(view, directory, name);
    if (refused < 0 || directory == null) {
      return refused;
    }
    if (inode.linkCount() >= FILE_LINKS_MAX) {
      return Status.TOO_MANY_LINKS.code();
    }
    link(view, directory, name, inode);
    inode.ctimeNs(view.nowNs());
    view.changed(inode);
    return view.answer(inode);
  }

  private static void link(View view, Inode directory, byte[] name, Inode inode) {
    view.putDentry(directory.number(), name, inode);
    view.entriesChanged(directory);
    inode.linkCount(inode.linkCount() + 1);
  }

  private static long checkPlace(@Nullable Inode directory, byte[] name) {
    long refused = Names.checkParent(directory);
    return refused < 0 ? refused : Names.check(name);
  }

  private static long checkFree(View view, @Nullable Inode directory, byte[] name) {
    long refused = checkPlace(directory, name);
    if (refused < 0 || directory == null) {
      return refused;
    }
    return view.dentry(directory.number(), name) == 0 ? 0 : Status.EXISTS.code();
  }
}
