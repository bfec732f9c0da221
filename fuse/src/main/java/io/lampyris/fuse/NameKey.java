package io.lampyris.fuse;

import java.util.Arrays;

/** A name in a directory; owns its bytes. */
final class NameKey {
  private final long parent;
  private final byte[] name;
  private final int hash;

  NameKey(long parent, byte[] name) {
    this.parent = parent;
    this.name = name;
    this.hash = 31 * Long.hashCode(parent) + Arrays.hashCode(name);
  }

  long parent() {
    return parent;
  }

  byte[] name() {
    return name;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof NameKey that
        && hash == that.hash
        && parent == that.parent
        && Arrays.equals(name, that.name);
  }

  @Override
  public int hashCode() {
    return hash;
  }
}
