package io.lampyris.bindings.uring;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeException;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.linux.Linux;
import io.lampyris.bindings.linux.io_cqring_offsets;
import io.lampyris.bindings.linux.io_sqring_offsets;
import io.lampyris.bindings.linux.io_uring_cqe;
import io.lampyris.bindings.linux.io_uring_params;
import io.lampyris.bindings.linux.io_uring_sqe;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Opens and maps a ring, walking down a ladder of set-up flags until the kernel takes one.
 *
 * @param fd the ring's file descriptor
 * @param flags set-up flags that the kernel took
 * @param features {@code IORING_FEAT_*}
 * @param rings indices and completions, mapped
 * @param sqes submission entries, mapped
 */
record UringSetup(
    int fd,
    int flags,
    int features,
    int sqEntries,
    int cqEntries,
    MemorySegment rings,
    MemorySegment sqes,
    SqOffsets sq,
    CqOffsets cq) {

  private static final int SUBMIT_ALL = Linux.IORING_SETUP_SUBMIT_ALL();
  private static final int COOP =
      Linux.IORING_SETUP_COOP_TASKRUN() | Linux.IORING_SETUP_TASKRUN_FLAG();
  private static final int SINGLE = Linux.IORING_SETUP_SINGLE_ISSUER();

  /** Best first; each rung leaves out what the next older kernel does not know. */
  private static final int[] LADDER = {
    SUBMIT_ALL | COOP | SINGLE | Linux.IORING_SETUP_DEFER_TASKRUN(), // 6.1
    SUBMIT_ALL | COOP | SINGLE, // 6.0
    SUBMIT_ALL | COOP, // 5.19
    SUBMIT_ALL, // 5.18
    0, // 5.15 and older
  };

  /** How many rungs there are, for tests that begin further down. */
  static final int RUNGS = LADDER.length;

  /** One mapping for both rings, no lost completions, and a time limit in enter: Linux 5.11. */
  private static final int NEEDED_FEATURES =
      Linux.IORING_FEAT_SINGLE_MMAP() | Linux.IORING_FEAT_NODROP() | Linux.IORING_FEAT_EXT_ARG();

  /** Byte offsets in {@link #rings} of the submission side. */
  record SqOffsets(int head, int tail, int mask, int flags, int array) {}

  /** Byte offsets in {@link #rings} of the completion side. */
  record CqOffsets(int head, int tail, int mask, int overflow, int cqes) {}

  /**
   * Opens a ring.
   *
   * @param cqEntries 0 for the kernel's choice, twice {@code entries}
   * @param extraFlags set-up flags wanted on every rung
   * @param firstRung 0, or further down for a test
   */
  static UringSetup open(int entries, int cqEntries, int extraFlags, int firstRung) {
    int wanted = extraFlags | Linux.IORING_SETUP_CLAMP();
    if (cqEntries > 0) {
      wanted |= Linux.IORING_SETUP_CQSIZE();
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment params = arena.allocate(io_uring_params.layout());
      int result = -Errno.EINVAL;
      for (int rung = firstRung; rung < RUNGS && result == -Errno.EINVAL; rung++) {
        params.fill((byte) 0);
        io_uring_params.flags(params, LADDER[rung] | wanted);
        io_uring_params.cq_entries(params, cqEntries);
        result = UringSyscalls.setup(entries, params);
      }
      if (result < 0) {
        throw refused(entries, cqEntries, -result);
      }
      return map(result, params);
    }
  }

  private static UringSetup map(int fd, MemorySegment params) {
    int features = io_uring_params.features(params);
    if ((features & NEEDED_FEATURES) != NEEDED_FEATURES) {
      Libc.close(fd);
      throw new NativeException(
          "io_uring_setup",
          "features=0x%x, needed=0x%x".formatted(features, NEEDED_FEATURES),
          Errno.EOPNOTSUPP,
          "run Linux 5.15 or newer");
    }
    int sqEntries = io_uring_params.sq_entries(params);
    int cqEntries = io_uring_params.cq_entries(params);
    SqOffsets sq = sqOffsets(io_uring_params.sq_off(params));
    CqOffsets cq = cqOffsets(io_uring_params.cq_off(params));
    long ringBytes =
        Math.max(
            sq.array() + (long) sqEntries * Integer.BYTES,
            cq.cqes() + cqEntries * io_uring_cqe.layout().byteSize());
    MemorySegment rings = mapOrClose(fd, Linux.IORING_OFF_SQ_RING(), ringBytes);
    MemorySegment sqes;
    try {
      sqes = mapOrClose(fd, Linux.IORING_OFF_SQES(), sqEntries * io_uring_sqe.layout().byteSize());
    } catch (NativeException e) {
      NativeMemory.unmap(rings);
      throw e;
    }
    return new UringSetup(
        fd, io_uring_params.flags(params), features, sqEntries, cqEntries, rings, sqes, sq, cq);
  }

  private static MemorySegment mapOrClose(int fd, long offset, long sizeBytes) {
    try {
      return NativeMemory.map(
          fd,
          offset,
          sizeBytes,
          Fcntl.PROT_READ | Fcntl.PROT_WRITE,
          Fcntl.MAP_SHARED | Fcntl.MAP_POPULATE);
    } catch (NativeException e) {
      Libc.close(fd);
      throw e;
    }
  }

  private static SqOffsets sqOffsets(MemorySegment offsets) {
    return new SqOffsets(
        io_sqring_offsets.head(offsets),
        io_sqring_offsets.tail(offsets),
        io_sqring_offsets.ring_mask(offsets),
        io_sqring_offsets.flags(offsets),
        io_sqring_offsets.array(offsets));
  }

  private static CqOffsets cqOffsets(MemorySegment offsets) {
    return new CqOffsets(
        io_cqring_offsets.head(offsets),
        io_cqring_offsets.tail(offsets),
        io_cqring_offsets.ring_mask(offsets),
        io_cqring_offsets.overflow(offsets),
        io_cqring_offsets.cqes(offsets));
  }

  private static NativeException refused(int entries, int cqEntries, int errno) {
    String remedy =
        switch (errno) {
          case Errno.EPERM ->
              "set sysctl kernel.io_uring_disabled=0, or allow io_uring in the container's seccomp profile";
          case Errno.ENOSYS -> "run Linux 5.15 or newer with CONFIG_IO_URING";
          case Errno.ENOMEM -> "raise the limit of locked memory (ulimit -l)";
          case Errno.EMFILE, Errno.ENFILE -> "raise the limit of open files (ulimit -n)";
          default -> "ask for 1 to 32768 entries, and for no fewer completion entries";
        };
    return new NativeException(
        "io_uring_setup", "entries=" + entries + ", cqEntries=" + cqEntries, errno, remedy);
  }
}
