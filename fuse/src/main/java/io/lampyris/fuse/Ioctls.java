package io.lampyris.fuse;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.client.FileSystemException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/** What programs ask a mount by ioctl, type {@code 'h'}. Any thread. */
final class Ioctls {
  /** FUSE_IOCTL_DIR: the descriptor is a directory's. */
  static final int ON_DIRECTORY = 1 << 4;

  private static final int TYPE = 'h';
  private static final int MOUNT_NAME = 0;
  private static final int PATH_OFFSET = 1;
  private static final int MAGIC = 2;
  private static final int VERSION = 3;
  private static final int REMOVE_TREE = 10;
  private static final int FSYNC = 11;
  private static final int HARD_LINK = 12;
  private static final int PUNCH_HOLE = 13;
  private static final int MOVE = 14;
  private static final int REMOVE = 15;

  private static final int MAGIC_VALUE = 0x8f3f5fff;
  private static final int VERSION_VALUE = 1;
  private static final int NAME_BYTES = 32;

  /** The command takes an answer: _IOC_READ. */
  private static final int READS = 1 << 31;

  /** The command brings an argument: _IOC_WRITE. */
  private static final int WRITES = 1 << 30;

  private static final int SIZE_MASK = (1 << 14) - 1;

  /** Of a hard link: the directory's inode u64, and a name that ends in NUL. */
  private static final int LINK_BYTES = 264;

  private static final int LINK_NAME_BYTES = 255;

  private static final int NAME_BYTES_MAX = 256;
  private static final int KEY_BYTES = Long.BYTES + NAME_BYTES_MAX;

  /** Of a removal: the directory's inode u64, a name likewise, and whether it is recursive u8. */
  private static final int REMOVAL_BYTES = 272;

  /** Of a move: directory and name twice, and whether it is to the trash u8, which is a place. */
  private static final int MOVE_BYTES = 536;

  /** Of holes: their number i32, flags u64 without a meaning, where they begin, where they end. */
  private static final int HOLES_MAX = 1000;

  private static final int HOLE_STARTS_AT = 16;
  private static final int HOLE_ENDS_AT = HOLE_STARTS_AT + HOLES_MAX * Long.BYTES;
  private static final int HOLES_BYTES = HOLE_ENDS_AT + HOLES_MAX * Long.BYTES;

  /** What a command is about. */
  enum Kind {
    QUESTION,
    FSYNC,
    HARD_LINK,
    PUNCH_HOLE,
    REMOVE_TREE,
    MOVE,
    REMOVE
  }

  /** What is to be renamed, and to what. */
  record Move(NameKey from, NameKey to) {}

  /** What is to go, and whether all below it too. */
  record Removal(NameKey key, boolean recursive) {}

  private final byte[] name;
  private final int pathOffset;

  Ioctls(String name, String mountPoint) {
    this.name = name.getBytes(StandardCharsets.UTF_8);
    this.pathOffset = mountPoint.getBytes(StandardCharsets.UTF_8).length;
    assert this.name.length < NAME_BYTES : "a NUL ends the name";
  }

  static Kind kind(int command) {
    if (type(command) != TYPE) {
      return Kind.QUESTION;
    }
    return switch (number(command)) {
      case FSYNC -> Kind.FSYNC;
      case HARD_LINK -> Kind.HARD_LINK;
      case PUNCH_HOLE -> Kind.PUNCH_HOLE;
      case REMOVE_TREE -> Kind.REMOVE_TREE;
      case MOVE -> Kind.MOVE;
      case REMOVE -> Kind.REMOVE;
      default -> Kind.QUESTION;
    };
  }

  /** What a file is to be named, too. */
  static NameKey readLink(int command, long data) throws FileSystemException {
    return readKey(argument(command, data, LINK_BYTES), 0, LINK_NAME_BYTES);
  }

  static Move readMove(int command, long data) throws FileSystemException {
    MemorySegment from = argument(command, data, MOVE_BYTES);
    return new Move(readKey(from, 0, NAME_BYTES_MAX), readKey(from, KEY_BYTES, NAME_BYTES_MAX));
  }

