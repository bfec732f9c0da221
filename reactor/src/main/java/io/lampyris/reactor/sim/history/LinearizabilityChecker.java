package io.lampyris.reactor.sim.history;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Finds out whether a history is linearizable; see the package for how. Owner: one thread.
 *
 * @param <S> states
 * @param <O> operations
 */
public final class LinearizabilityChecker<S, O> {
  /** Operations under way at once, those that are never answered included. */
  private static final int SLOTS_MAX = Long.SIZE;

  private static final int FREE = -1;
  private static final int SHOWN_MAX = 5;

  /** A state, and the slots whose operations have led to it and are not answered yet. */
  private record Configuration<S>(S state, long done) {}

  private final SequentialModel<S, O> model;
  private final long configurationsMax;

  private final int[] slots = new int[SLOTS_MAX];
  private long looked;

  public LinearizabilityChecker(SequentialModel<S, O> model, long configurationsMax) {
    this.model = model;
    this.configurationsMax = configurationsMax;
  }

  public Verdict check(History<O> history) {
    Arrays.fill(slots, FREE);
    looked = 0;
    Set<Configuration<S>> now = new LinkedHashSet<>();
    now.add(new Configuration<>(model.initial(), 0));
    for (History.Event event : history.events()) {
      int number = event.operation();
      if (!event.response()) {
        if (!history.isAnswered(number) && model.isRead(history.operation(number))) {
          continue;
        }
        int slot = slotOf(FREE);
        if (slot < 0) {
          return new Verdict(
              Verdict.Kind.UNDECIDED, "more than " + SLOTS_MAX + " operations at once", looked);
        }
        slots[slot] = event.operation();
        continue;
      }
      int slot = slotOf(event.operation());
      Set<Configuration<S>> next = answered(history, now, slot);
      slots[slot] = FREE;
      if (looked > configurationsMax) {
        return new Verdict(Verdict.Kind.UNDECIDED, "too many configurations", looked);
      }
      if (next.isEmpty()) {
        slots[slot] = event.operation();
        return new Verdict(
            Verdict.Kind.VIOLATION, explain(history, now, event.operation()), looked);
      }
      now = next;
    }
    return new Verdict(Verdict.Kind.LINEARIZABLE, "", looked);
  }

  private int slotOf(int operation) {
    for (int i = 0; i < slots.length; i++) {
      if (slots[i] == operation) {
        return i;
      }
    }
    return -1;
  }

  /** All configurations in which the operation of a slot has taken effect. */
  private Set<Configuration<S>> answered(History<O> history, Set<Configuration<S>> from, int slot) {
    Set<Configuration<S>> reached = new LinkedHashSet<>();
    Set<Configuration<S>> seen = new HashSet<>();
    ArrayDeque<Configuration<S>> open = new ArrayDeque<>();
    for (Configuration<S> configuration : from) {
      Configuration<S> first = withReads(history, configuration);
      if (seen.add(first)) {
        open.push(first);
      }
    }
    long bit = 1L << slot;
    while (!open.isEmpty() && looked <= configurationsMax) {
      Configuration<S> at = open.pop();
      looked++;
      if ((at.done & bit) != 0) {
        reached.add(new Configuration<>(at.state, at.done & ~bit));
        continue;
      }
      for (int i = 0; i < slots.length; i++) {
        if (slots[i] == FREE || (at.done & 1L << i) != 0) {
          continue;
        }
        S state = model.step(at.state, history.operation(slots[i]));
        if (state != null) {
          Configuration<S> next = withReads(history, new Configuration<>(state, at.done | 1L << i));
          if (seen.add(next)) {
            open.push(next);
          }
        }
      }
    }
    return reached;
  }

  /** A read that fits takes place at once: nothing is lost by it. */
  private Configuration<S> withReads(History<O> history, Configuration<S> at) {
    long done = at.done;
    for (int i = 0; i < slots.length; i++) {
      if (slots[i] != FREE && (done & 1L << i) == 0) {
        O operation = history.operation(slots[i]);
        if (model.isRead(operation) && model.step(at.state, operation) != null) {
          done |= 1L << i;
        }
      }
    }
    return done == at.done ? at : new Configuration<>(at.state, done);
  }

  private String explain(History<O> history, Set<Configuration<S>> before, int operation) {
    String states =
        before.stream()
            .map(c -> "    " + c.state)
            .distinct()
            .limit(SHOWN_MAX)
            .collect(Collectors.joining("\n"));
    String others =
        Arrays.stream(slots)
            .filter(o -> o != FREE && o != operation)
            .sorted()
            .mapToObj(o -> "    " + history.describe(o))
            .collect(Collectors.joining("\n"));
    String last =
        java.util.stream.IntStream.range(Math.max(0, operation - 2 * SHOWN_MAX), operation)
            .filter(o -> Arrays.stream(slots).noneMatch(s -> s == o))
            .mapToObj(o -> "    " + history.describe(o))
            .collect(Collectors.joining("\n"));
    return "no order explains\n    %s\n  states before it could be (%d configurations)\n%s\n  under way\n%s\n  lately\n%s"
        .formatted(history.describe(operation), before.size(), states, others, last);
  }
}
