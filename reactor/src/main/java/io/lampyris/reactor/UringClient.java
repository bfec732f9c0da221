package io.lampyris.reactor;

/** Who gets the completions of operations that it prepared on a reactor's io_uring. */
public interface UringClient {
  /**
   * An operation completed. Owner: reactor.
   *
   * @param token the number that the client chose
   * @param result as the kernel gives it: {@code >= 0} or {@code -errno}
   * @param flags {@code IORING_CQE_F_*}
   */
  void onCompletion(int token, int result, int flags);

  /** The submission queue has room again: prepare what waited for it. */
  default void onRoom() {}
}
