package io.lampyris.reactor;

/** What a timer runs. Owner: reactor. */
public interface TimerTask {
  void onTimer(long nowNs);
}
