package io.lampyris.chunkengine.host;

/** Has no thread. */
final class InlineKeeper implements Keeper {
  static final InlineKeeper INSTANCE = new InlineKeeper();

  private InlineKeeper() {}

  @Override
  public void submit(Runnable job) {
    job.run();
  }

  @Override
  public void close() {}
}
