package io.lampyris.fuse;

import io.lampyris.bindings.Errno;
import io.lampyris.client.FileSystem.User;
import io.lampyris.client.FileSystemException;
import io.lampyris.client.VirtualTree.Caller;
import io.lampyris.protocol.Attributes;
import io.lampyris.protocol.FileMode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;

/**
 * What the kernel asks of mode bits, for requests that name inodes to us and not paths to it. Of
 * one caller, for one request.
 */
final class Permissions {
  private final User user;
  private final Set<Integer> groups;

  Permissions(Caller caller) {
    user = caller.user();
    groups = groupsOf(caller.pid());
    groups.add(user.gid());
  }

  /** Its supplementary groups, which a request does not tell; none of a hidden process. */
  private static Set<Integer> groupsOf(int pid) {
    Set<Integer> found = new TreeSet<>();
    String status = "";
    try {
      byte[] bytes = Files.readAllBytes(Path.of("/proc/" + pid + "/status"));
      status = new String(bytes, StandardCharsets.ISO_8859_1);
    } catch (IOException gone) {
      // Fewer groups may do less.
    }
    for (String line : status.split("\n", -1)) {
      if (line.startsWith("Groups:")) {
        for (String group : line.substring("Groups:".length()).strip().split(" +", -1)) {
          if (!group.isEmpty()) {
            found.add(Integer.parseUnsignedInt(group));
          }
        }
      }
    }
    return found;
  }

  /**
   * @param bits of {@link FileMode#MAY_READ}, {@link FileMode#MAY_WRITE}, {@link
   *     FileMode#MAY_SEARCH}
   * @throws FileSystemException EACCES when one of them is missing
   */
  void check(Attributes of, int bits) throws FileSystemException {
    if (!may(of, bits)) {
      throw new FileSystemException(
          Errno.EACCES,
          "no permission; observed=inode %d, mode %o, uid %d, limit=%o"
              .formatted(of.inode(), of.mode() & FileMode.PERMISSION_MASK, user.uid(), bits));
    }
  }

  private boolean may(Attributes of, int bits) {
    boolean isOwner = user.uid() == of.uid();
    return user.uid() == 0 || FileMode.grants(of.mode(), isOwner, groups.contains(of.gid()), bits);
  }

  /**
   * As fs.protected_hardlinks has it (proc(5)): nobody keeps another's file by a name of his own
   * that he could not write anyhow.
   *
   * @throws FileSystemException EPERM
   */
  void checkMayLink(Attributes file) throws FileSystemException {
    int privileged = FileMode.SET_GID | 0010;
    boolean harmless =
        (file.mode() & FileMode.SET_UID) == 0
            && (file.mode() & privileged) != privileged
            && may(file, FileMode.MAY_READ | FileMode.MAY_WRITE);
    if (user.uid() != 0 && user.uid() != file.uid() && !harmless) {
      throw new FileSystemException(
          Errno.EPERM,
          "not the owner; observed=uid %d, limit=uid %d".formatted(user.uid(), file.uid()));
    }
  }
}
