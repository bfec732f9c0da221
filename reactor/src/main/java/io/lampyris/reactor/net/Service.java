package io.lampyris.reactor.net;

/** Answers calls. Owner: the reactor it is registered with. */
public interface Service {
  /**
   * A call arrived. The service answers it with {@link Call#reply}, now or later, exactly once.
   *
   * <p>Unknown messages are answered {@link io.lampyris.protocol.Status#NOT_IMPLEMENTED}.
   */
  void onCall(Call call);
}
