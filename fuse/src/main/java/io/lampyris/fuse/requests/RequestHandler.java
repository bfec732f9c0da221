package io.lampyris.fuse.requests;

/** Who knows what to do with reads and writes. */
public interface RequestHandler {
  /** An append comes, in the order in which the kernel has sent them. Any thread. */
  void onAppend(Request request);

  /**
   * Takes the bytes of a write, not of an append, if that waits for nothing. Any thread.
   *
   * @return false when nothing was written: a thread that may wait has to take it
   */
  boolean tryWrite(Request request);

  /**
   * Whether a read has nothing to wait for; then it is begun. Any thread.
   *
   * @return false when a thread that may wait has to take it
   */
  boolean mayBegin(Request request);

  /**
   * Begins such a read: it is {@link Request#complete completed} when this returns, or when the
   * data path is done with it. Owner: reactor.
   */
  void begin(Request request);
}
