package io.lampyris.reactor.net;

/** A way to one service on one node. */
public interface Connection {
  /**
   * Sends a call. From its home reactor, or from any thread when the call has no home. The answer
   * may arrive before this returns.
   */
  void send(Call call);
}
