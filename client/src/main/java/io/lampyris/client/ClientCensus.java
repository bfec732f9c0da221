package io.lampyris.client;

import java.util.Set;

/** Which clients there are. Asked by one thread, which may wait. */
@FunctionalInterface
public interface ClientCensus {
  /**
   * The {@link #id} of every client that was heard of lately, the asking one's among them.
   *
   * @return nothing when nobody can tell
   */
  Set<String> living();

  /** How a client is called. */
  static String id(long high, long low) {
    return "%016x%016x".formatted(high, low);
  }
}
