package io.lampyris.bindings.uring;

/** Takes completions from {@link IoUring#poll}, on the ring's owner thread. */
@FunctionalInterface
public interface CompletionHandler {
  /**
   * One completion. May prepare and submit operations on the same ring, but not poll it.
   *
   * @param userData what the operation was prepared with
   * @param result bytes or another value {@code >= 0}, or -errno
   * @param flags {@code IORING_CQE_F_*}; see {@link IoUring#hasMore}
   */
  void onCompletion(long userData, int result, int flags);
}
