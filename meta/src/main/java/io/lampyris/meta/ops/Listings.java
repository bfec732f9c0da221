package io.lampyris.meta.ops;

import io.lampyris.meta.schema.Inode;
import io.lampyris.meta.schema.Keys;
import io.lampyris.meta.schema.Values;
import io.lampyris.protocol.Status;
import java.util.Arrays;

/** Pages of directories. */
public final class Listings {
  /** Takes the entries of a page. */
  public interface Page {
    /**
     * One entry.
     *
     * @return false when there is no room for it: the page ends before it
     */
    boolean onEntry(long inode, int typeBits, byte[] name);
  }

  private Listings() {}

  /**
   * The entries after a name, in byte order.
   *
   * @param after empty: from the first
   * @return 1 when there are more, 0 when the directory ends with this page
   */
  public static long list(View view, long number, byte[] after, int entriesMax, Page page) {
    Inode directory = view.inode(number);
    long refused = Names.checkParent(directory);
    if (refused < 0) {
      return refused;
    }
    if (after.length > Names.NAME_MAX_BYTES) {
      return Status.NAME_TOO_LONG.code();
    }
    if (entriesMax <= 0) {
      return Status.INVALID_ARGUMENT.code();
    }
    byte[] all = Keys.dentries(number);
    byte[] begin = after.length == 0 ? all : Keys.after(Keys.dentry(number, after));
    int[] left = {entriesMax};
    boolean[] more = new boolean[1];
    view.transaction()
        .range(
            begin,
            Keys.end(all),
            Integer.MAX_VALUE,
            false,
            (key, value) -> {
              more[0] = left[0]-- == 0 || !page.onEntry(inode(value), type(value), name(key));
              return !more[0];
            });
    return more[0] ? 1 : 0;
  }

  private static long inode(byte[] value) {
    return Values.dentryInode(value);
  }

  private static int type(byte[] value) {
    return Values.dentryType(value);
  }

  private static byte[] name(byte[] key) {
    return Arrays.copyOfRange(key, Keys.DENTRY_NAME_AT, key.length);
  }
}
