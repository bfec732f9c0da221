package io.lampyris.chunkengine.check;

import io.lampyris.chunkengine.format.ChunkState;
import java.nio.file.Path;

/**
 * One thing that the offline check has to say.
 *
 * @param message "what; observed=…, limit=…"
 * @param file where
 * @param offset in the file, -1 when it is about the file as a whole
 * @param inode of the chunk that it is about, when {@code unit} or {@code chunkIndex} says that
 *     there is one
 * @param chunkIndex unsigned 32 bits, -1 when it is about no chunk
 * @param unit of the chunk, -1 when it is about no unit
 */
public record CheckFinding(
    Code code, String message, Path file, long offset, long inode, long chunkIndex, int unit) {
  /** Whether something is broken. */
  public enum Severity {
    /** Data or metadata is not what it was. */
    ERROR,
    /** Worth knowing, and as it may be. */
    NOTE
  }

  /** What it is. */
  public enum Code {
    /** One of the two superblocks is damaged; the other serves. */
    SUPERBLOCK_DAMAGED(Severity.ERROR),
    /** Both superblocks are damaged: nothing else can be checked. */
    SUPERBLOCKS_LOST(Severity.ERROR),
    /** Both superblocks are intact and say different things. */
    SUPERBLOCKS_DIFFER(Severity.ERROR),
    /** The device does not have the size that its superblock says. */
    DEVICE_SIZE(Severity.ERROR),
    /** Something was written in a format that this release does not know. */
    OTHER_FORMAT(Severity.ERROR),
    /** The file CURRENT is missing or damaged. */
    CURRENT_DAMAGED(Severity.ERROR),
    /** A generation that CURRENT names is not there, or not one file. */
    GENERATION_MISSING(Severity.ERROR),
    /** A part of the log that was durable is damaged or missing. */
    LOG_DAMAGED(Severity.ERROR),
    /** The journal does not have the payload of an overwrite that was committed or pending. */
    PAYLOAD_LOST(Severity.ERROR),
    /** A chunk's checksum is not that of its units. */
    CHUNK_CHECKSUM(Severity.ERROR),
    /** A block outside the device, misplaced, or too small for its chunk. */
    BLOCK_IMPOSSIBLE(Severity.ERROR),
    /** Two chunks have the same bytes of the device, or one extent has two classes. */
    BLOCK_SHARED(Severity.ERROR),
    /** A unit's bytes do not have their checksum. */
    UNIT_DAMAGED(Severity.ERROR),
    /** The device or a file cannot be read there. */
    UNREADABLE(Severity.ERROR),
    /**
     * The log ends with an unfinished group, which was never acknowledged; cut at the next start.
     */
    TORN_TAIL(Severity.NOTE),
    /** A generation that CURRENT does not name; deleted at the next start. */
    STRAY_GENERATION(Severity.NOTE),
    /** A file that does not belong here; left alone. */
    STRAY_FILE(Severity.NOTE),
    /** A version that is durable and was not committed. */
    PENDING_VERSION(Severity.NOTE),
    /** Groups that only the device's journal has; taken into account. */
    JOURNALED_GROUPS(Severity.NOTE),
    /** Overwrites in the log that are put in their place at the next start; taken into account. */
    TO_REDO(Severity.NOTE),
    /** Blocks were not read, as asked, or because the log does not say which ones count. */
    DATA_NOT_CHECKED(Severity.NOTE);

    private final Severity severity;

    Code(Severity severity) {
      this.severity = severity;
    }

    public Severity severity() {
      return severity;
    }
  }

  static CheckFinding at(Code code, Path file, long offset, String message) {
    return new CheckFinding(code, message, file, offset, 0, -1, -1);
  }

  static CheckFinding of(
      Code code, Path file, long offset, ChunkState chunk, int unit, String message) {
    return new CheckFinding(
        code, message, file, offset, chunk.inode, Integer.toUnsignedLong(chunk.chunkIndex), unit);
  }
}
