package io.lampyris.usrbio;

import io.lampyris.client.FileSystem.User;
import io.lampyris.client.FileSystemException;
import io.lampyris.client.OpenInode;

/** Finds open files by number: {@code FileSystem::openInode}. Owner: reactor; must not block. */
@FunctionalInterface
public interface OpenInodes {
  /**
   * The inode if a user holds it open at this mount.
   *
   * @throws FileSystemException EBADF when this user does not, EACCES when only for the other
   *     direction
   */
  OpenInode openInode(User user, long inode, boolean forWrite) throws FileSystemException;
}
