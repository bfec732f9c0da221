package io.lampyris.meta.ops;

import io.lampyris.meta.schema.Inode;
import io.lampyris.meta.schema.Keys;
import io.lampyris.meta.schema.Values;
import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.FileMode;
import io.lampyris.protocol.Inodes;
import io.lampyris.reactor.kv.Kv;
import io.lampyris.reactor.kv.Transaction;

/** Prepares a store: makes the root on first use, refuses schemas that it does not know. */
public final class Bootstrap {
  /** What the root directory begins as. */
  public record Root(int mode, int uid, int gid) {
    public static final Root DEFAULT = new Root(0755, 0, 0);
  }

  private Bootstrap() {}

  /**
   * Makes the store ready, durably.
   *
   * @throws IllegalStateException when it has another schema version
   */
  public static void prepare(Kv kv, Root root, long nowNs) {
    try (Transaction transaction = kv.begin()) {
      byte[] schema = transaction.get(Keys.schema());
      if (schema != null) {
        check(Values.counterOf(schema));
        return;
      }
      transaction.put(Keys.schema(), Values.counter(Values.SCHEMA_VERSION));
      transaction.put(Keys.inodeNext(), Values.counter(Inodes.FIRST));
      transaction.put(Keys.inodeCount(), Values.counter(1));
      transaction.put(Keys.inode(Inodes.ROOT), rootInode(root, nowNs).value());
      if (transaction.commit() == Transaction.CONFLICT) {
        throw new IllegalStateException("somebody else prepares this store at the same time");
      }
    }
    kv.sync();
  }

  private static void check(long version) {
    if (version != Values.SCHEMA_VERSION) {
      throw new IllegalStateException(
          "meta store has another schema version; observed=%d, limit=%d; remedy: use the release that wrote it"
              .formatted(version, Values.SCHEMA_VERSION));
    }
  }

  private static Inode rootInode(Root root, long nowNs) {
    int mode = FileMode.DIRECTORY | (root.mode() & FileMode.PERMISSION_MASK);
    Inode inode = Inode.make(Inodes.ROOT, mode, FileLayout.NONE);
    inode.owner(root.uid(), root.gid());
    inode.linkCount(2);
    inode.parent(Inodes.ROOT);
    inode.atimeNs(nowNs);
    inode.mtimeNs(nowNs);
    inode.ctimeNs(nowNs);
    return inode;
  }
}
