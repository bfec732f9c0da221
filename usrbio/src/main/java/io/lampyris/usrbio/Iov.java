package io.lampyris.usrbio;

import io.lampyris.client.FileSystem.User;
import org.jspecify.annotations.Nullable;

/** Memory that ring entries name as the place of their data. Owner: reactor. */
final class Iov extends Registration {
  /** {@link IovTable}'s. */
  @Nullable Iov nextInBucket;

  private long checkedNs = Long.MIN_VALUE;
  private boolean whole;

  Iov(RegistrationKey key, SharedFile file, User user) {
    super(key, file, user);
  }

  boolean hasId(long high, long low) {
    return key.id().high() == high && key.id().low() == low;
  }

  /** Whether the program has not shrunk it; asks the kernel once a cycle. */
  boolean isWhole(long nowNs) {
    if (nowNs != checkedNs) {
      checkedNs = nowNs;
      whole = file.isWhole();
    }
    return whole;
  }

  /** Whether an I/O of so many bytes there stays inside and crosses no block; any values. */
  boolean holds(long offset, long length) {
    long sizeBytes = file.memory().byteSize();
    if (offset < 0 || length <= 0 || length > sizeBytes || offset > sizeBytes - length) {
      return false;
    }
    long block = key.blockSizeBytes();
    return block == 0 || offset / block == (offset + length - 1) / block;
  }
}
