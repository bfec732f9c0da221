package io.lampyris.bindings;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Memory straight from mmap(2): page aligned, zeroed when anonymous, usable from every thread, and
 * never freed by the garbage collector. Whoever maps unmaps; touching a segment after {@link
 * #unmap} crashes the process.
 */
public final class NativeMemory {
  /** Size of the huge pages that are asked for: the x86-64 default. */
  public static final long HUGE_PAGE_BYTES = 2L << 20;

  private static final long MAP_FAILED = -1;
  private static final int READ_WRITE = Fcntl.PROT_READ | Fcntl.PROT_WRITE;
  private static final int ANONYMOUS = Fcntl.MAP_PRIVATE | Fcntl.MAP_ANONYMOUS;
  private static final Path TRANSPARENT_HUGE_PAGES =
      Path.of("/sys/kernel/mm/transparent_hugepage/enabled");

  private static final MethodHandle MMAP =
      Native.withErrno(
          "mmap",
          FunctionDescriptor.of(
              ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
  private static final MethodHandle MUNMAP =
      Native.withErrno("munmap", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));
  private static final MethodHandle MADVISE =
      Native.withErrno("madvise", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));

  private NativeMemory() {}

  /** What stands behind an allocation of {@link #allocateHuge}. */
  public enum Backing {
    /** Pages reserved in the hugetlb pool: huge for certain. */
    HUGETLB,
    /** Advice given and accepted: huge where the kernel finds contiguous memory. */
    TRANSPARENT,
    /** Neither is to be had: 4 KiB pages. */
    BASE_PAGES
  }

  /** Memory and what stands behind it; free the segment as a whole. */
  public record HugeAllocation(MemorySegment segment, Backing backing) {}

  /**
   * Maps {@code sizeBytes} of {@code fd} from {@code offset}.
   *
   * @param prot {@code Fcntl.PROT_*}
   * @param flags {@code Fcntl.MAP_*}; with {@code MAP_ANONYMOUS}, fd is -1
   * @throws NativeException when the kernel refuses
   */
  public static MemorySegment map(int fd, long offset, long sizeBytes, int prot, int flags) {
    checkSize(sizeBytes);
    MemorySegment state = Native.errnoState();
    long address = mmap(state, sizeBytes, prot, flags, fd, offset);
    if (address == MAP_FAILED) {
      throw new NativeException(
          "mmap",
          "fd=%d, offset=%d, sizeBytes=%d, prot=0x%x, flags=0x%x"
              .formatted(fd, offset, sizeBytes, prot, flags),
          Native.errno(state));
    }
    return ofAddress(address, sizeBytes);
  }

  /**
   * Gives back a segment of this class; nothing may use it, or a part of it, any more.
   *
   * @throws NativeException when it is not page aligned
   */
  public static void unmap(MemorySegment segment) {
    MemorySegment state = Native.errnoState();
    int result;
    try {
      result = (int) MUNMAP.invokeExact(state, segment, segment.byteSize());
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
    if (result != 0) {
      throw new NativeException("munmap", segment.toString(), Native.errno(state));
    }
  }

  /** Anonymous zeroed memory, page aligned; {@link #unmap} frees it. */
  public static MemorySegment allocateAligned(long sizeBytes) {
    return map(-1, 0, sizeBytes, READ_WRITE, ANONYMOUS);
  }

  /**
   * Anonymous zeroed memory aligned to and rounded up to {@link #HUGE_PAGE_BYTES}: from the hugetlb
   * pool, else with advice for transparent huge pages. The answer says which it was.
   */
  public static HugeAllocation allocateHuge(long sizeBytes) {
    checkSize(sizeBytes);
    long roundedBytes = Math.ceilDiv(sizeBytes, HUGE_PAGE_BYTES) * HUGE_PAGE_BYTES;
    long address =
        mmap(
            Native.errnoState(),
            roundedBytes,
            READ_WRITE,
            ANONYMOUS | Fcntl.MAP_HUGETLB | (21 << Fcntl.MAP_HUGE_SHIFT),
            -1,
            0);
    if (address != MAP_FAILED) {
      return new HugeAllocation(ofAddress(address, roundedBytes), Backing.HUGETLB);
    }
    MemorySegment segment = allocateAlignedToHugePage(roundedBytes);
    boolean advised = madvise(segment, Fcntl.MADV_HUGEPAGE) == 0 && transparentHugePagesAllowed();
    return new HugeAllocation(segment, advised ? Backing.TRANSPARENT : Backing.BASE_PAGES);
  }

  /**
   * As {@link #allocateHuge(long)}, freed when the arena closes; then a late access is an exception
   * instead of a crash.
   */
  public static MemorySegment allocateHuge(long sizeBytes, Arena arena) {
    HugeAllocation allocation = allocateHuge(sizeBytes);
    return allocation.segment().reinterpret(arena, mapped -> unmap(allocation.segment()));
  }

  /** madvise(2): 0, or -errno. */
  public static int madvise(MemorySegment segment, int advice) {
    MemorySegment state = Native.errnoState();
    try {
      return Native.result(
          (int) MADVISE.invokeExact(state, segment, segment.byteSize(), advice), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /**
   * A view of memory that something else owns; the caller vouches for address, size and lifetime.
   */
  public static MemorySegment ofAddress(long address, long sizeBytes) {
    assert sizeBytes >= 0 : "negative size; observed=" + sizeBytes;
    return MemorySegment.ofAddress(address).reinterpret(sizeBytes);
  }

  /** mmap aligns to base pages only, so map one huge page too many and trim both ends. */
  private static MemorySegment allocateAlignedToHugePage(long sizeBytes) {
    MemorySegment wide = allocateAligned(sizeBytes + HUGE_PAGE_BYTES);
    long headBytes = -wide.address() & (HUGE_PAGE_BYTES - 1);
    long tailBytes = HUGE_PAGE_BYTES - headBytes;
    if (headBytes > 0) {
      unmap(wide.asSlice(0, headBytes));
    }
    unmap(wide.asSlice(headBytes + sizeBytes, tailBytes));
    return wide.asSlice(headBytes, sizeBytes);
  }

  /** madvise succeeds even where the administrator switched transparent huge pages off. */
  private static boolean transparentHugePagesAllowed() {
    try {
      return !Files.readString(TRANSPARENT_HUGE_PAGES).contains("[never]");
    } catch (IOException absent) {
      return false;
    }
  }

  private static long mmap(
      MemorySegment state, long sizeBytes, int prot, int flags, int fd, long offset) {
    try {
      MemorySegment mapped =
          (MemorySegment)
              MMAP.invokeExact(state, MemorySegment.NULL, sizeBytes, prot, flags, fd, offset);
      return mapped.address();
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  private static void checkSize(long sizeBytes) {
    if (sizeBytes <= 0) {
      throw new IllegalArgumentException(
          "cannot map; observed=sizeBytes "
              + sizeBytes
              + ", limit=at least 1; remedy: ask for more");
    }
  }
}
