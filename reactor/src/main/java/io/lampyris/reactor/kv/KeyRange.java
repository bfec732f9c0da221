package io.lampyris.reactor.kv;

import java.util.Arrays;

/** Keys {@code begin <= key < end} in unsigned order. */
public final class KeyRange {
  public final byte[] begin;
  public final byte[] end;

  KeyRange(byte[] begin, byte[] end) {
    this.begin = begin;
    this.end = end;
  }

  /** The range that holds one key alone. */
  static KeyRange of(byte[] key) {
    return new KeyRange(key.clone(), successor(key));
  }

  /** The smallest key after this one. */
  static byte[] successor(byte[] key) {
    return Arrays.copyOf(key, key.length + 1);
  }

  boolean contains(byte[] key) {
    return Arrays.compareUnsigned(begin, key) <= 0 && Arrays.compareUnsigned(key, end) < 0;
  }

  boolean overlaps(KeyRange other) {
    return Arrays.compareUnsigned(begin, other.end) < 0
        && Arrays.compareUnsigned(other.begin, end) < 0;
  }
}
