package io.lampyris.fuse;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.NativeMemory;
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
  private static final int FSYNC = 11;

  private static final int MAGIC_VALUE = 0x8f3f5fff;
  private static final int VERSION_VALUE = 1;
  private static final int NAME_BYTES = 32;

  /** The command takes an answer: _IOC_READ. */
  private static final int READS = 1 << 31;

  private static final int SIZE_MASK = (1 << 14) - 1;

  private final byte[] name;
  private final int pathOffset;

  Ioctls(String name, String mountPoint) {
    this.name = name.getBytes(StandardCharsets.UTF_8);
    this.pathOffset = mountPoint.getBytes(StandardCharsets.UTF_8).length;
    assert this.name.length < NAME_BYTES : "a NUL ends the name";
  }

  boolean isFsync(int command) {
    return type(command) == TYPE && number(command) == FSYNC;
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
