package io.lampyris.fuse;

import io.lampyris.bindings.Errno;
import io.lampyris.client.FileSystemException;
import io.lampyris.client.VirtualTree.Caller;
import io.lampyris.protocol.FileMode;
import java.util.ArrayDeque;

/**
 * Removes a directory and all below it, as {@code rm -rf} does but in one request: depth first, so
 * what an error leaves is a tree that can be removed again. Others may put names into it meanwhile;
 * it is emptied again then, some times.
 */
final class TreeRemoval {
  /** Names of one directory that are kept at once: removed ones are not listed again. */
  private static final int NAMES_MAX = 4096;

  /** How often a directory that was empty may turn out not to be. */
  private static final int REFILLS_MAX = 16;

  private record Entry(NameKey key, long inode, boolean isDirectory) {}

  private static final class Level {
    final NameKey key;
    final long inode;
    final ArrayDeque<Entry> entries = new ArrayDeque<>();
    int refills;

    Level(NameKey key, long inode) {
      this.key = key;
      this.inode = inode;
    }
  }

  private final InodeView view;
  private final Caller caller;
  private final Permissions permissions;
  private final ArrayDeque<Level> levels = new ArrayDeque<>();

  TreeRemoval(InodeView view, Caller caller, Permissions permissions) {
    this.view = view;
    this.caller = caller;
    this.permissions = permissions;
  }

  void remove(NameKey key, long inode) throws FileSystemException {
    levels.push(new Level(key, inode));
    for (Level level = levels.peek(); level != null; level = levels.peek()) {
      Entry entry = level.entries.poll();
      if (entry == null && !refill(level)) {
        removeEmptied(level);
      } else if (entry != null && entry.isDirectory()) {
        levels.push(new Level(entry.key(), entry.inode()));
      } else if (entry != null) {
        unlink(entry);
      }
    }
  }

  /** Lists what is left; false when that is nothing. */
  private boolean refill(Level level) throws FileSystemException {
    int all = FileMode.MAY_READ | FileMode.MAY_WRITE | FileMode.MAY_SEARCH;
    permissions.check(view.attributes(caller, level.inode), all);
    view.list(
        caller,
        level.inode,
        (inode, mode, name) -> {
          level.entries.add(
              new Entry(new NameKey(level.inode, name), inode, FileMode.isDirectory(mode)));
          return level.entries.size() < NAMES_MAX;
        });
    return !level.entries.isEmpty();
  }

  private void removeEmptied(Level level) throws FileSystemException {
    try {
      view.removeDirectory(caller, level.key);
    } catch (FileSystemException e) {
      if (e.errno() == Errno.ENOTEMPTY && ++level.refills <= REFILLS_MAX) {
        return;
      }
      ignoreGone(e);
    }
    levels.pop();
  }

  private void unlink(Entry entry) throws FileSystemException {
    try {
      view.unlink(caller, entry.key());
    } catch (FileSystemException e) {
      ignoreGone(e);
    }
  }

  /** Somebody else was faster. */
  private static void ignoreGone(FileSystemException e) throws FileSystemException {
    if (e.errno() != Errno.ENOENT) {
      throw e;
    }
  }
}
