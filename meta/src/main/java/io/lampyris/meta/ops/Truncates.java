package io.lampyris.meta.ops;

import io.lampyris.meta.schema.Inode;
import io.lampyris.meta.schema.Keys;
import io.lampyris.meta.schema.Values;
import io.lampyris.protocol.ChoreKind;
import io.lampyris.protocol.Status;

/** A truncation: the length is set first and durably, the chunks follow, then it is done. */
public final class Truncates {
  private Truncates() {}

  /**
   * Sets the length. A chore is left even when the file grows: a writer may have left chunks past
   * the old length that it never reported, and they must read as zeros.
   */
  public static long begin(View view, long number, long lengthBytes) {
    Inode inode = view.inode(number);
    if (inode == null) {
      return Status.NOT_FOUND.code();
    }
    if (inode.isDirectory()) {
      return Status.IS_DIRECTORY.code();
    }
    if (!inode.isRegular() || lengthBytes < 0) {
      return Status.INVALID_ARGUMENT.code();
    }
    if (lengthBytes > inode.layout().lengthMaxBytes()) {
      return Status.FILE_TOO_LARGE.code();
    }
    inode.lengthBytes(lengthBytes);
    inode.truncateVersion(inode.truncateVersion() + 1);
    inode.mtimeNs(view.nowNs());
    inode.ctimeNs(view.nowNs());
    view.changed(inode);
    view.putChore(ChoreKind.TRUNCATE, inode);
    return view.answer(inode);
  }

  /** The chunks are gone; unless it was truncated again meanwhile, nothing is left to do. */
  public static long end(View view, long number, long truncateVersion) {
    Inode inode = view.inode(number);
    if (inode == null) {
      return Status.NOT_FOUND.code();
    }
    byte[] chore = view.transaction().get(Keys.chore(ChoreKind.TRUNCATE, number));
    if (chore != null && Values.choreTruncateVersion(chore) == truncateVersion) {
      view.clearChore(ChoreKind.TRUNCATE, number);
    }
    return view.answer(inode);
  }
}
