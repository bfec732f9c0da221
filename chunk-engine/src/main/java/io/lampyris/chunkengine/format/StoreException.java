package io.lampyris.chunkengine.format;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/**
 * A target cannot be formatted or opened; nothing was changed. The message reads "what; observed=…,
 * limit=…; remedy: …".
 */
public final class StoreException extends Exception {
  /** Why. */
  public enum Reason {
    /** The size or place asked for makes no target. */
    INVALID_ARGUMENT,
    /** There is a target here already. */
    EXISTS,
    /** Formatting it was interrupted: there is no target yet. */
    UNFINISHED,
    /** No superblock is readable: both have a wrong magic or checksum. */
    CORRUPT_SUPERBLOCK,
    /** A superblock of another version of the format. */
    OTHER_FORMAT_VERSION,
    /** The device file is smaller or larger than its superblock says. */
    SIZE_MISMATCH,
    /** A part of the chunk log that was durable is missing or damaged. */
    LOG_CORRUPT,
    /** The host file system is full. */
    NO_SPACE,
    /** Another process has the target open. */
    IN_USE,
    /** The operating system refused a call. */
    IO
  }

  @Serial private static final long serialVersionUID = 1L;

  private final Reason reason;
  private final long position;

  public StoreException(Reason reason, String message) {
    this(reason, message, null);
  }

  /** About a position in the file that the message names. */
  public StoreException(Reason reason, long position, String message) {
    super(message);
    this.reason = reason;
    this.position = position;
  }

  public StoreException(Reason reason, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.reason = reason;
    this.position = -1;
  }

  /** Where in its file it is, -1 when it is about no such place. */
  public long position() {
    return position;
  }

  public Reason reason() {
    return reason;
  }
}
