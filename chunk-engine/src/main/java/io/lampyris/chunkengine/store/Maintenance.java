package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.TimerTask;

/**
 * What a target does by itself, in the background and below its rates: compaction, scrubbing,
 * discarding. Owner: reactor.
 */
final class Maintenance {
  private final TargetStore store;
  private final ReactorContext context;
  private final Compactor compactor;
  private final Scrubber scrubber;
  private final Discarder discarder;

  /** A timer only ends the reactor's sleep: it polls its agents after that. */
  private final TimerTask onTimer = this::onTimer;

  private long timerNs = Long.MAX_VALUE;

  /**
   * All at rest.
   *
   * @param start any number that differs from start to start
   */
  Maintenance(
      TargetStore store,
      ReactorContext context,
      TargetOptions options,
      boolean discards,
      long start) {
    this.store = store;
    this.context = context;
    compactor = new Compactor(store, options.space().compactionBytesPerSecond());
    scrubber = new Scrubber(store, options.integrity(), start);
    discarder = new Discarder(store, discards);
  }

  int poll() {
    if (store.isOffline() || store.isStopping()) {
      return 0;
    }
    long nowNs = context.nowNs();
    int work = compactor.poll(nowNs) + scrubber.poll(nowNs) + discarder.poll(nowNs);
    if (work == 0) {
      setTimer(nowNs);
    }
    return work;
  }

  boolean hasWork() {
    long nowNs = context.nowNs();
    return !store.isOffline()
        && !store.isStopping()
        && (compactor.hasWork(nowNs) || scrubber.hasWork(nowNs) || discarder.hasWork(nowNs));
  }

  private void setTimer(long nowNs) {
    long wakeNs = Math.min(compactor.wakeNs(), Math.min(scrubber.wakeNs(), discarder.wakeNs()));
    if (wakeNs > nowNs && wakeNs < timerNs) {
      timerNs = wakeNs;
      context.timers().schedule(wakeNs, onTimer);
    }
  }

  private void onTimer(long nowNs) {
    if (nowNs >= timerNs) {
      timerNs = Long.MAX_VALUE;
    }
  }

  MaintenanceReport report(long quarantinedChunks) {
    return new MaintenanceReport(
        compactor.passes(),
        compactor.movedChunks(),
        compactor.movedBytes(),
        compactor.emptiedExtents(),
        scrubber.passes(),
        scrubber.readBytes(),
        scrubber.badUnits(),
        quarantinedChunks,
        discarder.extents());
  }
}
