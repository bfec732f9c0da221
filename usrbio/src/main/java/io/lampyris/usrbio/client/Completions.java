package io.lampyris.usrbio.client;

/** Takes what a ring has completed. */
@FunctionalInterface
public interface Completions {
  /**
   * @param userdata what was given to {@link IoRing#prepare}
   * @param result how many bytes were moved, or {@code -errno}
   */
  void completed(long userdata, long result);
}
