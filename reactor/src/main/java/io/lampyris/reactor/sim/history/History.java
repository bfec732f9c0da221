package io.lampyris.reactor.sim.history;

import java.util.ArrayList;
import java.util.List;

/**
 * Invocations and responses on one object, in the order in which they happened. Owner: one thread.
 *
 * @param <O> operations, with their outcomes once they have one
 */
public final class History<O> {
  /** One event; the operation as it is known in the end. */
  record Event(int operation, boolean response) {}

  private static final double NS_PER_MS = 1e6;

  private final List<O> operations = new ArrayList<>();
  private final List<Long> invokedNs = new ArrayList<>();
  private final List<Long> respondedNs = new ArrayList<>();
  private final List<Event> events = new ArrayList<>();

  /** An operation begins; returns its number. */
  public int invoke(O operation, long nowNs) {
    operations.add(operation);
    invokedNs.add(nowNs);
    respondedNs.add(Long.MAX_VALUE);
    int number = operations.size() - 1;
    events.add(new Event(number, false));
    return number;
  }

  /** An operation was answered: this is what it was, with its outcome. */
  public void respond(int number, O operation, long nowNs) {
    assert respondedNs.get(number) == Long.MAX_VALUE : "answered once: " + number;
    operations.set(number, operation);
    respondedNs.set(number, nowNs);
    events.add(new Event(number, true));
  }

  public int size() {
    return operations.size();
  }

  /** How many were never answered. */
  public int unanswered() {
    return 2 * operations.size() - events.size();
  }

  List<Event> events() {
    return events;
  }

  O operation(int number) {
    return operations.get(number);
  }

  boolean isAnswered(int number) {
    return respondedNs.get(number) != Long.MAX_VALUE;
  }

  /** One line for people. */
  public String describe(int number) {
    long end = respondedNs.get(number);
    return "#%d %s … %s ms  %s"
        .formatted(
            number,
            invokedNs.get(number) / NS_PER_MS,
            end == Long.MAX_VALUE ? "?" : String.valueOf(end / NS_PER_MS),
            operations.get(number));
  }
}
