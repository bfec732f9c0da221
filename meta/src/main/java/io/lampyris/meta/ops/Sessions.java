package io.lampyris.meta.ops;

import io.lampyris.meta.schema.Inode;
import io.lampyris.protocol.OpenFlags;
import io.lampyris.protocol.Status;

/** Opens, closes, and what clients report of the files that they write. */
public final class Sessions {
  /** A length or time that is not reported. */
  public static final long UNCHANGED = -1;

  /**
   * What a client knows of a file that it wrote.
   *
   * @param lengthBytes the end of what it wrote, or {@link #UNCHANGED}
   * @param truncateVersion as of that write
   * @param mtimeNs the time of its last write, or {@link #UNCHANGED}
   */
  public record Report(long lengthBytes, long truncateVersion, long mtimeNs) {}

  private Sessions() {}

  public static long open(View view, Client client, long number, int flags) {
    Inode inode = view.inode(number);
    if (inode == null || (inode.linkCount() == 0 && !view.hasSessions(inode))) {
      return Status.NOT_FOUND.code();
    }
    boolean write = (flags & OpenFlags.WRITE) != 0;
    if (inode.isDirectory() && write) {
      return Status.IS_DIRECTORY.code();
    }
    if (inode.isSymlink()) {
      return Status.INVALID_ARGUMENT.code();
    }
    if (inode.isRegular() && (flags & OpenFlags.SESSION) != 0) {
      view.openSession(inode, client, write);
    }
    return view.answer(inode);
  }

  /** Takes the report and ends the client's session. */
  public static long close(View view, Client client, long number, Report report) {
    long result = sync(view, number, report);
    Inode inode = view.answer();
    if (result == 0 && inode != null) {
      view.closeSession(inode, client);
    }
    return result;
  }

  /** Raises the length and takes the time; what was reported before a truncation is not told. */
  public static long sync(View view, long number, Report report) {
    Inode inode = view.inode(number);
    if (inode == null) {
      return Status.NOT_FOUND.code();
    }
    if (report.lengthBytes >= 0 || report.mtimeNs >= 0) {
      if (inode.isDirectory()) {
        return Status.IS_DIRECTORY.code();
      }
      if (!inode.isRegular()) {
        return Status.INVALID_ARGUMENT.code();
      }
      if (report.lengthBytes > inode.layout().lengthMaxBytes()) {
        return Status.FILE_TOO_LARGE.code();
      }
      take(view, inode, report);
    }
    return view.answer(inode);
  }

  private static void take(View view, Inode inode, Report report) {
    boolean current = report.truncateVersion == inode.truncateVersion();
    boolean longer = current && report.lengthBytes > inode.lengthBytes();
    boolean newer = report.mtimeNs >= 0 && report.mtimeNs != inode.mtimeNs();
    if (longer) {
      inode.lengthBytes(report.lengthBytes);
    }
    if (newer) {
      inode.mtimeNs(report.mtimeNs);
    }
    if (longer || newer) {
      inode.ctimeNs(view.nowNs());
      view.changed(inode);
    }
  }
}
