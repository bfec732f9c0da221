package io.lampyris.reactor.sim;

import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Virtual time and what happens in it: events at their time, in the order of their making where
 * times are equal, and between them the cycles of the reactors. While a reactor finds work, time
 * passes slowly; when none does, it jumps to the next event or timer. Owner: the thread that made
 * it.
 */
public final class Simulation {
  /** Something that happens once. */
  @FunctionalInterface
  public interface Event {
    void happen();
  }

  private record Entry(long atNs, long number, Event event) implements Comparable<Entry> {
    @Override
    public int compareTo(Entry other) {
      int byTime = Long.compare(atNs, other.atNs);
      return byTime != 0 ? byTime : Long.compare(number, other.number);
    }
  }

  /** What a cycle with work takes. */
  private static final long CYCLE_NS = 500;

  /** So many rounds without reaching what is waited for are a livelock. */
  private static final long ROUNDS_MAX = 50_000_000;

  private final Prng prng;
  private final Thread owner = Thread.currentThread();
  private final PriorityQueue<Entry> events = new PriorityQueue<>();
  private final List<SimReactor> reactors = new ArrayList<>();
  private final List<SimReactor> cycling = new ArrayList<>();
  private long nowNs;
  private long numbers;
  private long trace = 0x4C41_4D50;
  private @Nullable Runnable onPowerCut;

  public Simulation(Prng prng) {
    this.prng = prng;
  }

  public long nowNs() {
    return nowNs;
  }

  /** Where everything in this world draws from. */
  public Prng prng() {
    return prng;
  }

  boolean isOwner() {
    return Thread.currentThread() == owner;
  }

  void add(SimReactor reactor) {
    reactors.add(reactor);
  }

  void remove(SimReactor reactor) {
    reactors.remove(reactor);
  }

  /**
   * Says what follows when the power of one node fails in the middle of its work; by default it
   * ends the run. Called between the cycles: the node's reactors are to be closed in it.
   */
  public void onPowerCut(Runnable handler) {
    onPowerCut = handler;
  }

  /** Takes something that happened into the trace. */
  public void trace(long what) {
    trace = (Long.rotateLeft(trace, 23) ^ what) * 0x9E37_79B9_7F4A_7C15L;
  }

  /** A digest of all that has happened: equal for equal runs. */
  public long traceHash() {
    return trace;
  }

  /** Lets something happen later; never before the caller returns. */
  public void after(long delayNs, Event event) {
    assert delayNs >= 0 : "time does not run backwards";
    events.add(new Entry(nowNs + delayNs, numbers++, event));
  }

  /**
   * Runs until the condition holds, which is looked at between rounds.
   *
   * @throws AssertionError when nothing is left that could make it hold
   */
  public void runUntil(BooleanSupplier done) {
    for (long rounds = 0; !done.getAsBoolean(); rounds++) {
      if (!round()) {
        throw new AssertionError("nothing is left to happen, and what is waited for has not");
      }
      if (rounds > ROUNDS_MAX) {
        throw new AssertionError("livelock; observed=%d rounds".formatted(rounds));
      }
    }
  }

  /** Runs for a while. */
  public void runFor(long durationNs) {
    boolean[] over = new boolean[1];
    after(durationNs, () -> over[0] = true);
    runUntil(() -> over[0]);
  }

  /** One cycle of everyone; false when nothing will ever happen again. */
  private boolean round() {
    int work = runDue();
    boolean restless = false;
    int first = reactors.isEmpty() ? 0 : prng.below(reactors.size());
    // A cut of power closes reactors on the way.
    cycling.clear();
    cycling.addAll(reactors);
    for (int i = 0; i < cycling.size(); i++) {
      SimReactor reactor = cycling.get((first + i) % cycling.size());
      if (!reactor.isClosed()) {
        work += cycle(reactor);
        restless |= !reactor.isClosed() && !reactor.mayBlock();
      }
    }
    if (work > 0 || restless) {
      nowNs += CYCLE_NS;
      return true;
    }
    return jump();
  }

  private int cycle(SimReactor reactor) {
    try {
      return reactor.cycle();
    } catch (PowerCut cut) {
      return cutOff(cut);
    }
  }

  private int cutOff(PowerCut cut) {
    Runnable handler = onPowerCut;
    if (handler == null) {
      throw cut;
    }
    handler.run();
    return 1;
  }

  private int runDue() {
    int ran = 0;
    for (Entry next = events.peek(); next != null && next.atNs <= nowNs; next = events.peek()) {
      events.remove();
      trace(next.atNs);
      trace(next.number);
      try {
        next.event.happen();
      } catch (PowerCut cut) {
        cutOff(cut);
      }
      ran++;
    }
    return ran;
  }

  private boolean jump() {
    Entry next = events.peek();
    long untilNs = next == null ? Long.MAX_VALUE : next.atNs;
    for (SimReactor reactor : reactors) {
      untilNs = Math.min(untilNs, reactor.nextTimerNs());
    }
    if (untilNs == Long.MAX_VALUE) {
      return false;
    }
    nowNs = Math.max(nowNs + 1, untilNs);
    return true;
  }
}
