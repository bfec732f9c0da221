package io.lampyris.fuse;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Numbers for open files and directories: what the kernel keeps as {@code fh}. A number holds an
 * index and how often that index was used before (I3). Any thread; {@link #get} takes no lock.
 */
final class HandleTable<T> {
  private static final int INDEX_BITS = 32;
  private static final int INITIAL = 64;

  private record Slot<T>(long number, T value) {}

  /** Replaced by a longer copy when full; a reader of the old one misses nothing that it knows. */
  private volatile AtomicReferenceArray<@Nullable Slot<T>> slots =
      new AtomicReferenceArray<>(INITIAL);

  private int[] uses = new int[INITIAL];
  private int[] free = new int[INITIAL];
  private int freeCount;
  private int usedMax;

  /** The number under which {@code value} is found from now on; never 0. */
  synchronized long add(T value) {
    int index = freeCount > 0 ? free[--freeCount] : usedMax++;
    if (index == slots.length()) {
      grow();
    }
    long number = ((long) ++uses[index] << INDEX_BITS) | index;
    slots.set(index, new Slot<>(number, value));
    return number;
  }

  @Nullable T get(long number) {
    AtomicReferenceArray<@Nullable Slot<T>> current = slots;
    int index = (int) number;
    if (index < 0 || index >= current.length()) {
      return null;
    }
    Slot<T> slot = current.get(index);
    return slot != null && slot.number() == number ? slot.value() : null;
  }

  /** Forgets a number; its value, or null when it was none. */
  synchronized @Nullable T remove(long number) {
    T value = get(number);
    if (value != null) {
      int index = (int) number;
      slots.set(index, null);
      if (freeCount == free.length) {
        free = Arrays.copyOf(free, free.length * 2);
      }
      free[freeCount++] = index;
    }
    return value;
  }

  /** Forgets everything and tells what it was. */
  synchronized List<T> drain() {
    List<T> values = new ArrayList<>();
    for (int i = 0; i < slots.length(); i++) {
      Slot<T> slot = slots.get(i);
      if (slot != null) {
        values.add(slot.value());
        remove(slot.number());
      }
    }
    return values;
  }

  private void grow() {
    AtomicReferenceArray<@Nullable Slot<T>> longer = new AtomicReferenceArray<>(slots.length() * 2);
    for (int i = 0; i < slots.length(); i++) {
      longer.set(i, slots.get(i));
    }
    uses = Arrays.copyOf(uses, longer.length());
    slots = longer;
  }
}
