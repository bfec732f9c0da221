package io.lampyris.protocol;

/**
 * Why an operation failed. On the data path an outcome is a {@code long}: a value {@code >= 0}, or
 * a {@link #code()} of this enum, which is always negative.
 *
 * <p>Numbers are part of the protocol (I1): {@code -1 … -999} common, {@code -1000 … -1999}
 * transport, {@code -3000 … -3999} metadata, {@code -4000 … -4999} storage, {@code -5000 … -5999}
 * management.
 */
public enum Status {
  /** The request itself makes no sense. */
  INVALID_ARGUMENT(-1, 22),
  /** The service does not know this message. */
  NOT_IMPLEMENTED(-2, 38),
  /** Bytes did not have the checksum that was recorded for them. */
  DATA_CORRUPTION(-3, 5),
  /** The caller may not do this at all. */
  NOT_PERMITTED(-4, 1),
  /** The mode bits forbid it. */
  ACCESS_DENIED(-5, 13),
  /** The device or file system is read-only. */
  READ_ONLY(-6, 30),
  /** The operation was given up before it took effect. */
  CANCELLED(-7, 4),
  /** A pool or queue is exhausted: try again later. */
  BUSY(-8, 11),
  /** A defect of ours that was caught. */
  INTERNAL(-9, 5),
  /** The caller's memory is not there any more. */
  MEMORY_FAULT(-10, 14),

  /** No answer before the deadline. */
  TIMEOUT(-1000, 110),
  /** The peer is gone or does not serve this. */
  UNREACHABLE(-1001, 121),

  /** No such file, directory or inode. */
  NOT_FOUND(-3000, 2),
  /** The name is taken. */
  EXISTS(-3001, 17),
  /** A directory was needed. */
  NOT_DIRECTORY(-3002, 20),
  /** A directory is not allowed here. */
  IS_DIRECTORY(-3003, 21),
  /** The directory has entries. */
  NOT_EMPTY(-3004, 39),
  /** Names have at most 255 bytes, link targets 4095. */
  NAME_TOO_LONG(-3005, 36),
  /** An inode's link count is at its maximum. */
  TOO_MANY_LINKS(-3006, 31),
  /** The length exceeds what chunk indices can address. */
  FILE_TOO_LARGE(-3007, 27),
  /** A directory cannot move into itself. */
  LOOP(-3008, 22),
  /** The file was truncated while its length was being reported. */
  STALE_LENGTH(-3009, 11),

  /** No committed version of this chunk: a hole, or past the end. */
  CHUNK_NOT_FOUND(-4000, 2),
  /** The update is older than what is committed. */
  CHUNK_STALE_UPDATE(-4001, 5),
  /** The update skips a version. */
  CHUNK_MISSING_UPDATE(-4002, 5),
  /** The update was committed already. */
  CHUNK_COMMITTED_UPDATE(-4003, 5),
  /** A pending update stands in the way. */
  CHUNK_ADVANCE_UPDATE(-4004, 5),
  /** The chunk has another size than the request says. */
  CHUNK_SIZE_MISMATCH(-4005, 22),
  /** No space for a new block. */
  NO_SPACE(-4006, 28),
  /** The device failed. */
  DEVICE_ERROR(-4007, 5),
  /** The target does not serve now. */
  TARGET_OFFLINE(-4008, 5),
  /** The sender's routing is not the receiver's. */
  CHAIN_VERSION_MISMATCH(-4009, 11),
  /** The request's bytes do not have the checksum that it names. */
  CHECKSUM_MISMATCH(-4010, 5),
  /** A hole where the caller asked that there be none. */
  HOLE(-4011, 61),

  /** Routing has no such chain, table or node. */
  NO_ROUTE(-5000, 5),
  /** This manager does not decide now: ask another one. */
  NOT_PRIMARY(-5001, 11),
  /** The manager will not do it; its answer says why. */
  REFUSED(-5002, 22),

  /** A buffer or ring that was never registered. */
  NOT_REGISTERED(-6000, 13),
  /** A file that is not open, or not in this way. */
  BAD_DESCRIPTOR(-6001, 9);

  private static final Status[] VALUES = values();

  private final int code;
  private final int errno;

  Status(int code, int errno) {
    this.code = code;
    this.errno = errno;
  }

  /** The number that stands for this status in results and on the wire; negative. */
  public int code() {
    return code;
  }

  /** The Linux errno (positive) that a POSIX caller sees. */
  public int errno() {
    return errno;
  }

  /**
   * The status of a failed result.
   *
   * @param result a negative data-path result
   * @return its status; {@link #INTERNAL} when the number is unknown, as from a newer peer
   */
  public static Status of(long result) {
    assert result < 0 : "a result that is no failure has no status: " + result;
    for (Status status : VALUES) {
      if (status.code == result) {
        return status;
      }
    }
    return INTERNAL;
  }

  /** The errno (positive) of a failed result. */
  public static int errnoOf(long result) {
    return of(result).errno;
  }
}
