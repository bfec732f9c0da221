package io.lampyris.client;

import io.lampyris.bindings.Errno;
import io.lampyris.client.FileSystem.Access;
import io.lampyris.client.FileSystem.User;
import java.util.ArrayList;
import java.util.List;

/**
 * Which users hold an inode open, and for what. Changed under the inode's lock; asked by any
 * thread, a reactor's too.
 */
final class Openers {
  /** How many handles of a user read, and how many write. */
  private record Opener(int uid, int readers, int writers) {
    Opener with(Access access, int more) {
      return new Opener(
          uid, readers + (access.reads() ? more : 0), writers + (access.writes() ? more : 0));
    }

    boolean isGone() {
      return readers == 0 && writers == 0;
    }
  }

  /** Replaced as a whole; few users share a file, and few files at that. */
  private volatile List<Opener> all = List.of();

  void add(int uid, Access access) {
    change(uid, access, +1);
  }

  void remove(int uid, Access access) {
    change(uid, access, -1);
  }

  private void change(int uid, Access access, int more) {
    List<Opener> next = new ArrayList<>();
    Opener changed = new Opener(uid, 0, 0);
    for (Opener opener : all) {
      if (opener.uid == uid) {
        changed = opener;
      } else {
        next.add(opener);
      }
    }
    changed = changed.with(access, more);
    assert changed.readers >= 0 && changed.writers >= 0 : "a handle is released once";
    if (!changed.isGone()) {
      next.add(changed);
    }
    all = List.copyOf(next);
  }

  /** 0, EBADF when the user does not hold it open, EACCES when only for the other. */
  int mayUse(int uid, boolean forWrite) {
    boolean root = uid == User.ROOT.uid();
    boolean open = false;
    List<Opener> now = all;
    // By index: an iterator would be garbage of every I/O of a ring.
    for (int i = 0; i < now.size(); i++) {
      Opener opener = now.get(i);
      if (root || opener.uid == uid) {
        open = true;
        // Root may read whatever is open; who writes is in the session that metadata knows.
        if (forWrite ? opener.writers > 0 : root || opener.readers > 0) {
          return 0;
        }
      }
    }
    return open ? Errno.EACCES : Errno.EBADF;
  }
}
