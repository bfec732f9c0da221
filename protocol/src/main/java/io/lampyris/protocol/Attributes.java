package io.lampyris.protocol;

/**
 * What {@code stat} and the data path need to know of an inode.
 *
 * @param mode type and permission bits as in {@code st_mode}; see {@link FileMode}
 * @param lengthBytes as metadata knows it; a client may know more of its own open files
 * @param atimeNs nanoseconds since the epoch; mtimeNs and ctimeNs likewise
 * @param truncateVersion rises with every truncation, so that late length reports are told apart
 * @param parent the parent directory of a directory; 0 otherwise
 */
public record Attributes(
    long inode,
    int mode,
    int uid,
    int gid,
    int linkCount,
    long lengthBytes,
    long atimeNs,
    long mtimeNs,
    long ctimeNs,
    long truncateVersion,
    long parent,
    FileLayout layout) {

  public boolean isDirectory() {
    return FileMode.isDirectory(mode);
  }

  public boolean isRegular() {
    return FileMode.isRegular(mode);
  }

  public boolean isSymlink() {
    return FileMode.isSymlink(mode);
  }
}
