package io.lampyris.fuse;

import io.lampyris.bindings.Errno;
import io.lampyris.client.FileSystemException;
import io.lampyris.client.VirtualTree;
import io.lampyris.protocol.Attributes;
import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.FileMode;
import io.lampyris.protocol.Inodes;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;

/** {@code 3fs-virt} with {@code iovs} in it, whose symlinks are kept and lead nowhere. */
final class MemoryVirtualTree implements VirtualTree {
  private final TreeMap<String, byte[]> links = new TreeMap<>();
  private final AtomicLong nextHandle = new AtomicLong(1);
  final List<Long> released = new ArrayList<>();
  final List<Caller> openers = new ArrayList<>();

  @Override
  public synchronized Attributes lookup(Caller caller, String path) throws FileSystemException {
    if (path.isEmpty()) {
      return attributes(1, FileMode.DIRECTORY | 0555);
    }
    if (path.equals("iovs")) {
      return attributes(2, FileMode.DIRECTORY | 0777);
    }
    byte[] target = links.get(path);
    if (target == null) {
      throw new FileSystemException(Errno.ENOENT, "no such link");
    }
    return attributes(16 + (path.hashCode() & 0x7fffffffL), FileMode.SYMLINK | 0777);
  }

  @Override
  public synchronized List<String> list(Caller caller, String path) {
    if (path.isEmpty()) {
      return List.of("iovs");
    }
    return links.keySet().stream().map(name -> name.substring("iovs/".length())).toList();
  }

  @Override
  public synchronized byte[] readSymlink(Caller caller, String path) throws FileSystemException {
    lookup(caller, path);
    byte[] target = links.get(path);
    if (target == null) {
      throw new FileSystemException(Errno.EINVAL, "not a link");
    }
    return target;
  }

  @Override
  public synchronized void makeSymlink(Caller caller, String path, byte[] target)
      throws FileSystemException {
    if (!path.startsWith("iovs/")) {
      throw new FileSystemException(Errno.EPERM, "not here");
    }
    links.put(path, target);
  }

  @Override
  public synchronized void unlink(Caller caller, String path) throws FileSystemException {
    if (links.remove(path) == null) {
      throw new FileSystemException(Errno.ENOENT, "no such link");
    }
  }

  @Override
  public synchronized long openDirectory(Caller caller, String path) throws FileSystemException {
    lookup(caller, path);
    openers.add(caller);
    return nextHandle.getAndIncrement();
  }

  @Override
  public synchronized void releaseDirectory(long handle) {
    released.add(handle);
  }

  private static Attributes attributes(long number, int mode) {
    return new Attributes(Inodes.LAST + number, mode, 0, 0, 1, 0, 0, 0, 0, 0, 0, FileLayout.NONE);
  }
}
