package io.lampyris.reactor.sim.history;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.reactor.sim.Prng;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class LinearizabilityCheckerTest {
  private static final int UNKNOWN = -1;

  /** On a register that begins with 0: write a value, read one, or add one and say what it was. */
  private record Op(char kind, int value) {}

  private static final class Register implements SequentialModel<Integer, Op> {
    @Override
    public Integer initial() {
      return 0;
    }

    @Override
    public @Nullable Integer step(Integer state, Op op) {
      return switch (op.kind) {
        case 'w' -> op.value;
        case 'r' -> op.value == UNKNOWN || op.value == state ? state : null;
        case 'a' -> op.value == UNKNOWN || op.value == state ? (Integer) (state + 1) : null;
        default -> throw new AssertionError(op);
      };
    }

    @Override
    public boolean isRead(Op op) {
      return op.kind == 'r';
    }
  }

  /**
   * Builds a history: {@code "w1( r0( w1) r0)"} begins a write and a read, which end in turn; an
   * operation whose end is missing is never answered.
   */
  private static History<Op> history(String text) {
    History<Op> history = new History<>();
    List<String> open = new ArrayList<>();
    List<Integer> numbers = new ArrayList<>();
    long nowNs = 0;
    for (String event : text.split(" ", -1)) {
      String name = event.substring(0, event.length() - 1);
      Op op = new Op(name.charAt(0), Integer.parseInt(name.substring(1).replace("?", "-1")));
      nowNs += 1_000;
      if (event.endsWith("(")) {
        open.add(name);
        numbers.add(history.invoke(op, nowNs));
      } else {
        int at = open.indexOf(name);
        history.respond(numbers.get(at), op, nowNs);
        open.set(at, "");
      }
    }
    return history;
  }

  private static Verdict.Kind check(String text) {
    return check(history(text));
  }

  private static Verdict.Kind check(History<Op> history) {
    return new LinearizabilityChecker<>(new Register(), 1 << 20).check(history).kind();
  }

  private static void good(String text) {
    assertEquals(Verdict.Kind.LINEARIZABLE, check(text), text);
  }

  private static void bad(String text) {
    assertEquals(Verdict.Kind.VIOLATION, check(text), text);
  }

  @Test
  void whatHappensOneByOneIsAsTheModelSays() {
    good("w1( w1) r1( r1) w2( w2) r2( r2)");
    bad("w1( w1) r0( r0)");
    bad("w1( w1) w2( w2) r1( r1)");
  }

  @Test
  void aReadBesideAWriteMaySeeEitherButNotGoBack() {
    good("w1( r0( r0) r1( r1) w1)");
    bad("w1( r1( r1) r0( r0) w1)");
  }

  @Test
  void writesSideBySideHaveOneOrderForAll() {
    good("w1( w2( w1) w2) r1( r1) r1( r1)");
    good("w1( w2( w1) w2) r2( r2)");
    bad("w1( w2( w1) w2) r1( r1) r2( r2)");
  }

  @Test
  void whatWasNeverAnsweredMayTakeEffectLateOrNever() {
    good("w1( r0( r0) r1( r1)");
    good("w1( w2( w2) r2( r2) r1( r1)");
    good("w1( r0( r0) r0( r0)");
    bad("w1( r1( r1) w2( w2) r1( r1)");
  }

  @Test
  void anUpdateThatIsCarriedOutTwiceIsFound() {
    good("a0( a0) a1( a1) r2( r2)");
    bad("a0( a0) r2( r2)");
    good("a?( r1( r1) r1( r1)");
    bad("a?( r1( r1) r2( r2)");
  }

  @Test
  void theVerdictIsThatOfTryingAllOrders() {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("seed=" + seed);
    Prng prng = new Prng(seed);
    int[] verdicts = new int[2];
    for (int i = 0; i < 20_000; i++) {
      History<Op> history = random(prng);
      boolean expected = new BruteForce(history).isLinearizable();
      Verdict.Kind found = check(history);
      verdicts[expected ? 1 : 0]++;
      assertEquals(
          expected ? Verdict.Kind.LINEARIZABLE : Verdict.Kind.VIOLATION,
          found,
          () -> "I2: " + seed);
    }
    assertTrue(verdicts[0] > 1_000 && verdicts[1] > 1_000, "both kinds come up");
  }

  private static History<Op> random(Prng prng) {
    History<Op> history = new History<>();
    List<Integer> open = new ArrayList<>();
    int size = prng.between(2, 7);
    while (history.size() < size || (!open.isEmpty() && !prng.oneIn(4))) {
      if (history.size() < size && (open.isEmpty() || prng.coin())) {
        boolean read = prng.oneIn(2);
        char kind = read ? 'r' : prng.coin() ? 'w' : 'a';
        open.add(history.invoke(new Op(kind, kind == 'w' ? prng.below(3) : UNKNOWN), 0));
      } else {
        int at = prng.below(open.size());
        int number = open.get(at);
        open.subList(at, at + 1).clear();
        Op op = history.operation(number);
        history.respond(number, new Op(op.kind, op.kind == 'w' ? op.value : prng.below(3)), 0);
      }
    }
    return history;
  }

  /** All orders that respect what was over before what. */
  private static final class BruteForce {
    private final History<Op> history;
    private final Register model = new Register();
    private final int[] begin;
    private final int[] end;

    BruteForce(History<Op> history) {
      this.history = history;
      begin = new int[history.size()];
      end = new int[history.size()];
      java.util.Arrays.fill(end, Integer.MAX_VALUE);
      for (int i = 0; i < history.events().size(); i++) {
        History.Event event = history.events().get(i);
        (event.response() ? end : begin)[event.operation()] = i;
      }
    }

    boolean isLinearizable() {
      return search(model.initial(), 0);
    }

    private boolean search(int state, int done) {
      boolean allAnswered = true;
      for (int i = 0; i < begin.length; i++) {
        if ((done & 1 << i) != 0) {
          continue;
        }
        allAnswered &= end[i] == Integer.MAX_VALUE;
        if (mayBeNext(i, done)) {
          Integer next = model.step(state, history.operation(i));
          if (next != null && search(next, done | 1 << i)) {
            return true;
          }
        }
      }
      return allAnswered;
    }

    private boolean mayBeNext(int operation, int done) {
      for (int other = 0; other < begin.length; other++) {
        if ((done & 1 << other) == 0 && end[other] < begin[operation]) {
          return false;
        }
      }
      return true;
    }
  }
}
