package io.lampyris.client;

import io.lampyris.client.FileSystem.User;
import io.lampyris.protocol.Attributes;
import java.util.List;

/**
 * Entries of the mount that no metadata service knows, below {@link #NAME} in its root; they are
 * how programs register rings and memory. Paths are relative to it: {@code ""}, {@code "iovs"},
 * {@code "iovs/KEY"}. Any thread.
 */
public interface VirtualTree {
  /** The directory's name in the root of the mount; programs look for it. */
  String NAME = "3fs-virt";

  /**
   * Who calls: credentials and process, as the kernel says. A process id of 0 is not visible here.
   */
  record Caller(User user, int pid) {}

  Attributes lookup(Caller caller, String path) throws FileSystemException;

  /** Names of what the caller may see in a directory. */
  List<String> list(Caller caller, String path) throws FileSystemException;

  byte[] readSymlink(Caller caller, String path) throws FileSystemException;

  void makeSymlink(Caller caller, String path, byte[] target) throws FileSystemException;

  void unlink(Caller caller, String path) throws FileSystemException;

  /**
   * A process opened a directory.
   *
   * @return what {@link #releaseDirectory} takes
   */
  long openDirectory(Caller caller, String path) throws FileSystemException;

  /** The last descriptor of that open is gone: the process died, or has let go. */
  void releaseDirectory(long handle);
}
