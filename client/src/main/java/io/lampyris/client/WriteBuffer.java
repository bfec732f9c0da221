package io.lampyris.client;

import io.lampyris.protocol.Status;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Writes of one inode on their way to storage: open windows that take bytes, and flights that carry
 * full ones. Guarded by the inode's lock, but for {@link #isDirty} and {@link #end}.
 *
 * <p>A window is an aligned piece of the file with one contiguous dirty range in one buffer. A
 * write that touches the range extends it; another one sends the window and begins anew. Several
 * windows are open at once so that a few interleaved streams do not send each other's. A flight is
 * never overtaken by one that overlaps it.
 *
 * <p>A flight's failure loses its bytes and is remembered: each handle reports it once (package
 * I4). After NO_SPACE writes go through at once, so that the writer hears of it, until one
 * succeeds.
 */
final class WriteBuffer {
  private static final int WINDOWS_MAX = 8;
  private static final int FLIGHTS_MAX = 16;
  private static final long MEMORY_WAIT_NS = TimeUnit.MILLISECONDS.toNanos(10);

  /** Frees memory that others' idle windows hold. */
  interface Evictor {
    void evictOne();
  }

  private static final class Window {
    final MemorySegment memory;
    final long start;
    final long openedNs;
    int from;
    int to;

    Window(MemorySegment memory, long start, int at, long nowNs) {
      this.memory = memory;
      this.start = start;
      this.openedNs = nowNs;
      this.from = at;
      this.to = at;
    }

    /** Whether the dirty range stays one with these bytes. */
    boolean touches(int at, int length) {
      return at <= to && at + length >= from;
    }

    boolean overlaps(long begin, long end) {
      return start + from < end && begin < start + to;
    }
  }

  private final ReactorDataPath dataPath;
  private final OpenInode inode;
  private final MemoryPool pool;
  private final Evictor evictor;
  private final ClientCounters counters;

  /** The one used last is at the end. */
  private final List<Window> windows = new ArrayList<>(WINDOWS_MAX);

  private final ArrayDeque<Flight> flights = new ArrayDeque<>(FLIGHTS_MAX);
  private volatile boolean dirty;
  private volatile long end;
  private long errorSequence;
  private int errorErrno;
  private boolean noSpace;

  WriteBuffer(
      ReactorDataPath dataPath,
      OpenInode inode,
      MemoryPool pool,
      Evictor evictor,
      ClientCounters counters) {
    this.dataPath = dataPath;
    this.inode = inode;
    this.pool = pool;
    this.evictor = evictor;
    this.counters = counters;
  }

  /** Whether there may be bytes that storage has not acknowledged. Any thread. */
  boolean isDirty() {
    return dirty;
  }

  /** Where the last unacknowledged byte ends; 0 when there is none. Any thread. */
  long end() {
    return end;
  }

  /** Rises with every failed flight. */
  long errorSequence() {
    return errorSequence;
  }

  int errorErrno() {
    return errorErrno;
  }

  /** Takes bytes; all of them unless space ran out on the way. */
  int write(long offset, MemorySegment from, int length) throws FileSystemException {
    reap();
    int done = 0;
    while (done < length) {
      int part = partOf(offset + done, length - done);
      if (noSpace) {
        int errno = writeThrough(offset + done, from, done, part);
        if (errno != 0 && done > 0) {
          return done;
        }
        if (errno != 0) {
          throw new FileSystemException(errno, "write failed; observed=no space");
        }
      } else {
        buffer(offset + done, from, done, part);
      }
      done += part;
    }
    return done;
  }

  /** Makes bytes zeros that have no others buffered, and waits until storage has them. */
  void zero(long from, long to) throws FileSystemException {
    if (from >= to) {
      return;
    }
    int max = (int) Math.min(to - from, pool.bufferBytes());
    MemorySegment zeros = MemorySegment.ofArray(new byte[max]);
    for (long at = from; at < to; ) {
      int part = partOf(at, (int) Math.min(to - at, max));
      int errno = writeThrough(at, zeros, 0, part);
      if (errno != 0) {
        throw new FileSystemException(
            errno, "a hole's end was not written; observed=errno " + errno);
      }
      at += part;
    }
  }

  /** Takes bytes if that waits for nothing; they may not cross windows. */
  boolean tryWrite(long offset, MemorySegment from, int length) {
    reap();
    int at = (int) (offset % pool.bufferBytes());
    if (noSpace || at + length > pool.bufferBytes()) {
      return false;
    }
    Window same = windowAt(offset - at);
    Window window = null;
    if (same != null && same.touches(at, length)) {
      boolean fills = Math.max(same.to, at + length) == pool.bufferBytes();
      window = fills && !maySend(same) ? null : same;
    } else if (same == null || maySend(same)) {
      window = tryOpen(offset - at, at, length, same);
    }
    if (window != null) {
      put(window, at, from, 0, length);
    }
    return window != null;
  }

  /** A new window, in the place of {@code leaving} if there is one; null if that has to wait. */
  private @Nullable Window tryOpen(long start, int at, int length, @Nullable Window leaving) {
    Window first = leaving;
    if (first == null && windows.size() == WINDOWS_MAX) {
      first = windows.getFirst();
    }
    if (at + length == pool.bufferBytes() || (first != null && !maySend(first))) {
      return null;
    }
    MemorySegment memory = pool.tryTake();
    if (memory == null) {
      return null;
    }
    if (first != null) {
      send(first);
    }
    Window window = new Window(memory, start, at, System.nanoTime());
    windows.add(window);
    return window;
  }

