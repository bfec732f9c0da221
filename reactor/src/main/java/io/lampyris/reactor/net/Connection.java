package io.lampyris.reactor.net;

/** A way to one service on one node. */
public interface Connection {
  /**
   * Sends a call. From its home reactor, or from any thread when the call has no home. The answer
   * may arrive before this returns.
   */
  void send(Call call);

  /**
   * A sent call's answer is not worth waiting for any longer: it is answered soon, TIMEOUT when its
   * answer is not faster, and once nothing refers to its memory any more. What the service makes of
   * it is unknown then. Does nothing to a call that is not under way, nor inside one JVM, where
   * nobody but the service can let go of a call. From the call's home.
   */
  default void cancel(Call call) {}
}
