package io.lampyris.meta.schema;

import io.lampyris.protocol.Attributes;
import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.FileMode;
import java.util.Arrays;

/** A flyweight over the value of an inode; see the package's table. Owner: one thread. */
public final class Inode {
  public static final int VALUE_BYTES = 96;

  private static final byte VERSION = 1;
  private static final int MODE = 4;
  private static final int UID = 8;
  private static final int GID = 12;
  private static final int LINK_COUNT = 16;
  private static final int LENGTH = 24;
  private static final int ATIME = 32;
  private static final int MTIME = 40;
  private static final int CTIME = 48;
  private static final int TRUNCATE_VERSION = 56;
  private static final int PARENT = 64;
  private static final int LAYOUT = 72;

  private final long number;
  private final byte[] value;

  private Inode(long number, byte[] value) {
    this.number = number;
    this.value = value;
  }

  /** A new inode without links, length or times. */
  public static Inode make(long number, int mode, FileLayout layout) {
    return make(number, mode, layout, new byte[0]);
  }

  /** A new symlink. */
  public static Inode makeSymlink(long number, byte[] target) {
    Inode inode = make(number, FileMode.SYMLINK | 0777, FileLayout.NONE, target);
    inode.lengthBytes(target.length);
    return inode;
  }

  private static Inode make(long number, int mode, FileLayout layout, byte[] target) {
    byte[] value = new byte[VALUE_BYTES + target.length];
    value[0] = VERSION;
    System.arraycopy(target, 0, value, VALUE_BYTES, target.length);
    Inode inode = new Inode(number, value);
    inode.mode(mode);
    inode.layout(layout);
    return inode;
  }

  /** Reads and changes this value in place. */
  public static Inode wrap(long number, byte[] value) {
    if (value.length < VALUE_BYTES || value[0] != VERSION) {
      throw new CorruptValueException(
          "inode " + number, value.length, value.length == 0 ? -1 : value[0]);
    }
    return new Inode(number, value);
  }

  public long number() {
    return number;
  }

  /** The value as it is stored; this flyweight's own array. */
  public byte[] value() {
    return value;
  }

  public int mode() {
    return Bytes.getInt(value, MODE);
  }

  public void mode(int mode) {
    Bytes.putInt(value, MODE, mode);
  }

  public boolean isDirectory() {
    return FileMode.isDirectory(mode());
  }

  public boolean isRegular() {
    return FileMode.isRegular(mode());
  }

  public boolean isSymlink() {
    return FileMode.isSymlink(mode());
  }

  public int uid() {
    return Bytes.getInt(value, UID);
  }

  public int gid() {
    return Bytes.getInt(value, GID);
  }

  public void owner(int uid, int gid) {
    Bytes.putInt(value, UID, uid);
    Bytes.putInt(value, GID, gid);
  }

  public int linkCount() {
    return Bytes.getInt(value, LINK_COUNT);
  }

  public void linkCount(int count) {
    assert count >= 0 : "links are counted; observed=" + count;
    Bytes.putInt(value, LINK_COUNT, count);
  }

  public long lengthBytes() {
    return Bytes.getLong(value, LENGTH);
  }

  public void lengthBytes(long length) {
    assert length >= 0 : "a length is not negative; observed=" + length;
    Bytes.putLong(value, LENGTH, length);
  }

  public long atimeNs() {
    return Bytes.getLong(value, ATIME);
  }

  public void atimeNs(long timeNs) {
    Bytes.putLong(value, ATIME, timeNs);
  }

  public long mtimeNs() {
    return Bytes.getLong(value, MTIME);
  }

  public void mtimeNs(long timeNs) {
    Bytes.putLong(value, MTIME, timeNs);
  }

  public long ctimeNs() {
    return Bytes.getLong(value, CTIME);
  }

  public void ctimeNs(long timeNs) {
    Bytes.putLong(value, CTIME, timeNs);
  }

  public long truncateVersion() {
    return Bytes.getLong(value, TRUNCATE_VERSION);
  }

  public void truncateVersion(long version) {
    Bytes.putLong(value, TRUNCATE_VERSION, version);
  }

  public long parent() {
    return Bytes.getLong(value, PARENT);
  }

  public void parent(long parent) {
    Bytes.putLong(value, PARENT, parent);
  }

  public FileLayout layout() {
    try {
      return new FileLayout(
          Bytes.getInt(value, LAYOUT),
          Bytes.getInt(value, LAYOUT + 4),
          Bytes.getInt(value, LAYOUT + 8),
          Bytes.getInt(value, LAYOUT + 12),
          Bytes.getInt(value, LAYOUT + 16),
          Bytes.getInt(value, LAYOUT + 20));
    } catch (IllegalArgumentException e) {
      throw new CorruptValueException("inode %d: %s".formatted(number, e.getMessage()));
    }
  }

  private void layout(FileLayout layout) {
    Bytes.putInt(value, LAYOUT, layout.chunkSizeBytes());
    Bytes.putInt(value, LAYOUT + 4, layout.stripeSize());
    Bytes.putInt(value, LAYOUT + 8, layout.chainTableId());
    Bytes.putInt(value, LAYOUT + 12, layout.chainTableVersion());
    Bytes.putInt(value, LAYOUT + 16, layout.chainBase());
    Bytes.putInt(value, LAYOUT + 20, layout.placement());
  }

  public byte[] symlinkTarget() {
    return Arrays.copyOfRange(value, VALUE_BYTES, value.length);
  }

  /** An immutable copy. */
  public Attributes attributes() {
    return new Attributes(
        number,
        mode(),
        uid(),
        gid(),
        linkCount(),
        lengthBytes(),
        atimeNs(),
        mtimeNs(),
        ctimeNs(),
        truncateVersion(),
        parent(),
        layout());
  }
}
