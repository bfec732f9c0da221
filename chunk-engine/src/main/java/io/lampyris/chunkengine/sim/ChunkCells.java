package io.lampyris.chunkengine.sim;

import java.util.Arrays;

/**
 * What a chunk holds, in cells of equal size that are written and read whole: a cell is a number, 0
 * for zeros. Immutable.
 *
 * @param present false: there is no such chunk
 * @param cells of its length
 * @param version of the chunk; negative when it is not known
 */
@SuppressWarnings("ArrayRecordComponent") // compared by content, never changed
public record ChunkCells(boolean present, int[] cells, int version) {
  /** No chunk; the first one made here has a version that is not known. */
  public static final ChunkCells NONE = new ChunkCells(false, new int[0], -1);

  /** Cells from a place on, zeros in the gap; the version is one more. */
  ChunkCells written(int from, int count, int value) {
    int[] now = Arrays.copyOf(cells, Math.max(cells.length, from + count));
    Arrays.fill(now, from, from + count, value);
    return new ChunkCells(true, now, next());
  }

  ChunkCells truncated(int count) {
    return new ChunkCells(true, Arrays.copyOf(cells, count), next());
  }

  ChunkCells withVersion(int known) {
    return new ChunkCells(present, cells, known);
  }

  int next() {
    return version < 0 ? -1 : version + 1;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ChunkCells o
        && present == o.present
        && version == o.version
        && Arrays.equals(cells, o.cells);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(cells) + version + (present ? 7 : 0);
  }

  @Override
  public String toString() {
    return present ? "version " + version + " " + Arrays.toString(cells) : "no chunk";
  }
}
