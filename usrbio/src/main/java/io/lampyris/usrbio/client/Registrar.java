package io.lampyris.usrbio.client;

import io.lampyris.usrbio.RegistrationKey.Priority;
import java.io.IOException;

/** Where a daemon is told of shared memory: the directory {@code 3fs-virt/iovs} of its mount. */
interface Registrar extends AutoCloseable {
  /**
   * Registers a file under {@code /dev/shm}; the daemon has mapped it when this returns.
   *
   * @param key as {@link io.lampyris.usrbio.RegistrationKey} is written
   */
  void register(String key, String target) throws IOException;

  void deregister(String key) throws IOException;

  /** The name of the semaphore by which the daemon hears of entries, as sem_open(3) takes it. */
  String submitSemaphore(Priority priority) throws IOException;

  /** False when the daemon that served this directory is gone. May ask the daemon. */
  boolean isAlive();

  @Override
  void close();
}
