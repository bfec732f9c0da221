package io.lampyris.fuse;

import io.lampyris.client.FileSystem;

/** One open(2) of a regular file. Any thread. */
final class OpenFile {
  private final FileSystem.Handle handle;
  private final long inode;
  private final WrittenFile written;
  private final boolean directIo;

  /** What the kernel calls the file; 0 until a reply has told it. */
  private volatile long nodeId;

  OpenFile(FileSystem.Handle handle, WrittenFile written, boolean directIo) {
    this.handle = handle;
    this.inode = handle.inode().inode();
    this.written = written;
    this.directIo = directIo;
  }

  FileSystem.Handle handle() {
    return handle;
  }

  long inode() {
    return inode;
  }

  boolean forWrite() {
    return written != WrittenFile.NONE;
  }

  /** {@link WrittenFile#NONE} when open for reading only. */
  WrittenFile written() {
    return written;
  }

  boolean directIo() {
    return directIo;
  }

  long nodeId() {
    return nodeId;
  }

  void nodeId(long id) {
    nodeId = id;
  }
}
