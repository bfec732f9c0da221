package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.host.Keeper;
import io.lampyris.chunkengine.host.KeeperJob;
import io.lampyris.chunkengine.host.Wake;
import io.lampyris.chunkengine.log.ChunkLog;
import io.lampyris.chunkengine.log.LogCatalog;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.TimerTask;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks now and then whether a running target's files are where they were made, and how much room
 * the log has left. Owner: reactor.
 */
final class LogWatch {
  private static final Logger LOGGER = LoggerFactory.getLogger(LogWatch.class);

  private final TargetStore store;
  private final ReactorContext context;
  private final GroupCommit commit;
  private final GenerationSwitch generations;
  private final TargetOptions options;
  private final Keeper keeper;
  private final Look look;
  private final TimerTask onTimer = this::onTimer;
  private boolean started;
  private boolean low;

  LogWatch(
      TargetStore store,
      ReactorContext context,
      GroupCommit commit,
      GenerationSwitch generations,
      TargetOptions options,
      Keeper keeper,
      Wake wake,
      Path logDir,
      Path device) {
    this.store = store;
    this.context = context;
    this.commit = commit;
    this.generations = generations;
    this.options = options;
    this.keeper = keeper;
    this.look = new Look(wake, logDir, device, store.log());
  }

  private final class Look extends KeeperJob {
    private final Path logDir;
    private final Path device;
    ChunkLog log;
    String missing = "";
    long availableBytes;

    Look(Wake wake, Path logDir, Path device, ChunkLog log) {
      super(wake);
      this.logDir = logDir;
      this.device = device;
      this.log = log;
    }

    @Override
    protected void work() throws StoreException {
      Path current = logDir.resolve(LogCatalog.FILE);
      missing = "";
      if (!log.isInPlace()) {
        missing = log.file().toString();
      } else if (!options.host().exists(current)) {
        missing = current.toString();
      } else if (!options.host().exists(device)) {
        missing = device.toString();
      } else {
        availableBytes = options.host().availableBytes(logDir);
      }
    }
  }

  /** Takes what the keeper saw; returns whether there was anything. */
  int poll() {
    if (!started) {
      started = true;
      schedule();
    }
    if (!look.isDone()) {
      return 0;
    }
    StoreException failure = look.finish();
    if (failure != null) {
      store.goOffline("the log cannot be looked at: " + failure.getMessage(), 0);
    } else if (!look.missing.isEmpty()) {
      store.goOffline(look.missing + " was deleted or replaced", 0);
    } else {
      onSpace();
    }
    return 1;
  }

  private void onSpace() {
    boolean now = look.availableBytes < options.log().lowBytes();
    if (now && !low) {
      LOGGER.warn(
          "the chunk log's file system is getting full; observed={} bytes free, limit={}; remedy:"
              + " free space there, or the target refuses updates when it is full",
          look.availableBytes,
          options.log().lowBytes());
    }
    low = now;
    // Space that was refused may be there by now.
    store.log().room(0, 0, false);
    generations.onLook(low);
  }

  boolean hasWork() {
    return look.isDone();
  }

  private void schedule() {
    long delayNs = TimeUnit.MILLISECONDS.toNanos(options.log().lookMs());
    context.timers().schedule(context.nowNs() + delayNs, onTimer);
  }

  private void onTimer(long nowNs) {
    if (store.isOffline() || store.isStopping()) {
      return;
    }
    if (!look.isUnderWay()) {
      look.log = store.log();
      look.submitTo(keeper);
    }
    commit.stateDurability();
    schedule();
  }
}
