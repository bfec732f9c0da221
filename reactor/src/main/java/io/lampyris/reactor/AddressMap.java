package io.lampyris.reactor;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is known of ranges of memory, by address; they do not overlap. Finding allocates nothing.
 */
public final class AddressMap<T> {
  private long[] starts = new long[16];
  private long[] ends = new long[16];
  private final List<T> values = new ArrayList<>();

  /** Adds a range. */
  public void put(long address, long sizeBytes, T value) {
    int at = behind(address);
    int count = values.size();
    assert at == 0 || ends[at - 1] <= address : "memory is expected once";
    if (count == starts.length) {
      starts = Arrays.copyOf(starts, 2 * count);
      ends = Arrays.copyOf(ends, 2 * count);
    }
    System.arraycopy(starts, at, starts, at + 1, count - at);
    System.arraycopy(ends, at, ends, at + 1, count - at);
    starts[at] = address;
    ends[at] = address + sizeBytes;
    values.add(at, value);
  }

  /** Takes out the range that begins at an address. */
  public T remove(long address) {
    int at = behind(address) - 1;
    assert at >= 0 && starts[at] == address : "what is forgotten was expected";
    int left = values.size() - at - 1;
    System.arraycopy(starts, at + 1, starts, at, left);
    System.arraycopy(ends, at + 1, ends, at, left);
    return values.remove(at);
  }

  /** What is known of the range that holds all of these bytes; null when none does. */
  public @Nullable T find(long address, long lengthBytes) {
    int at = behind(address) - 1;
    return at < 0 || address + lengthBytes > ends[at] ? null : values.get(at);
  }

  /** All of them, by address. */
  public List<T> values() {
    return values;
  }

  /** How many begin at this address or before it. */
  private int behind(long address) {
    int low = 0;
    int high = values.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (starts[middle] <= address) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
