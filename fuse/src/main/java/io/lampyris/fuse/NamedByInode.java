package io.lampyris.fuse;

import io.lampyris.bindings.Errno;
import io.lampyris.client.FileSystemException;
import io.lampyris.client.VirtualTree.Caller;
import io.lampyris.protocol.Attributes;
import io.lampyris.protocol.FileMode;
import io.lampyris.protocol.Inodes;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Changes of names whose directories the kernel has not looked at, as they come by inode (ioctl) or
 * as a path in a symlink: one caller's, for one request. Permissions are checked here, those of all
 * directories above included.
 */
final class NamedByInode {
  private final InodeView view;
  private final Caller caller;
  private final Permissions permissions;

  NamedByInode(InodeView view, Caller caller) {
    this.view = view;
    this.caller = caller;
    this.permissions = new Permissions(caller);
  }

  /** Another name for an open file. */
  void link(OpenFile file, NameKey key) throws FileSystemException {
    permissions.checkMayLink(file.handle().attributes());
    if (isVirtual(key)) {
      throw new FileSystemException(Errno.EEXIST, "the virtual directory has this name");
    }
    checkMayChange(key);
    view.link(caller, file.inode(), key);
  }

  void rename(NameKey from, NameKey to) throws FileSystemException {
    refuseVirtual(from);
    refuseVirtual(to);
    checkMayChange(from);
    checkMayChange(to);
    view.rename(caller, from, to);
  }

  /**
   * Removes a file, an empty directory as remove(3) does, or with {@code recursive} a directory and
   * all below it.
   */
  void remove(NameKey key, boolean recursive) throws FileSystemException {
    refuseVirtual(key);
    checkMayChange(key);
    Attributes found = view.attributes(caller, view.known(caller, key));
    if (!FileMode.isDirectory(found.mode())) {
      view.unlink(caller, key);
    } else if (recursive) {
      new TreeRemoval(view, caller, permissions).remove(key, found.inode());
    } else {
      view.removeDirectory(caller, key);
    }
  }

  /** Removes a directory that is open, with all below it, whatever its name is now. */
  void removeTree(OpenDirectory directory) throws FileSystemException {
    long inode = directory.inode();
    if (directory.virtualPath() != null || inode == Inodes.ROOT) {
      throw new FileSystemException(Errno.EPERM, "the mount's own directory");
    }
    remove(view.nameOf(caller, inode), /* recursive= */ true);
  }

  /** Removes what a path in the mount names, with all below it. */
  void removeTree(byte[] path) throws FileSystemException {
    NameKey key = view.keyOf(caller, path);
    remove(key, /* recursive= */ true);
  }

  private void checkMayChange(NameKey key) throws FileSystemException {
    if (!isPlain(new String(key.name(), StandardCharsets.ISO_8859_1))) {
      throw new FileSystemException(Errno.EINVAL, "not a name");
    }
    long parent = key.parent();
    if (Long.compareUnsigned(parent, Inodes.LAST) > 0) {
      throw new FileSystemException(Errno.EXDEV, "a name in the virtual directory");
    }
    Attributes directory = view.attributes(caller, parent);
    if (!FileMode.isDirectory(directory.mode())) {
      throw new FileSystemException(Errno.ENOTDIR, "no directory; observed=inode " + parent);
    }
    permissions.check(directory, FileMode.MAY_WRITE | FileMode.MAY_SEARCH);
    while (directory.inode() != Inodes.ROOT) {
      directory = view.attributes(caller, directory.parent());
      permissions.check(directory, FileMode.MAY_SEARCH);
    }
  }

  /** Whether it names something in its directory, and nothing else. */
  static boolean isPlain(String name) {
    return !name.isEmpty() && !name.equals(".") && !name.equals("..") && name.indexOf('/') < 0;
  }

  private static boolean isVirtual(NameKey key) {
    return key.parent() == Inodes.ROOT && Arrays.equals(key.name(), InodeView.VIRTUAL_NAME);
  }

  private static void refuseVirtual(NameKey key) throws FileSystemException {
    if (isVirtual(key)) {
      throw new FileSystemException(Errno.EPERM, "the virtual directory");
    }
  }
}