  private @Nullable Window windowAt(long start) {
    for (int i = windows.size() - 1; i >= 0; i--) {
      if (windows.get(i).start == start) {
        return windows.get(i);
      }
    }
    return null;
  }

  /** Whether sending a window waits for nothing. */
  private boolean maySend(Window window) {
    return flights.size() < FLIGHTS_MAX
        && !isUnderWay(window.start, window.start + pool.bufferBytes());
  }

  private boolean isUnderWay(long from, long to) {
    for (Flight flight : flights) {
      if (flight.overlaps(from, to) && !flight.hasLanded()) {
        return true;
      }
    }
    return false;
  }

  /** Whether bytes of a range are not acknowledged by storage. */
  boolean overlaps(long from, long to) {
    for (int i = 0; i < windows.size(); i++) {
      if (windows.get(i).overlaps(from, to)) {
        return true;
      }
    }
    return isUnderWay(from, to);
  }

  private int partOf(long offset, int length) {
    return (int) Math.min(length, pool.bufferBytes() - offset % pool.bufferBytes());
  }

  private void buffer(long offset, MemorySegment from, long fromOffset, int length) {
    int at = (int) (offset % pool.bufferBytes());
    put(windowFor(offset - at, at, length), at, from, fromOffset, length);
  }

  private void put(Window window, int at, MemorySegment from, long fromOffset, int length) {
    MemorySegment.copy(from, fromOffset, window.memory, at, length);
    counters.copiedBytes.add(length);
    window.from = Math.min(window.from, at);
    window.to = Math.max(window.to, at + length);
    end = Math.max(end, window.start + at + length);
    dirty = true;
    if (window.to == pool.bufferBytes()) {
      send(window);
    }
  }

  private Window windowFor(long start, int at, int length) {
    for (int i = windows.size() - 1; i >= 0; i--) {
      Window window = windows.get(i);
      if (window.start != start) {
        continue;
      }
      if (window.touches(at, length)) {
        windows.add(windows.remove(i));
        return window;
      }
      send(window);
      break;
    }
    MemorySegment memory = takeMemory();
    if (windows.size() == WINDOWS_MAX) {
      send(windows.getFirst());
    }
    Window window = new Window(memory, start, at, System.nanoTime());
    windows.add(window);
    return window;
  }

  private MemorySegment takeMemory() {
    MemorySegment memory = pool.tryTake();
    while (memory == null) {
      if (windows.isEmpty()) {
        evictor.evictOne();
      } else {
        send(windows.getFirst());
      }
      memory = pool.take(MEMORY_WAIT_NS);
    }
    return memory;
  }

  /** Writes and waits; answers the errno. */
  private int writeThrough(long offset, MemorySegment from, long fromOffset, int length) {
    drain(offset, offset + length);
    MemorySegment memory = takeMemory();
    MemorySegment.copy(from, fromOffset, memory, 0, length);
    counters.copiedBytes.add(length);
    Flight flight = new Flight(dataPath, inode, true, pool).range(offset, memory, 0, length);
    flight.launch().release();
    long result = flight.await();
    if (result < 0) {
      return Status.errnoOf(result);
    }
    noSpace = false;
    return 0;
  }

  /** Hands a window to the data path; its bytes are in one list or the other all the time. */
  private void send(Window window) {
    long from = window.start + window.from;
    long to = window.start + window.to;
    awaitFlights(from, to);
    if (flights.size() == FLIGHTS_MAX) {
      flights.getFirst().await();
      reap();
    }
    Flight flight = new Flight(dataPath, inode, true, pool);
    flight.range(from, window.memory, window.from, (int) (to - from));
    flights.add(flight);
    windows.remove(window);
    flight.launch().release();
  }

  private void awaitFlights(long from, long to) {
    for (Flight flight : flights) {
      if (flight.overlaps(from, to)) {
        flight.await();
      }
    }
    reap();
  }

  /** Takes note of flights that landed. */
  private void reap() {
    Iterator<Flight> all = flights.iterator();
    while (all.hasNext()) {
      Flight flight = all.next();
      if (flight.hasLanded()) {
        all.remove();
        note(flight.await());
      }
    }
    if (flights.isEmpty() && windows.isEmpty()) {
      dirty = false;
      end = 0;
    }
  }

  private void note(long result) {
    if (result < 0) {
      errorSequence++;
      errorErrno = Status.errnoOf(result);
      noSpace |= result == Status.NO_SPACE.code();
    }
  }

  /** Sends what overlaps a range and waits for it. */
  void drain(long from, long to) {
    sendOverlapping(from, to);
    awaitFlights(from, to);
  }

  /** Sends everything. */
  void send() {
    sendOverlapping(0, Long.MAX_VALUE);
  }

  void drain() {
    drain(0, Long.MAX_VALUE);
  }

  private void sendOverlapping(long from, long to) {
    for (int i = windows.size() - 1; i >= 0; i--) {
      Window window = windows.get(i);
      if (window.overlaps(from, to)) {
        send(window);
      }
    }
  }

  /** Sends windows that were opened before a time. */
  void sendOlderThan(long openedNs) {
    for (int i = windows.size() - 1; i >= 0; i--) {
      Window window = windows.get(i);
      if (window.openedNs - openedNs < 0) {
        send(window);
      }
    }
    reap();
  }

  /** Sends the window that was not used for longest; answers whether there was one. */
  boolean sendOldest() {
    @Nullable Window oldest = windows.isEmpty() ? null : windows.getFirst();
    if (oldest != null) {
      send(oldest);
    }
    return oldest != null;
  }
}
