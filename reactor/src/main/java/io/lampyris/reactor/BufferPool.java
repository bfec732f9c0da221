package io.lampyris.reactor;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One reactor's transfer memory, cut from one arena into size classes. Memory that was never used
 * is never touched, so an idle pool costs address space only. Owner: reactor.
 */
public final class BufferPool {
  /** A power-of-two size of at least a page, and how many there are of it. */
  public record SizeClass(int sizeBytes, int count) {}

  /** 100 MiB: enough to keep a device's queue full of 1 MiB transfers beside many small ones. */
  public static final List<SizeClass> DEFAULT_CLASSES =
      List.of(
          new SizeClass(4 << 10, 1024),
          new SizeClass(64 << 10, 256),
          new SizeClass(1 << 20, 64),
          new SizeClass(4 << 20, 4));

  private final int[] sizes;
  private final @Nullable Buffer[] heads;
  private final int[] freeCounts;

  /** How many of a size are for those who finish what is under way: a quarter. */
  private final int[] spared;

  private int acquired;

  /**
   * @param arena page-aligned, at least {@link #arenaBytes} of the classes
   * @param classes ascending by size
   */
  public BufferPool(MemorySegment arena, List<SizeClass> classes) {
    sizes = new int[classes.size()];
    heads = new Buffer[classes.size()];
    freeCounts = new int[classes.size()];
    spared = new int[classes.size()];
    long offset = 0;
    for (int i = 0; i < sizes.length; i++) {
      sizes[i] = classes.get(i).sizeBytes();
      spared[i] = classes.get(i).count() / 4;
      assert i == 0 || sizes[i] > sizes[i - 1] : "classes ascend";
      for (int n = 0; n < classes.get(i).count(); n++) {
        push(i, new Buffer(this, arena.asSlice(offset, sizes[i]), i));
        offset += sizes[i];
      }
    }
  }

  /** How much memory these classes need. */
  public static long arenaBytes(List<SizeClass> classes) {
    return classes.stream().mapToLong(c -> (long) c.sizeBytes() * c.count()).sum();
  }

  /**
   * The smallest free buffer that holds {@code sizeBytes}.
   *
   * @return null when there is none now: back-pressure, try again after a release
   */
  public @Nullable Buffer acquire(int sizeBytes) {
    for (int i = 0; i < sizes.length; i++) {
      if (sizes[i] >= sizeBytes && heads[i] != null) {
        return pop(i);
      }
    }
    return null;
  }

  /**
   * As {@link #acquire}, for what begins something new: leaves a quarter of each size to those who
   * need buffers to finish what holds the others.
   */
  public @Nullable Buffer acquireSparingly(int sizeBytes) {
    for (int i = 0; i < sizes.length; i++) {
      if (sizes[i] >= sizeBytes && freeCounts[i] > spared[i]) {
        return pop(i);
      }
    }
    return null;
  }

  private Buffer pop(int sizeClass) {
    Buffer buffer = heads[sizeClass];
    assert buffer != null : "one is free";
    heads[sizeClass] = buffer.next;
    freeCounts[sizeClass]--;
    buffer.next = null;
    buffer.free = false;
    acquired++;
    return buffer;
  }

  /** The largest size that {@link #acquire} ever gives. */
  public int sizeMaxBytes() {
    return sizes[sizes.length - 1];
  }

  /** How many buffers are out. */
  public int acquired() {
    return acquired;
  }

  void release(Buffer buffer) {
    assert !buffer.free : "a buffer is released once";
    push(buffer.sizeClass, buffer);
    acquired--;
  }

  private void push(int sizeClass, Buffer buffer) {
    buffer.free = true;
    buffer.next = heads[sizeClass];
    heads[sizeClass] = buffer;
    freeCounts[sizeClass]++;
  }
}
