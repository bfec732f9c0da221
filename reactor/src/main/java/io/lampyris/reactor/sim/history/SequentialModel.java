package io.lampyris.reactor.sim.history;

import org.jspecify.annotations.Nullable;

/**
 * An object that is used by one at a time.
 *
 * @param <S> its states: immutable, with equals and hashCode
 * @param <O> its operations together with their outcomes
 */
public interface SequentialModel<S, O> {
  S initial();

  /**
   * The state behind an operation; null when the operation cannot have its outcome in this state.
   * Without an outcome it always can.
   */
  @Nullable S step(S state, O operation);

  /** Whether an operation leaves every state as it is. */
  boolean isRead(O operation);
}
