package io.lampyris.meta.ops;

import io.lampyris.meta.schema.Inode;
import io.lampyris.meta.schema.Keys;
import io.lampyris.protocol.ChoreKind;
import io.lampyris.protocol.Status;
import java.util.ArrayList;
import java.util.List;

/** Work that metadata remembers until storage has followed it. */
public final class Chores {
  /** One piece of work; the client is {@link #NOBODY} unless a session is to be settled. */
  public record Chore(Inode inode, Client client) {}

  public static final Client NOBODY = new Client(0, 0);

  private Chores() {}

  /**
   * Chores of a kind after an inode, in the order of their keys.
   *
   * <p>Sessions of one inode are not cut apart while they fit one page, for the cursor is an inode;
   * those that did not fit are listed by a later pass, when the first ones have ended.
   *
   * @param caller whose own sessions are not listed
   * @return 1 when there are more, 0 when this was all
   */
  public static long list(
      View view, ChoreKind kind, long after, int choresMax, Client caller, List<Chore> chores) {
    if (choresMax <= 0) {
      return Status.INVALID_ARGUMENT.code();
    }
    List<byte[]> keys = new ArrayList<>();
    boolean settle = kind == ChoreKind.SETTLE;
    byte[] all = settle ? Keys.sessions() : Keys.chores(kind);
    byte[] begin = settle ? Keys.end(Keys.sessions(after)) : Keys.after(Keys.chore(kind, after));
    view.transaction()
        .range(
            after == 0 ? all : begin,
            Keys.end(all),
            Integer.MAX_VALUE,
            false,
            (key, value) -> {
              if (!settle || !clientOf(key).equals(caller)) {
                keys.add(key);
              }
              return keys.size() <= choresMax;
            });
    boolean more = keys.size() > choresMax;
    if (more) {
      cutPage(keys, settle);
    }
    for (byte[] key : keys) {
      Inode inode = view.named(settle ? Keys.sessionInode(key) : Keys.choreInode(key));
      chores.add(new Chore(inode, settle ? clientOf(key) : NOBODY));
    }
    return more ? 1 : 0;
  }

  /** Takes the entry that is too many, and what belongs to the same inode, if others remain. */
  private static void cutPage(List<byte[]> keys, boolean settle) {
    byte[] over = keys.removeLast();
    if (settle) {
      long inode = Keys.sessionInode(over);
      if (Keys.sessionInode(keys.getFirst()) != inode) {
        keys.removeIf(key -> Keys.sessionInode(key) == inode);
      }
    }
  }

  private static Client clientOf(byte[] sessionKey) {
    return new Client(Keys.sessionClientHigh(sessionKey), Keys.sessionClientLow(sessionKey));
  }

  /** A chore is done. Ending one that is not there is no error: it was a retry. */
  public static long end(View view, ChoreKind kind, long number, long lengthBytes, Client client) {
    Inode inode = view.inode(number);
    if (inode == null) {
      return 0;
    }
    return switch (kind) {
      case REMOVE -> endRemove(view, inode);
      case TRUNCATE -> endTruncate(view, inode, lengthBytes);
      case SETTLE -> endSettle(view, inode, lengthBytes, client);
    };
  }

  private static long endRemove(View view, Inode inode) {
    if (inode.linkCount() != 0) {
      return Status.INVALID_ARGUMENT.code();
    }
    if (!view.hasChore(ChoreKind.REMOVE, inode.number())) {
      return Status.BUSY.code();
    }
    view.clearChore(ChoreKind.REMOVE, inode.number());
    view.clearChore(ChoreKind.TRUNCATE, inode.number());
    view.remove(inode);
    return 0;
  }

  /** The caller cut at the length that it was told; another length means another truncation. */
  private static long endTruncate(View view, Inode inode, long lengthBytes) {
    if (inode.lengthBytes() != lengthBytes) {
      return Status.BUSY.code();
    }
    view.clearChore(ChoreKind.TRUNCATE, inode.number());
    return view.answer(inode);
  }

  private static long endSettle(View view, Inode inode, long lengthBytes, Client client) {
    if (lengthBytes > inode.lengthBytes()) {
      if (lengthBytes > inode.layout().lengthMaxBytes()) {
        return Status.FILE_TOO_LARGE.code();
      }
      inode.lengthBytes(lengthBytes);
      inode.mtimeNs(view.nowNs());
      inode.ctimeNs(view.nowNs());
      view.changed(inode);
    }
    view.closeSession(inode, client);
    return view.answer(inode);
  }
}
