package io.lampyris.chunkengine.host;

import io.lampyris.reactor.InboxTask;
import io.lampyris.reactor.ReactorContext;
import org.jspecify.annotations.Nullable;

/** Ends the sleep of whichever reactor has the target, if one has. Any thread. */
public final class Wake implements Runnable {
  private static final InboxTask NOTHING = nowNs -> {};

  private volatile @Nullable ReactorContext reactor;

  public void reactor(@Nullable ReactorContext context) {
    reactor = context;
  }

  @Override
  public void run() {
    ReactorContext current = reactor;
    if (current != null) {
      current.offer(NOTHING);
    }
  }
}
