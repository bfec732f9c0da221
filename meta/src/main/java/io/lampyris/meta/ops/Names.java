package io.lampyris.meta.ops;

import io.lampyris.meta.schema.Inode;
import io.lampyris.protocol.Status;
import org.jspecify.annotations.Nullable;

/** What may be a name. */
public final class Names {
  public static final int NAME_MAX_BYTES = 255;
  public static final int TARGET_MAX_BYTES = 4095;

  private Names() {}

  static boolean isDot(byte[] name) {
    return name.length == 1 && name[0] == '.';
  }

  static boolean isDotDot(byte[] name) {
    return name.length == 2 && name[0] == '.' && name[1] == '.';
  }

  /** 0, or why this cannot be the name of an entry. */
  static long check(byte[] name) {
    if (name.length > NAME_MAX_BYTES) {
      return Status.NAME_TOO_LONG.code();
    }
    if (name.length == 0 || isDot(name) || isDotDot(name)) {
      return Status.INVALID_ARGUMENT.code();
    }
    for (byte b : name) {
      if (b == 0 || b == '/') {
        return Status.INVALID_ARGUMENT.code();
      }
    }
    return 0;
  }

  /** 0, or why this cannot be the target of a symlink. */
  static long checkTarget(byte[] target) {
    if (target.length > TARGET_MAX_BYTES) {
      return Status.NAME_TOO_LONG.code();
    }
    if (target.length == 0) {
      return Status.NOT_FOUND.code();
    }
    for (byte b : target) {
      if (b == 0) {
        return Status.INVALID_ARGUMENT.code();
      }
    }
    return 0;
  }

  /** 0, or why nothing can be done inside this parent. */
  static long checkParent(@Nullable Inode parent) {
    if (parent == null) {
      return Status.NOT_FOUND.code();
    }
    return parent.isDirectory() ? 0 : Status.NOT_DIRECTORY.code();
  }
}
