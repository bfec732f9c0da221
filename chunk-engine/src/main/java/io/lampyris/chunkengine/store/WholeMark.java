package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.host.Keeper;
import io.lampyris.chunkengine.host.KeeperJob;
import io.lampyris.chunkengine.recovery.WholeFile;
import java.nio.file.Path;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Whether a target has held everything of its chain once: true only when that is durable. */
final class WholeMark extends KeeperJob {
  private static final Logger LOGGER = LoggerFactory.getLogger(WholeMark.class);

  private final Host host;
  private final Keeper keeper;
  private final Path dir;
  private final UUID uuid;
  private boolean set;

  /** Reads what is there; blocks. */
  WholeMark(Host host, Keeper keeper, Runnable wake, Path dir, UUID uuid) throws StoreException {
    super(wake);
    this.host = host;
    this.keeper = keeper;
    this.dir = dir;
    this.uuid = uuid;
    set = WholeFile.says(host, dir, uuid);
  }

  @Override
  protected void work() throws StoreException {
    WholeFile.write(host, dir, uuid);
  }

  boolean isSet() {
    return set;
  }

  /** Owner: reactor. */
  void set() {
    if (!set && !isUnderWay()) {
      submitTo(keeper);
    }
  }

  boolean hasWork() {
    return isDone();
  }

  /** Takes what the keeper did; returns whether there was anything. */
  int poll() {
    if (!isDone()) {
      return 0;
    }
    StoreException failure = finish();
    set = failure == null;
    if (failure != null) {
      LOGGER.error("target in {} cannot be marked as whole; it is tried again", dir, failure);
    }
    return 1;
  }
}