  static Removal readRemoval(int command, long data) throws FileSystemException {
    MemorySegment from = argument(command, data, REMOVAL_BYTES);
    return new Removal(readKey(from, 0, NAME_BYTES_MAX), from.get(JAVA_BYTE, KEY_BYTES) != 0);
  }

  /** A directory's inode and a name in it that ends in NUL. */
  private static NameKey readKey(MemorySegment from, long at, int roomBytes)
      throws FileSystemException {
    long nameAt = at + Long.BYTES;
    int length = 0;
    while (length < roomBytes && from.get(JAVA_BYTE, nameAt + length) != 0) {
      length++;
    }
    if (length == roomBytes) {
      throw new FileSystemException(
          Errno.ENAMETOOLONG,
          "no NUL ends the name; observed=%d bytes, limit=%d".formatted(length, length - 1));
    }
    byte[] name = from.asSlice(nameAt, length).toArray(JAVA_BYTE);
    return new NameKey(from.get(JAVA_LONG, at), name);
  }

  /** Pairs of where a hole begins and where it ends, as they came. */
  static long[] readHoles(int command, long data) throws FileSystemException {
    MemorySegment from = argument(command, data, HOLES_BYTES);
    int count = from.get(JAVA_INT, 0);
    if (count < 0 || count > HOLES_MAX) {
      throw new FileSystemException(
          Errno.EINVAL, "impossible number of holes; observed=" + count + ", limit=" + HOLES_MAX);
    }
    long[] holes = new long[2 * count];
    for (int i = 0; i < count; i++) {
      holes[2 * i] = from.get(JAVA_LONG, HOLE_STARTS_AT + (long) i * Long.BYTES);
      holes[2 * i + 1] = from.get(JAVA_LONG, HOLE_ENDS_AT + (long) i * Long.BYTES);
    }
    return holes;
  }

  private static MemorySegment argument(int command, long data, int wantedBytes)
      throws FileSystemException {
    int found = (command & WRITES) == 0 ? 0 : (command >>> 16) & SIZE_MASK;
    if (found != wantedBytes) {
      throw new FileSystemException(
          Errno.EINVAL,
          "another argument; observed=%d bytes, limit=%d".formatted(found, wantedBytes));
    }
    return NativeMemory.ofAddress(data, wantedBytes);
  }

  /** Writes the result of what was done, if the command takes one. */
  void writeDone(int command, long data) {
    if (size(command) >= Integer.BYTES) {
      NativeMemory.ofAddress(data, Integer.BYTES).set(JAVA_INT, 0, 0);
    }
  }

  /** Writes the answer to a question; 0 or -errno. */
  int answer(int command, long data) {
    if (type(command) != TYPE) {
      return -Errno.ENOTTY;
    }
    return switch (number(command)) {
      case MOUNT_NAME -> answerName(command, data);
      case PATH_OFFSET -> answerInt(command, data, pathOffset);
      case MAGIC -> answerInt(command, data, MAGIC_VALUE);
      case VERSION -> answerInt(command, data, VERSION_VALUE);
      default -> -Errno.ENOTTY;
    };
  }

  private int answerName(int command, long data) {
    if (size(command) < NAME_BYTES) {
      return -Errno.EINVAL;
    }
    MemorySegment into = NativeMemory.ofAddress(data, NAME_BYTES);
    into.fill((byte) 0);
    MemorySegment.copy(name, 0, into, JAVA_BYTE, 0, name.length);
    return 0;
  }

  private static int answerInt(int command, long data, int value) {
    if (size(command) < Integer.BYTES) {
      return -Errno.EINVAL;
    }
    NativeMemory.ofAddress(data, Integer.BYTES).set(JAVA_INT, 0, value);
    return 0;
  }

  private static int number(int command) {
    return command & 0xff;
  }

  private static int type(int command) {
    return (command >>> 8) & 0xff;
  }

  /** How many bytes of an answer libfuse has set aside. */
  private static int size(int command) {
    return (command & READS) == 0 ? 0 : (command >>> 16) & SIZE_MASK;
  }
}
