package io.lampyris.bench.crash;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * One update of one chunk, small enough for a journal line: the payload follows from the number.
 *
 * @param number counts updates from 1; also the identity's sequence number
 * @param chunk which of the load's chunks
 * @param offset of a write, in the chunk
 * @param lengthBytes of a write, or the chunk's new length
 */
record Update(long number, Kind kind, int chunk, int offset, int lengthBytes) {
  static final int CHUNK_BYTES = 1 << 20;
  private static final byte[] NOTHING = {};

  enum Kind {
    WRITE(1),
    TRUNCATE(2),
    REMOVE(3);

    private final int code;

    Kind(int code) {
      this.code = code;
    }

    int code() {
      return code;
    }

    static Kind of(int code) {
      return switch (code) {
        case 1 -> WRITE;
        case 2 -> TRUNCATE;
        case 3 -> REMOVE;
        default -> throw new IllegalArgumentException("the journal has no kind " + code);
      };
    }
  }

  /** An update that fits a chunk which now has so many bytes. */
  static Update random(SplittableRandom random, long number, int chunk, int length) {
    int kind = random.nextInt(100);
    if (kind < 15 || length == 0) {
      return new Update(number, Kind.WRITE, chunk, 0, 1 + random.nextInt(CHUNK_BYTES));
    }
    if (kind < 55) {
      int bytes = Math.min(length, 1 + random.nextInt(16 << 10));
      return new Update(number, Kind.WRITE, chunk, random.nextInt(length - bytes + 1), bytes);
    }
    if (kind < 65) {
      return new Update(number, Kind.WRITE, chunk, 0, CHUNK_BYTES);
    }
    if (kind < 85 && length < CHUNK_BYTES) {
      int offset = random.nextInt(4) > 0 ? length : random.nextInt(length, CHUNK_BYTES);
      int room = Math.min(CHUNK_BYTES - offset, 128 << 10);
      return new Update(number, Kind.WRITE, chunk, offset, 1 + random.nextInt(room));
    }
    if (kind < 97) {
      return new Update(number, Kind.TRUNCATE, chunk, 0, random.nextInt(CHUNK_BYTES + 1));
    }
    return new Update(number, Kind.REMOVE, chunk, 0, 0);
  }

  /** What a write writes. */
  byte[] payload() {
    byte[] bytes = new byte[lengthBytes];
    new SplittableRandom(number).nextBytes(bytes);
    return bytes;
  }

  /** The chunk's content after this update; a chunk that is not there has none. */
  byte[] applyTo(byte[] content) {
    return switch (kind) {
      case WRITE -> {
        byte[] written = Arrays.copyOf(content, Math.max(content.length, offset + lengthBytes));
        System.arraycopy(payload(), 0, written, offset, lengthBytes);
        yield written;
      }
      case TRUNCATE -> Arrays.copyOf(content, lengthBytes);
      case REMOVE -> NOTHING;
    };
  }
}
