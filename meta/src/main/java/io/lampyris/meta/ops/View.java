package io.lampyris.meta.ops;

import io.lampyris.meta.schema.CorruptValueException;
import io.lampyris.meta.schema.Inode;
import io.lampyris.meta.schema.Keys;
import io.lampyris.meta.schema.Values;
import io.lampyris.protocol.ChoreKind;
import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.FileMode;
import io.lampyris.reactor.kv.Transaction;
import java.util.ArrayList;
import java.util.List;
import org.agrona.collections.Long2ObjectHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A transaction in the namespace's words. An inode that is read twice is the same object, so that
 * both parents of a rename may be one; what was {@link #changed} is written by {@link #commit}.
 * Owner: the transaction's thread.
 */
public final class View implements AutoCloseable {
  private final Transaction transaction;
  private final InodeNumbers numbers;
  private final LayoutPolicy layouts;
  private final long nowNs;
  private final Long2ObjectHashMap<Inode> inodes = new Long2ObjectHashMap<>();
  private final List<Inode> changed = new ArrayList<>();
  private long inodesAdded;
  private @Nullable Inode answer;

  /**
   * A view of a fresh transaction, which it ends.
   *
   * @param nowNs wall clock: what new times are
   */
  public View(Transaction transaction, InodeNumbers numbers, LayoutPolicy layouts, long nowNs) {
    this.transaction = transaction;
    this.numbers = numbers;
    this.layouts = layouts;
    this.nowNs = nowNs;
  }

  public Transaction transaction() {
    return transaction;
  }

  public long nowNs() {
    return nowNs;
  }

  /** The inode whose attributes answer the operation; null when there is none. */
  public @Nullable Inode answer() {
    return answer;
  }

  /** Leaves the answer; returns 0. */
  long answer(Inode inode) {
    answer = inode;
    return 0;
  }

  /** The inode with this number; null when there is none. */
  public @Nullable Inode inode(long number) {
    Inode known = inodes.get(number);
    if (known != null) {
      return known;
    }
    byte[] value = transaction.get(Keys.inode(number));
    if (value == null) {
      return null;
    }
    Inode inode = Inode.wrap(number, value);
    inodes.put(number, inode);
    return inode;
  }

  /** The inode that another record names (I1). */
  Inode named(long number) {
    Inode inode = inode(number);
    if (inode == null) {
      throw new CorruptValueException("inode is missing; observed=" + number);
    }
    return inode;
  }

  /** The commit writes this inode. */
  void changed(Inode inode) {
    if (!changed.contains(inode)) {
      changed.add(inode);
    }
  }

  /** Entries came or went: the directory's times follow. */
  void entriesChanged(Inode directory) {
    directory.mtimeNs(nowNs);
    directory.ctimeNs(nowNs);
    changed(directory);
  }

  /** A new inode of this kind; the caller sets its links. */
  Inode add(int mode, Caller caller, Inode directory) {
    FileLayout layout = FileMode.isRegular(mode) ? layouts.next() : FileLayout.NONE;
    return add(Inode.make(numbers.take(), mode, layout), caller, directory);
  }

  Inode addSymlink(byte[] target, Caller caller, Inode directory) {
    return add(Inode.makeSymlink(numbers.take(), target), caller, directory);
  }

  private Inode add(Inode inode, Caller caller, Inode directory) {
    boolean inherit = (directory.mode() & FileMode.SET_GID) != 0;
    inode.owner(caller.uid(), inherit ? directory.gid() : caller.gid());
    if (inherit && inode.isDirectory()) {
      inode.mode(inode.mode() | FileMode.SET_GID);
    }
    inode.atimeNs(nowNs);
    inode.mtimeNs(nowNs);
    inode.ctimeNs(nowNs);
    inodes.put(inode.number(), inode);
    inodesAdded++;
    changed(inode);
    return inode;
  }

  /** Ends an inode: its record is gone with the commit. */
  void remove(Inode inode) {
    changed.remove(inode);
    inodes.remove(inode.number());
    transaction.clear(Keys.inode(inode.number()));
    inodesAdded--;
  }

  /** What a name stands for: an inode number, or 0. */
  long dentry(long parent, byte[] name) {
    byte[] value = transaction.get(Keys.dentry(parent, name));
    return value == null ? 0 : Values.dentryInode(value);
  }

  void putDentry(long parent, byte[] name, Inode inode) {
    byte[] value = Values.dentry(inode.number(), inode.mode() & FileMode.TYPE_MASK);
    transaction.put(Keys.dentry(parent, name), value);
  }

  void clearDentry(long parent, byte[] name) {
    transaction.clear(Keys.dentry(parent, name));
  }

  boolean isEmpty(Inode directory) {
    return !hasAny(Keys.dentries(directory.number()));
  }

  boolean hasSessions(Inode inode) {
    return hasAny(Keys.sessions(inode.number()));
  }

  private boolean hasAny(byte[] prefix) {
    boolean[] found = new boolean[1];
    transaction.range(
        prefix,
        Keys.end(prefix),
        1,
        false,
        (key, value) -> {
          found[0] = true;
          return false;
        });
    return found[0];
  }

  void openSession(Inode inode, Client client, boolean mayWrite) {
    byte[] key = Keys.session(inode.number(), client.high(), client.low());
    byte[] old = transaction.get(key);
    if (old == null || (mayWrite && !Values.sessionMayWrite(old))) {
      transaction.put(key, Values.session(mayWrite));
    }
  }

  /** Ends a client's session, if it has one; the last one of a nameless inode leaves a chore. */
  void closeSession(Inode inode, Client client) {
    byte[] key = Keys.session(inode.number(), client.high(), client.low());
    if (transaction.get(key) != null) {
      transaction.clear(key);
      if (inode.linkCount() == 0 && !hasSessions(inode)) {
        putChore(ChoreKind.REMOVE, inode);
      }
    }
  }

  void putChore(ChoreKind kind, Inode inode) {
    transaction.put(Keys.chore(kind, inode.number()), Values.chore(inode.truncateVersion()));
  }

  boolean hasChore(ChoreKind kind, long inode) {
    return transaction.get(Keys.chore(kind, inode)) != null;
  }

  void clearChore(ChoreKind kind, long inode) {
    transaction.clear(Keys.chore(kind, inode));
  }

  /** One name less; the inode goes with its last one, or when its chunks have gone (I3). */
  void dropLink(Inode inode) {
    inode.linkCount(inode.linkCount() - 1);
    inode.ctimeNs(nowNs);
    if (inode.linkCount() > 0) {
      changed(inode);
    } else if (!inode.isRegular()) {
      remove(inode);
    } else {
      changed(inode);
      if (!hasSessions(inode)) {
        putChore(ChoreKind.REMOVE, inode);
      }
    }
  }

  /** How many inodes there are, without this view's changes. */
  long inodeCount() {
    byte[] value = transaction.get(Keys.inodeCount());
    if (value == null) {
      throw new CorruptValueException("the store has no count of inodes");
    }
    return Values.counterOf(value);
  }

  /** Writes what changed and commits; see {@link Transaction#commit}. */
  public long commit() {
    if (inodesAdded != 0) {
      transaction.put(Keys.inodeCount(), Values.counter(inodeCount() + inodesAdded));
    }
    for (Inode inode : changed) {
      transaction.put(Keys.inode(inode.number()), inode.value());
    }
    return transaction.commit();
  }

  @Override
  public void close() {
    transaction.close();
  }
}
