package io.lampyris.cli.rings;

import io.lampyris.bindings.Terminal;
import io.lampyris.cli.base.Signals;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The whole of the terminal that standard input and output lead to, and what is typed there. One in
 * a process: it takes signals and standard input for good. However the process ends by itself, the
 * terminal is as it was (I3).
 */
final class Screen implements AutoCloseable {
  /** What can be waited for. */
  enum Event {
    /** The user has seen enough. */
    QUIT,
    /** The user wants the shell, for now. */
    SUSPEND,
    /** The process goes on; whoever stopped it may have used the terminal. */
    CONTINUED,
    /** There is more room, or less. */
    RESIZED,
    /** {@link #answered} was called. */
    ANSWERED,
    /** Time is up. */
    DUE
  }

  private static final int STANDARD_INPUT = 0;
  private static final int STANDARD_OUTPUT = 1;

  /** The alternate screen, and no cursor: xterm's control sequences. */
  private static final String ENTER = "\033[?1049h\033[?25l";

  private static final String LEAVE = "\033[?25h\033[?1049l";
  private static final String HOME_AND_CLEAR = "\033[H\033[J";

  /** Of a terminal that does not know. */
  private static final Terminal.Size USUAL = new Terminal.Size(24, 80);

  private static final int CONTROL_Z = 'Z' - '@';
  private static final long STOP_MAX_NS = TimeUnit.SECONDS.toNanos(1);

  private final PrintWriter out;
  private final LinkedBlockingQueue<Event> events = new LinkedBlockingQueue<>();
  private final Semaphore continued = new Semaphore(0);
  private final Thread hook = Thread.ofPlatform().unstarted(this::end);

  // Under the lock of this object.
  private @Nullable MemorySegment before;
  private boolean ended;

  Screen(PrintWriter out) {
    this.out = out;
    Signals.on(() -> events.add(Event.RESIZED), "WINCH");
    Signals.on(this::onContinued, "CONT");
    Runtime.getRuntime().addShutdownHook(hook);
    enter();
    Thread.ofPlatform().daemon().name("keys").start(this::readKeys);
  }

  private void onContinued() {
    continued.release();
    events.add(Event.CONTINUED);
  }

  private void readKeys() {
    try {
      for (int key = System.in.read(); key >= 0; key = System.in.read()) {
        switch (key) {
          case 'q', 'Q' -> events.add(Event.QUIT);
          case CONTROL_Z -> events.add(Event.SUSPEND);
          default -> {
            // Means nothing here.
          }
        }
      }
    } catch (IOException e) {
      // The terminal is gone, as at its end.
    }
    events.add(Event.QUIT);
  }

  /** What happens next; DUE when that is nothing until then. */
  Event await(long untilNs) {
    try {
      Event event = events.poll(untilNs - System.nanoTime(), TimeUnit.NANOSECONDS);
      return event == null ? Event.DUE : event;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Event.QUIT;
    }
  }

  /** Makes an event. Any thread. */
  void answered() {
    events.add(Event.ANSWERED);
  }

  Terminal.Size size() {
    Terminal.Size size = Terminal.size(STANDARD_OUTPUT);
    return size.rows() == 0 || size.columns() == 0 ? USUAL : size;
  }

  /** Shows as much of a text as there is room for, and nothing else. */
  synchronized void draw(String text) {
    if (ended) {
      return;
    }
    Terminal.Size size = size();
    StringBuilder shown = new StringBuilder(HOME_AND_CLEAR);
    List<String> lines = text.lines().limit(size.rows()).toList();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      shown.append(i == 0 ? "" : "\n").append(line, 0, Math.min(line.length(), size.columns()));
    }
    out.print(shown);
    out.flush();
  }

  /** Takes the terminal, or takes it again after somebody else had it. */
  synchronized void enter() {
    if (ended) {
      return;
    }
    MemorySegment settings = before == null ? newSettings() : before;
    MemorySegment now = newSettings();
    if (Terminal.readKeys(STANDARD_INPUT, before == null ? settings : now) == 0) {
      before = settings;
    }
    out.print(ENTER);
    out.flush();
  }

  private static MemorySegment newSettings() {
    return Arena.ofAuto().allocate(Terminal.SETTINGS_BYTES, Integer.BYTES);
  }

  private synchronized void leave() {
    out.print(LEAVE);
    out.flush();
    if (before != null) {
      Terminal.restore(STANDARD_INPUT, before);
    }
  }

  /** Stops the process and those started with it, as the terminal would, until it is continued. */
  void suspend() {
    leave();
    continued.drainPermits();
    Terminal.suspend();
    try {
      // Where nobody could continue it, it was not stopped.
      boolean _ = continued.tryAcquire(STOP_MAX_NS, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    enter();
  }

  private synchronized void end() {
    if (!ended) {
      ended = true;
      leave();
    }
  }

  @Override
  public void close() {
    end();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // It runs: the process is being ended.
    }
  }
}
