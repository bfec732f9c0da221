package io.lampyris.fuse;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.lampyris.bindings.NativeMemory;
import io.lampyris.client.FileSystem.Space;
import io.lampyris.protocol.Attributes;
import java.lang.foreign.MemorySegment;
import jnr.ffi.Memory;
import jnr.ffi.Runtime;
import jnr.ffi.Struct;
import ru.serce.jnrfuse.struct.FileStat;
import ru.serce.jnrfuse.struct.FuseFileInfo;
import ru.serce.jnrfuse.struct.FuseOperations;
import ru.serce.jnrfuse.struct.Statvfs;

/**
 * Where the fields of libfuse's structures are. They come from jnr-fuse; bit fields, which it
 * cannot say, are from fuse_common.h.
 */
final class FuseLayout {
  /** What stat tells programs to read and write at a time. */
  static final int BLOCK_SIZE_BYTES = 1 << 20;

  private static final int STAT_UNIT_BYTES = 512;
  private static final int SPACE_UNIT_BYTES = 4096;
  private static final int NAME_MAX_BYTES = 255;
  private static final long NANOS = 1_000_000_000L;

  private static final Runtime RUNTIME = Runtime.getSystemRuntime();
  private static final FileStat STAT = new FileStat(RUNTIME);
  private static final Statvfs VFS = new Statvfs(RUNTIME);
  private static final FuseFileInfo INFO = FuseFileInfo.of(Memory.allocate(RUNTIME, 128));

  static final FuseOperations OPERATIONS = new FuseOperations(RUNTIME);
  static final long OPERATIONS_BYTES = Struct.size(OPERATIONS);

  /** Flags between bmap and ioctl: nullpath_ok, nopath, utime_omit_ok. */
  static final long OPERATION_FLAGS = OPERATIONS.bmap.offset() + Long.BYTES;

  /** A path may be null, is not wanted by operations on handles, and times may be left out. */
  static final int OPERATION_FLAGS_VALUE = 0b111;

  static final long STAT_BYTES = Struct.size(STAT);
  static final long STAT_INODE = STAT.st_ino.offset();
  static final long STAT_MODE = STAT.st_mode.offset();
  private static final long STAT_LINKS = STAT.st_nlink.offset();
  private static final long STAT_UID = STAT.st_uid.offset();
  private static final long STAT_GID = STAT.st_gid.offset();
  private static final long STAT_SIZE = STAT.st_size.offset();
  private static final long STAT_BLOCK_SIZE = STAT.st_blksize.offset();
  private static final long STAT_BLOCKS = STAT.st_blocks.offset();
  private static final long STAT_ATIME = STAT.st_atim.tv_sec.offset();

  private static final long INFO_BYTES = 40;
  private static final long INFO_FLAGS = INFO.flags.offset();
  private static final long INFO_BITS = 20;
  private static final long INFO_HANDLE = INFO.fh.offset();
  private static final int INFO_DIRECT_IO = 1;

  private static final long CONNECTION_BYTES = 32;
  private static final long CONNECTION_CAPABLE = 20;
  private static final long CONNECTION_WANT = 24;
  private static final int IOCTL_ON_DIRECTORIES = 1 << 11;

  static {
    assert STAT_BYTES == 144 : "struct stat of x86-64; observed=" + STAT_BYTES;
    assert OPERATIONS.ioctl.offset() == OPERATION_FLAGS + Long.BYTES : "flags sit before ioctl";
    assert INFO_HANDLE == 24 : "struct fuse_file_info; observed=" + INFO_HANDLE;
  }

  private FuseLayout() {}

  static void writeStat(long at, Attributes from) {
    MemorySegment stat = NativeMemory.ofAddress(at, STAT_BYTES);
    stat.fill((byte) 0);
    stat.set(JAVA_LONG, STAT_INODE, from.inode());
    stat.set(JAVA_INT, STAT_MODE, from.mode());
    stat.set(JAVA_LONG, STAT_LINKS, from.linkCount());
    stat.set(JAVA_INT, STAT_UID, from.uid());
    stat.set(JAVA_INT, STAT_GID, from.gid());
    stat.set(JAVA_LONG, STAT_SIZE, from.lengthBytes());
    stat.set(JAVA_LONG, STAT_BLOCK_SIZE, BLOCK_SIZE_BYTES);
    stat.set(JAVA_LONG, STAT_BLOCKS, (from.lengthBytes() + STAT_UNIT_BYTES - 1) / STAT_UNIT_BYTES);
    writeTime(stat, STAT_ATIME, from.atimeNs());
    writeTime(stat, STAT_ATIME + 16, from.mtimeNs());
    writeTime(stat, STAT_ATIME + 32, from.ctimeNs());
  }

