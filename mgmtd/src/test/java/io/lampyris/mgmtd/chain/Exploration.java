package io.lampyris.mgmtd.chain;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/** Visits every state that a {@link ChainWorld} can reach, nearest first. */
final class Exploration {
  /** What was found; {@code violation} is null, or says what and how. */
  record Result(int states, long steps, int healed, @Nullable String violation) {}

  private static final int HEAL_EVERY = 37;

  private final ChainWorld world;
  private final int statesMax;
  private long[] keys = new long[1 << 12];
  private int[] slots = new int[1 << 11];
  private int[] parents = new int[1 << 10];
  private short[] causes = new short[1 << 10];
  private int count;

  private Exploration(ChainWorld world, int statesMax) {
    this.world = world;
    this.statesMax = statesMax;
  }

  static Result run(ChainWorld.Scope scope, Rules rules, int statesMax) {
    return new Exploration(new ChainWorld(scope, rules), statesMax).run();
  }

  private Result run() {
    world.pack();
    add(world.low, world.high, -1, 0);
    long steps = 0;
    int healed = 0;
    for (int at = 0; at < count && count < statesMax; at++) {
      long low = keys[2 * at];
      long high = keys[2 * at + 1];
      for (int step = 0; step < world.stepCount(); step++) {
        world.unpack(low, high);
        if (!world.step(step)) {
          continue;
        }
        steps++;
        String violation = world.violation();
        if (violation != null) {
          return new Result(count, steps, healed, violation + trace(at, step));
        }
        world.pack();
        add(world.low, world.high, at, step);
      }
      if (at % HEAL_EVERY == 0) {
        world.unpack(low, high);
        boolean can = world.canRecover();
        world.heal();
        healed++;
        if (can && !world.allServe()) {
          return new Result(count, steps, healed, "does not heal: " + world + trace(at, -1));
        }
      }
    }
    return new Result(count, steps, healed, null);
  }

  private void add(long low, long high, int parent, int cause) {
    if (2 * (count + 1) > slots.length) {
      rehash();
    }
    int mask = slots.length - 1;
    int slot = hash(low, high) & mask;
    while (slots[slot] != 0) {
      int at = slots[slot] - 1;
      if (keys[2 * at] == low && keys[2 * at + 1] == high) {
        return;
      }
      slot = slot + 1 & mask;
    }
    if (count == parents.length) {
      parents = Arrays.copyOf(parents, 2 * count);
      causes = Arrays.copyOf(causes, 2 * count);
      keys = Arrays.copyOf(keys, 4 * count);
    }
    keys[2 * count] = low;
    keys[2 * count + 1] = high;
    parents[count] = parent;
    causes[count] = (short) cause;
    slots[slot] = ++count;
  }

  private void rehash() {
    slots = new int[2 * slots.length];
    int mask = slots.length - 1;
    for (int at = 0; at < count; at++) {
      int slot = hash(keys[2 * at], keys[2 * at + 1]) & mask;
      while (slots[slot] != 0) {
        slot = slot + 1 & mask;
      }
      slots[slot] = at + 1;
    }
  }

  private static int hash(long low, long high) {
    long h = (low * 0x9E3779B97F4A7C15L ^ high) * 0xBF58476D1CE4E5B9L;
    return (int) (h ^ h >>> 32);
  }

  private String trace(int at, int last) {
    Deque<String> steps = new ArrayDeque<>();
    if (last >= 0) {
      steps.push(ChainWorld.name(last, world.scope.replicas()));
    }
    for (int s = at; parents[s] >= 0; s = parents[s]) {
      steps.push(ChainWorld.name(causes[s], world.scope.replicas()));
    }
    world.unpack(keys[2 * at], keys[2 * at + 1]);
    return "\n  after " + String.join(", ", steps) + "\n  before the last step: " + world;
  }
}
