package io.lampyris.chunkengine.sim;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One operation on a chunk, in cells, and what came of it.
 *
 * @param from where it begins; for TRUNCATE the new length
 * @param count how many cells
 * @param value what a WRITE writes
 * @param outcome null while it is not known
 */
public record ChunkOperation(Kind kind, int from, int count, int value, @Nullable Outcome outcome) {
  /** What is done. */
  public enum Kind {
    WRITE,
    TRUNCATE,
    REMOVE,
    READ
  }

  /**
   * What was answered.
   *
   * @param present whether there is a chunk: for REMOVE, was
   * @param version behind it; negative when it was not said
   * @param length in cells, behind it; negative when it was not said
   * @param seen by READ
   */
  @SuppressWarnings("ArrayRecordComponent") // never changed
  public record Outcome(boolean present, int version, int length, int[] seen) {
    private static final int[] NOTHING = {};

    /** Of what sees no cells. */
    public static Outcome of(boolean present, int version, int length) {
      return new Outcome(present, version, length, NOTHING);
    }

    @Override
    public boolean equals(Object other) {
      return this == other;
    }

    @Override
    public int hashCode() {
      return System.identityHashCode(this);
    }
  }

  public ChunkOperation with(@Nullable Outcome known) {
    return new ChunkOperation(kind, from, count, value, known);
  }

  @Override
  public String toString() {
    String result =
        outcome == null
            ? "?"
            : !outcome.present
                ? "no chunk"
                : "version %d length %d %s"
                    .formatted(
                        outcome.version,
                        outcome.length,
                        kind == Kind.READ ? Arrays.toString(outcome.seen) : "");
    return switch (kind) {
      case WRITE -> "write %d at %d … %d: %s".formatted(value, from, from + count, result);
      case READ -> "read %d … %d: %s".formatted(from, from + count, result);
      case TRUNCATE -> "truncate to %d: %s".formatted(from, result);
      case REMOVE -> "remove: " + result;
    };
  }
}
