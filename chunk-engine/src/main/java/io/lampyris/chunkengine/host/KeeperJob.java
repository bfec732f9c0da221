package io.lampyris.chunkengine.host;

import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.StoreException.Reason;
import org.jspecify.annotations.Nullable;

/**
 * A job that the reactor gives to a keeper and polls. Its fields are the reactor's before {@link
 * #submitTo} and once {@link #isDone}, the keeper's in between.
 */
public abstract class KeeperJob implements Runnable {
  private final Runnable wake;
  private boolean underWay;
  private volatile boolean done;
  private @Nullable StoreException failure;

  /**
   * @param wake ends the reactor's sleep
   */
  public KeeperJob(Runnable wake) {
    this.wake = wake;
  }

  /** The blocking part. Owner: keeper. */
  protected abstract void work() throws StoreException;

  public final void submitTo(Keeper keeper) {
    assert !underWay : "a job is submitted once at a time";
    underWay = true;
    done = false;
    failure = null;
    keeper.submit(this);
  }

  /** Submitted, and {@link #finish} not called yet. */
  public final boolean isUnderWay() {
    return underWay;
  }

  /** Whether {@link #finish} may be called. */
  public final boolean isDone() {
    return underWay && done;
  }

  /** Takes the job back; returns why it failed, or null. */
  public final @Nullable StoreException finish() {
    assert isDone() : "only a job that is done is taken back";
    underWay = false;
    return failure;
  }

  @Override
  public final void run() {
    try {
      work();
    } catch (StoreException e) {
      failure = e;
    } catch (RuntimeException | InternalError e) {
      failure =
          new StoreException(
              Reason.IO,
              "a job of the target's keeper failed; observed=%s, limit=success; remedy: look at the cause"
                  .formatted(e),
              e);
    }
    done = true;
    wake.run();
  }
}