  static void writeSpace(long at, Space space) {
    MemorySegment vfs = NativeMemory.ofAddress(at, Struct.size(VFS));
    vfs.set(JAVA_LONG, VFS.f_bsize.offset(), BLOCK_SIZE_BYTES);
    vfs.set(JAVA_LONG, VFS.f_frsize.offset(), SPACE_UNIT_BYTES);
    vfs.set(JAVA_LONG, VFS.f_blocks.offset(), space.capacityBytes() / SPACE_UNIT_BYTES);
    vfs.set(JAVA_LONG, VFS.f_bfree.offset(), space.freeBytes() / SPACE_UNIT_BYTES);
    vfs.set(JAVA_LONG, VFS.f_bavail.offset(), space.freeBytes() / SPACE_UNIT_BYTES);
    // Inodes have no limit of their own: as many are free as there could be files of one unit.
    long freeInodes = space.freeBytes() / SPACE_UNIT_BYTES;
    vfs.set(JAVA_LONG, VFS.f_files.offset(), space.inodeCount() + freeInodes);
    vfs.set(JAVA_LONG, VFS.f_ffree.offset(), freeInodes);
    vfs.set(JAVA_LONG, VFS.f_favail.offset(), freeInodes);
    vfs.set(JAVA_LONG, VFS.f_namemax.offset(), NAME_MAX_BYTES);
  }

  /** Asks for ioctl on directories in {@code struct fuse_conn_info}, if there is. */
  static void wantDirectoryIoctls(long connection) {
    MemorySegment info = NativeMemory.ofAddress(connection, CONNECTION_BYTES);
    int capable = info.get(JAVA_INT, CONNECTION_CAPABLE);
    int want = info.get(JAVA_INT, CONNECTION_WANT);
    info.set(JAVA_INT, CONNECTION_WANT, want | (capable & IOCTL_ON_DIRECTORIES));
  }

  static int openFlags(long info) {
    return info(info).get(JAVA_INT, INFO_FLAGS);
  }

  static long handle(long info) {
    return info(info).get(JAVA_LONG, INFO_HANDLE);
  }

  static void writeHandle(long info, long handle) {
    info(info).set(JAVA_LONG, INFO_HANDLE, handle);
  }

  static void writeOpened(long info, long handle, boolean directIo) {
    MemorySegment segment = info(info);
    segment.set(JAVA_LONG, INFO_HANDLE, handle);
    int bits = segment.get(JAVA_INT, INFO_BITS);
    segment.set(JAVA_INT, INFO_BITS, directIo ? bits | INFO_DIRECT_IO : bits & ~INFO_DIRECT_IO);
  }

  /** Bytes up to the NUL. */
  static byte[] string(long at) {
    MemorySegment text = NativeMemory.ofAddress(at, Integer.MAX_VALUE);
    int length = 0;
    while (text.get(JAVA_BYTE, length) != 0) {
      length++;
    }
    byte[] bytes = new byte[length];
    MemorySegment.copy(text, JAVA_BYTE, 0, bytes, 0, length);
    return bytes;
  }

  /** The first bytes of a text, and the NUL behind them. */
  static void writeString(MemorySegment into, byte[] text, int length) {
    MemorySegment.copy(text, 0, into, JAVA_BYTE, 0, length);
    into.set(JAVA_BYTE, length, (byte) 0);
  }

  private static MemorySegment info(long at) {
    return NativeMemory.ofAddress(at, INFO_BYTES);
  }

  private static void writeTime(MemorySegment stat, long at, long ns) {
    stat.set(JAVA_LONG, at, Math.floorDiv(ns, NANOS));
    stat.set(JAVA_LONG, at + Long.BYTES, Math.floorMod(ns, NANOS));
  }
}
