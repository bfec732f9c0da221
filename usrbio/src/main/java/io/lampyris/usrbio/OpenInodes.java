package io.lampyris.usrbio;

import io.lampyris.client.FileSystemException;
import io.lampyris.client.OpenInode;

/** Finds open files by number: {@code FileSystem::openInode}. Owner: reactor; must not block. */
@FunctionalInterface
public interface OpenInodes {
  /**
   * The inode if this client holds it open.
   *
   * @throws FileSystemException EBADF when it is not open, EACCES when only for reading
   */
  OpenInode openInode(long inode, boolean forWrite) throws FileSystemException;
}
