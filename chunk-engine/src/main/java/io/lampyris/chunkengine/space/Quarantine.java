package io.lampyris.chunkengine.space;

import io.lampyris.chunkengine.format.ChunkState;
import java.util.ArrayList;
import java.util.List;
import org.agrona.collections.Long2ObjectHashMap;

/**
 * Units that were found with bad bytes. Reads that touch one are refused, also those that would not
 * have verified it; a unit leaves when its block is freed (the chunk was replaced or removed), when
 * it is cut off, or when the scrubber finds it intact again. Not durable: what is bad is found
 * again. Owner: reactor.
 */
public final class Quarantine {
  /** Bounds its memory; a device with more bad chunks than this has to be replaced. */
  private static final int CHUNKS_MAX = 1 << 16;

  private static final class Entry {
    final long inode;
    final int chunkIndex;
    final int unitBytes;
    int units;

    Entry(ChunkState chunk) {
      inode = chunk.inode;
      chunkIndex = chunk.chunkIndex;
      unitBytes = chunk.unitBytes();
    }
  }

  /** By the block's offset. */
  private final Long2ObjectHashMap<Entry> entries = new Long2ObjectHashMap<>();

  /** Adds a unit; false when it is here already. */
  public boolean add(ChunkState chunk, int unit) {
    Entry entry = entries.get(chunk.blockOffset);
    if (entry == null) {
      if (entries.size() == CHUNKS_MAX) {
        return true;
      }
      entry = new Entry(chunk);
      entries.put(chunk.blockOffset, entry);
    }
    boolean fresh = (entry.units & 1 << unit) == 0;
    entry.units |= 1 << unit;
    return fresh;
  }

  /** Whether any byte of {@code from … to} of a chunk is in a bad unit. */
  public boolean holds(ChunkState chunk, int from, int to) {
    if (entries.isEmpty() || from >= to) {
      return false;
    }
    Entry entry = entries.get(chunk.blockOffset);
    if (entry == null) {
      return false;
    }
    int first = from / entry.unitBytes;
    int last = (to - 1) / entry.unitBytes;
    return (entry.units & (2 << last) - (1 << first)) != 0;
  }

  /** A unit is intact after all. */
  public void lift(long block, int unit) {
    if (!entries.isEmpty()) {
      keep(block, ~(1 << unit));
    }
  }

  /** A chunk was cut to so many units. */
  public void truncated(long block, int units) {
    if (!entries.isEmpty()) {
      keep(block, (1 << units) - 1);
    }
  }

  private void keep(long block, int units) {
    Entry entry = entries.get(block);
    if (entry != null) {
      entry.units &= units;
      if (entry.units == 0) {
        entries.remove(block);
      }
    }
  }

  /** A block's bytes are nobody's any more. */
  public void forget(long block) {
    if (!entries.isEmpty()) {
      entries.remove(block);
    }
  }

  public int chunks() {
    return entries.size();
  }

  public List<BadChunk> list(int max) {
    List<BadChunk> some = new ArrayList<>();
    for (Entry entry : entries.values()) {
      if (some.size() == max) {
        break;
      }
      some.add(new BadChunk(entry.inode, entry.chunkIndex, entry.units));
    }
    return some;
  }
}
