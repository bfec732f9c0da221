package io.lampyris.client;

/** What the state of one inode needs of the file system that it belongs to. Any thread. */
interface ClientServices {
  MetaClient meta();

  WriteBuffer newWriteBuffer(OpenInode inode);

  /** What programs have read of an inode may be old from now on. */
  void changed(long inode);

  /** Nanoseconds since the epoch, as file times are. */
  long wallClockNs();

  /** Has an inode's buffer flushed by another thread and {@code io} submitted; never blocks. */
  void flushBefore(InodeState state, FileIo io);
}
