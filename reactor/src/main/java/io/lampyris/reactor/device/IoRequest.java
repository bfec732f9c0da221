package io.lampyris.reactor.device;

import io.lampyris.bindings.Errno;
import io.lampyris.protocol.Status;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * One device operation: a pooled object that its owner fills, submits, and gets back in {@link
 * #onComplete}. Owner: reactor.
 */
public abstract class IoRequest {
  /** What to do. */
  public enum Kind {
    /** Reads {@code lengthBytes} from {@code deviceOffset} into the buffer. */
    READ,
    /** Writes the buffer; durable after a later flush. */
    WRITE,
    /** Writes the buffer; durable at completion. */
    WRITE_FUA,
    /** Makes all writes that completed before this submission durable. */
    FLUSH,
    /** Gives a range back; reading it afterwards yields zeros or the old bytes. */
    DISCARD
  }

  public Kind kind = Kind.READ;
  public MemorySegment buffer = MemorySegment.NULL;
  public long bufferOffset;
  public int lengthBytes;
  public long deviceOffset;

  /** Discard ranges may be larger than an int. */
  public long discardBytes;

  /** The positive errno behind a failed result; 0 otherwise. */
  public int errno;

  // The device's own: the queue of requests that wait for a place, and progress of a short
  // transfer.
  @Nullable IoRequest next;
  boolean waiting;
  int slot = -1;
  int doneBytes;
  boolean flushing;
  int inLineResult;

  /** Prepares a transfer; returns this. */
  public final IoRequest transfer(
      Kind kind, long deviceOffset, MemorySegment buffer, long bufferOffset, int lengthBytes) {
    this.kind = kind;
    this.deviceOffset = deviceOffset;
    this.buffer = buffer;
    this.bufferOffset = bufferOffset;
    this.lengthBytes = lengthBytes;
    return this;
  }

  /** Prepares a flush; returns this. */
  public final IoRequest flush() {
    this.kind = Kind.FLUSH;
    this.lengthBytes = 0;
    return this;
  }

  /** Prepares a discard; returns this. */
  public final IoRequest discard(long deviceOffset, long sizeBytes) {
    this.kind = Kind.DISCARD;
    this.deviceOffset = deviceOffset;
    this.discardBytes = sizeBytes;
    this.lengthBytes = 0;
    return this;
  }

  /** Whether a device has it now. */
  public final boolean isInFlight() {
    return slot >= 0 || waiting;
  }

  /**
   * The request is done and its owner's again.
   *
   * @param result bytes moved (0 for flush and discard), or a {@link io.lampyris.protocol.Status}
   *     code
   */
  protected abstract void onComplete(long result);

  /** Whether a device of this alignment and size can take it as it is. */
  public final boolean fits(int alignmentBytes, long sizeBytes) {
    int mask = alignmentBytes - 1;
    return switch (kind) {
      case FLUSH, DISCARD -> true;
      case READ, WRITE, WRITE_FUA ->
          ((deviceOffset | lengthBytes) & mask) == 0
              && ((buffer.address() + bufferOffset) & mask & 511) == 0
              && lengthBytes > 0
              && bufferOffset + lengthBytes <= buffer.byteSize()
              && deviceOffset + lengthBytes <= sizeBytes;
    };
  }

  /** What to say of one that does not fit. */
  final String misfit(int alignmentBytes, long sizeBytes) {
    return "request does not fit the device; observed=%s offset %d length %d memory 0x%x+%d of %d, limit=alignment %d size %d"
        .formatted(
            kind,
            deviceOffset,
            lengthBytes,
            buffer.address(),
            bufferOffset,
            buffer.byteSize(),
            alignmentBytes,
            sizeBytes);
  }

  final boolean isTransfer() {
    return kind != Kind.FLUSH && kind != Kind.DISCARD;
  }

  /** The result that says what an errno says. */
  static long status(int errno) {
    return switch (errno) {
      case Errno.ENOSPC, Errno.EDQUOT -> Status.NO_SPACE.code();
      case Errno.EROFS -> Status.READ_ONLY.code();
      case Errno.EINVAL, Errno.EFAULT -> Status.INVALID_ARGUMENT.code();
      default -> Status.DEVICE_ERROR.code();
    };
  }

  /** For device implementations outside this package: takes a request until it is complete. */
  public static void accepted(IoRequest request) {
    assert !request.isInFlight() : "a request is submitted once at a time";
    request.waiting = true;
    request.errno = 0;
  }

  /** For device implementations outside this package: completes a request. */
  public static void complete(IoRequest request, long result, int errno) {
    request.waiting = false;
    request.errno = errno;
    request.onComplete(result);
  }
}
