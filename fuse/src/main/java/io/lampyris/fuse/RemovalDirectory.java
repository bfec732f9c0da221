package io.lampyris.fuse;

import io.lampyris.bindings.Errno;
import io.lampyris.client.FileSystemException;
import io.lampyris.client.VirtualTree;
import io.lampyris.protocol.Attributes;
import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.FileMode;
import io.lampyris.protocol.Inodes;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Adds {@code rm-rf} to the virtual directory: a symlink that is made in it, to an absolute path in
 * this mount, removes what is there with all below it, and is gone. Any thread.
 */
final class RemovalDirectory implements VirtualTree {
  /** Does the work. */
  interface Remover {
    /**
     * @param path absolute in the mount, without a slash at the end
     */
    void removeTree(Caller caller, byte[] path) throws FileSystemException;
  }

  private static final String NAME_HERE = "rm-rf";
  private static final String PREFIX = NAME_HERE + "/";
  private static final long DIRECTORY_INODE = Inodes.LAST + 8;
  private static final long LINK_INODE = Inodes.LAST + 9;

  private final VirtualTree others;
  private final byte[] mountPoint;
  private final Remover remover;

  /** Made and not looked at: the kernel wants to see once what it has made. */
  private final Set<String> unseen = ConcurrentHashMap.newKeySet();

  RemovalDirectory(VirtualTree others, String mountPoint, Remover remover) {
    this.others = others;
    this.mountPoint = (mountPoint + "/").getBytes(StandardCharsets.UTF_8);
    this.remover = remover;
  }

  private static boolean isHere(String path) {
    return path.equals(NAME_HERE) || path.startsWith(PREFIX);
  }

  @Override
  public Attributes lookup(Caller caller, String path) throws FileSystemException {
    if (!isHere(path)) {
      return others.lookup(caller, path);
    }
    if (path.equals(NAME_HERE)) {
      return attributes(DIRECTORY_INODE, FileMode.DIRECTORY | 0777, 2, caller);
    }
    if (!unseen.remove(path)) {
      throw new FileSystemException(Errno.ENOENT, "nothing stays in " + NAME_HERE);
    }
    return attributes(LINK_INODE, FileMode.SYMLINK | 0777, 1, caller);
  }

  private Attributes attributes(long inode, int mode, int links, Caller caller)
      throws FileSystemException {
    Attributes root = others.lookup(caller, "");
    return new Attributes(
        inode,
        mode,
        /* uid= */ 0,
        /* gid= */ 0,
        links,
        /* lengthBytes= */ 0,
        root.atimeNs(),
        root.mtimeNs(),
        root.ctimeNs(),
        /* truncateVersion= */ 0,
        /* parent= */ root.inode(),
        FileLayout.NONE);
  }

  @Override
  public List<String> list(Caller caller, String path) throws FileSystemException {
    if (isHere(path)) {
      return List.of();
    }
    List<String> names = new ArrayList<>(others.list(caller, path));
    if (path.isEmpty()) {
      names.add(NAME_HERE);
    }
    return names;
  }

  @Override
  public byte[] readSymlink(Caller caller, String path) throws FileSystemException {
    if (isHere(path)) {
      throw new FileSystemException(Errno.EINVAL, "nothing stays in " + NAME_HERE);
    }
    return others.readSymlink(caller, path);
  }

  @Override
  public void makeSymlink(Caller caller, String path, byte[] target) throws FileSystemException {
    if (!isHere(path)) {
      others.makeSymlink(caller, path, target);
      return;
    }
    remover.removeTree(caller, pathInMount(target));
    unseen.add(path);
  }

  /** Names and no ways around: what is removed is what is written. */
  private byte[] pathInMount(byte[] target) throws FileSystemException {
    int prefix = mountPoint.length;
    boolean below =
        target.length > prefix && Arrays.equals(target, 0, prefix, mountPoint, 0, prefix);
    int end = target.length;
    while (below && end > prefix && target[end - 1] == '/') {
      end--;
    }
    String path =
        below ? new String(target, prefix - 1, end - prefix + 1, StandardCharsets.ISO_8859_1) : "";
    if (end == prefix || !below || !isPlain(path)) {
      throw new FileSystemException(
          Errno.EINVAL,
          "not to be removed; observed=%s, limit=an absolute path below %s, without . and .."
              .formatted(
                  new String(target, StandardCharsets.UTF_8),
                  new String(mountPoint, StandardCharsets.UTF_8)));
    }
    return Arrays.copyOfRange(target, prefix - 1, end);
  }

  private static boolean isPlain(String path) {
    return Arrays.stream(path.substring(1).split("/", -1)).allMatch(NamedByInode::isPlain);
  }

  @Override
  public void unlink(Caller caller, String path) throws FileSystemException {
    if (isHere(path)) {
      throw new FileSystemException(Errno.ENOENT, "nothing stays in " + NAME_HERE);
    }
    others.unlink(caller, path);
  }

  @Override
  public long openDirectory(Caller caller, String path) throws FileSystemException {
    return isHere(path) ? 0 : others.openDirectory(caller, path);
  }

  @Override
  public void releaseDirectory(long handle) {
    if (handle != 0) {
      others.releaseDirectory(handle);
    }
  }
}
