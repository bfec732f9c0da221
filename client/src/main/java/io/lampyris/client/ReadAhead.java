package io.lampyris.client;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Reads of one handle: a sequential stream finds its bytes fetched already, everything else goes
 * straight into the destination. Any thread but a reactor's.
 *
 * <p>A window was fetched at some generation of the inode, and serves only reads that begin at that
 * same generation: every write that completed before such a read had completed before the fetch
 * (package I2). Reads of one stream may arrive out of order, as the kernel's do, so a small
 * distance from the expected offset still counts as sequential.
 */
final class ReadAhead {
  private static final int RAMP_MIN_BYTES = 128 << 10;
  private static final int RAMP_MAX_BYTES = 4 << 20;
  private static final int SLACK_BYTES = 512 << 10;
  private static final int STREAK_MIN = 2;
  private static final int WINDOWS_MAX = 12;

  private static final class Window {
    final Flight flight;
    final long start;
    final int length;
    final int generation;
    int consumed;
    int users;
    boolean dropped;

    Window(Flight flight, int generation) {
      this.flight = flight;
      this.start = flight.fileOffset;
      this.length = flight.lengthBytes;
      this.generation = generation;
    }

    boolean covers(long offset) {
      return start <= offset && offset < start + length;
    }
  }

  private final ReactorDataPath dataPath;
  private final OpenInode inode;
  private final MemoryPool pool;
  private final ClientCounters counters;

  private final ReentrantLock lock = new ReentrantLock();
  private final List<Window> windows = new ArrayList<>(WINDOWS_MAX);
  private long expected;
  private long aheadEnd;
  private int rampBytes;
  private int streak;

  ReadAhead(ReactorDataPath dataPath, OpenInode inode, MemoryPool pool, ClientCounters counters) {
    this.dataPath = dataPath;
    this.inode = inode;
    this.pool = pool;
    this.counters = counters;
  }

  /** Reads; answers bytes, or a status. */
  long read(long offset, MemorySegment into, int length) {
    lock.lock();
    try {
      plan(offset, length);
    } finally {
      lock.unlock();
    }
    int done = 0;
    while (done < length) {
      long at = offset + done;
      Window window = pin(at);
      int part = window == null ? gap(at, length - done) : ahead(window, at, length - done);
      long got = window == null ? -1 : copy(window, at, into, done, part);
      if (got < 0) {
        got = direct(at, into, done, part);
      }
      if (got < 0) {
        return done > 0 ? done : got;
      }
      done += (int) got;
      if (got < part) {
        break;
      }
    }
    return done;
  }

  /**
   * Takes note of a read that goes straight to storage; false when it belongs to a stream, or
   * another read is being noted. Any thread, a reactor's too.
   */
  boolean tryPass(long offset, int length) {
    if (!lock.tryLock()) {
      return false;
    }
    try {
      if (follows(offset, length) && streak + 1 >= STREAK_MIN) {
        return false;
      }
      plan(offset, length);
      return true;
    } finally {
      lock.unlock();
    }
  }

  private boolean follows(long offset, int length) {
    return offset <= expected + SLACK_BYTES && offset + length > expected - SLACK_BYTES;
  }

  private static int ahead(Window window, long at, int length) {
    return (int) Math.min(length, window.start + window.length - at);
  }

  /** How far it is to the next window. */
  private int gap(long at, int length) {
    lock.lock();
    try {
      long end = at + length;
      for (Window window : windows) {
        if (window.start > at) {
          end = Math.min(end, window.start);
        }
      }
      return (int) (end - at);
    } finally {
      lock.unlock();
    }
  }

  private long direct(long offset, MemorySegment into, long intoOffset, int length) {
    Flight flight = new Flight(dataPath, inode, false, null);
    return flight.range(offset, into, intoOffset, length).launch().await();
  }

  private @Nullable Window pin(long at) {
    lock.lock();
    try {
      for (Window window : windows) {
        if (window.covers(at) && window.generation == inode.generation()) {
          window.users++;
          return window;
        }
      }
      return null;
    } finally {
      lock.unlock();
    }
  }

  /** Copies from a pinned window and lets go of it; a status when its fetch failed. */
  private long copy(Window window, long at, MemorySegment into, long intoOffset, int length) {
    long fetched = window.flight.await();
    long got = fetched;
    if (fetched >= 0) {
      got = Math.clamp(window.start + fetched - at, 0, length);
      MemorySegment.copy(window.flight.memory, at - window.start, into, intoOffset, got);
      counters.readAheadHitBytes.add(got);
      counters.copiedBytes.add(got);
    }
    lock.lock();
    try {
      window.users--;
      window.consumed += length;
      if (!window.dropped && (fetched < 0 || window.consumed >= window.length)) {
        drop(window);
      } else if (window.dropped && window.users == 0) {
        window.flight.release();
      }
    } finally {
      lock.unlock();
    }
    return got;
  }

  private void drop(Window window) {
    windows.remove(window);
    window.dropped = true;
    counters.readAheadWastedBytes.add(Math.max(0, window.length - window.consumed));
    if (window.users == 0) {
      window.flight.release();
    }
  }

  private void dropAll() {
    while (!windows.isEmpty()) {
      drop(windows.getLast());
    }
    aheadEnd = 0;
  }

  /** Follows the stream, and fetches what it will want next. */
  private void plan(long offset, int length) {
    dropStale();
    long end = offset + length;
    if (follows(offset, length)) {
      streak++;
      expected = Math.max(expected, end);
    } else {
      dropAll();
      streak = 0;
      rampBytes = 0;
      expected = end;
    }
    if (streak >= STREAK_MIN) {
      dropPassed();
      fetch();
    }
  }

  private void dropStale() {
    int generation = inode.generation();
    for (int i = windows.size() - 1; i >= 0; i--) {
      if (windows.get(i).generation != generation) {
        dropAll();
        return;
      }
    }
  }

  private void dropPassed() {
    for (int i = windows.size() - 1; i >= 0; i--) {
      Window window = windows.get(i);
      if (window.start + window.length < expected - SLACK_BYTES) {
        drop(window);
      }
    }
  }

  private void fetch() {
    aheadEnd = Math.max(aheadEnd, expected);
    if (aheadEnd - expected > rampBytes / 2) {
      return;
    }
    rampBytes = Math.clamp(rampBytes * 2L, RAMP_MIN_BYTES, RAMP_MAX_BYTES);
    long target = Math.min(inode.lengthBytes(), expected + rampBytes);
    while (aheadEnd < target && windows.size() < WINDOWS_MAX) {
      MemorySegment memory = pool.tryTake();
      if (memory == null) {
        return;
      }
      long boundary = (aheadEnd / pool.bufferBytes() + 1) * pool.bufferBytes();
      int length = (int) (Math.min(target, boundary) - aheadEnd);
      int generation = inode.generation();
      Flight flight = new Flight(dataPath, inode, false, pool);
      windows.add(new Window(flight.range(aheadEnd, memory, 0, length), generation));
      flight.launch();
      aheadEnd += length;
    }
  }

  /** The handle ends. */
  void close() {
    lock.lock();
    try {
      dropAll();
      streak = 0;
    } finally {
      lock.unlock();
    }
  }
}
