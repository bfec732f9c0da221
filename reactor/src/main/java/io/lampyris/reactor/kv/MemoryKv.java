package io.lampyris.reactor.kv;

import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A store that lives as long as its object; conflicts are checked as in any other engine. */
public final class MemoryKv extends OptimisticKv {
  private NavigableMap<byte[], byte[]> entries = new TreeMap<>(Arrays::compareUnsigned);

  /** Somebody's snapshot is {@link #entries}: the next commit copies them first. */
  private boolean shared;

  @Override
  protected byte @Nullable [] read(@Nullable Object snapshot, byte[] key) {
    byte[] value = view(snapshot).get(key);
    return value == null ? null : value.clone();
  }

  @SuppressWarnings("unchecked")
  private NavigableMap<byte[], byte[]> view(@Nullable Object snapshot) {
    return snapshot == null ? entries : (NavigableMap<byte[], byte[]>) snapshot;
  }

  @Override
  protected Cursor cursor(@Nullable Object snapshot, byte[] begin, byte[] end, boolean reverse) {
    NavigableMap<byte[], byte[]> range = view(snapshot).subMap(begin, true, end, false);
    return new MapCursor((reverse ? range.descendingMap() : range).entrySet().iterator());
  }

  @Override
  protected Object snapshot() {
    shared = true;
    return entries;
  }

  @Override
  protected void releaseSnapshot(Object snapshot) {
    // The garbage collector does.
  }

  @Override
  protected void apply(List<KeyRange> cleared, NavigableMap<byte[], byte @Nullable []> points) {
    if (shared) {
      entries = new TreeMap<>(entries);
      shared = false;
    }
    for (KeyRange range : cleared) {
      entries.subMap(range.begin, true, range.end, false).clear();
    }
    points.forEach((key, value) -> {
      if (value == null) {
        entries.remove(key);
      } else {
        entries.put(key, value);
      }
    });
  }

  /** Nothing outlives this object, so there is nothing to do. */
  @Override
  public void sync() {}

  @Override
  protected void closeEngine() {}

  private static final class MapCursor implements Cursor {
    private final Iterator<Map.Entry<byte[], byte[]>> rest;
    private Map.@Nullable Entry<byte[], byte[]> current;

    MapCursor(Iterator<Map.Entry<byte[], byte[]>> rest) {
      this.rest = rest;
      advance();
    }

    @Override
    public boolean isValid() {
      return current != null;
    }

    @Override
    public byte[] key() {
      return entry().getKey().clone();
    }

    @Override
    public byte[] value() {
      return entry().getValue().clone();
    }

    private Map.Entry<byte[], byte[]> entry() {
      Map.Entry<byte[], byte[]> entry = current;
      assert entry != null : "the cursor is past its end";
      return entry;
    }

    @Override
    public void advance() {
      current = rest.hasNext() ? rest.next() : null;
    }

    @Override
    public void close() {}
  }
}
