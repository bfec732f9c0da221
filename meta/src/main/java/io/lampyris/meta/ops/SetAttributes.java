package io.lampyris.meta.ops;

import io.lampyris.meta.schema.Inode;
import io.lampyris.protocol.AttributeMask;
import io.lampyris.protocol.FileMode;
import io.lampyris.protocol.Status;

/** chmod, chown and utimens. */
public final class SetAttributes {
  /** What must be durable before it is answered; times may follow. */
  public static final int DURABLE = AttributeMask.MODE | AttributeMask.UID | AttributeMask.GID;

  private static final int ALL = DURABLE | AttributeMask.ATIME | AttributeMask.MTIME;
  private static final int GROUP_EXECUTE = 010;
  private static final int GROUP_OR_OTHER_WRITE = 022;

  /**
   * What to set.
   *
   * @param mask bits of {@link AttributeMask}; fields outside it are ignored
   */
  public record Change(int mask, int mode, int uid, int gid, long atimeNs, long mtimeNs) {
    boolean has(int bits) {
      return (mask & bits) != 0;
    }
  }

  private SetAttributes() {}

  public static long set(View view, Caller caller, long number, Change change) {
    Inode inode = view.inode(number);
    if (inode == null) {
      return Status.NOT_FOUND.code();
    }
    if ((change.mask & ~ALL) != 0) {
      return Status.INVALID_ARGUMENT.code();
    }
    if (!isAllowed(caller, inode, change)) {
      return Status.NOT_PERMITTED.code();
    }
    if (change.mask != 0) {
      apply(view, caller, inode, change);
    }
    return view.answer(inode);
  }

  private static boolean isAllowed(Caller caller, Inode inode, Change change) {
    if (caller.isRoot()) {
      return true;
    }
    boolean owner = caller.owns(inode);
    boolean givesAway = change.has(AttributeMask.UID) && change.uid != inode.uid();
    boolean timesAlone = !change.has(DURABLE);
    boolean mayTouch = timesAlone && (inode.mode() & GROUP_OR_OTHER_WRITE) != 0;
    return !givesAway && (owner || mayTouch);
  }

  private static void apply(View view, Caller caller, Inode inode, Change change) {
    if (change.has(AttributeMask.UID | AttributeMask.GID)) {
      int uid = change.has(AttributeMask.UID) ? change.uid : inode.uid();
      int gid = change.has(AttributeMask.GID) ? change.gid : inode.gid();
      inode.owner(uid, gid);
      if (!caller.isRoot() && !inode.isDirectory()) {
        inode.mode(withoutPrivileges(inode.mode()));
      }
    }
    if (change.has(AttributeMask.MODE)) {
      int type = inode.mode() & FileMode.TYPE_MASK;
      inode.mode(type | (change.mode & FileMode.PERMISSION_MASK));
    }
    if (change.has(AttributeMask.ATIME)) {
      inode.atimeNs(change.atimeNs);
    }
    if (change.has(AttributeMask.MTIME)) {
      inode.mtimeNs(change.mtimeNs);
    }
    inode.ctimeNs(view.nowNs());
    view.changed(inode);
  }

  /** Set-gid without group execute is no privilege (it once meant mandatory locking). */
  private static int withoutPrivileges(int mode) {
    int kept = mode & ~FileMode.SET_UID;
    return (mode & GROUP_EXECUTE) != 0 ? kept & ~FileMode.SET_GID : kept;
  }
}
