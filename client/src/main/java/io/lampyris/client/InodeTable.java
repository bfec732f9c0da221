package io.lampyris.client;

import java.util.Collection;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Inodes that somebody here holds open or is changing, by number. Any thread, a reactor's too: to
 * look neither blocks nor allocates.
 */
final class InodeTable {
  /** A map with numbers for keys would make an object of the number at each look. */
  private static final class Key {
    long number;

    @Override
    public int hashCode() {
      return Long.hashCode(number);
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Key that && number == that.number;
    }

    Key with(long wanted) {
      number = wanted;
      return this;
    }
  }

  /** Each thread has one to look with; those in the map do not change. */
  private final ThreadLocal<Key> looking = ThreadLocal.withInitial(Key::new);

  private final ConcurrentHashMap<Key, InodeState> states = new ConcurrentHashMap<>();

  @Nullable InodeState get(long number) {
    return states.get(looking.get().with(number));
  }

  InodeState getOrMake(long number, LongFunction<InodeState> make) {
    return states.computeIfAbsent(new Key().with(number), key -> make.apply(number));
  }

  void remove(InodeState state) {
    states.remove(looking.get().with(state.number), state);
  }

  /** A view; it shows what comes and goes. */
  Collection<InodeState> values() {
    return states.values();
  }
}
