package io.lampyris.usrbio;

import io.lampyris.client.FileSystem.User;
import java.util.concurrent.CountDownLatch;

/** What a symlink in {@code iovs} stands for. Final fields: any thread; the rest: reactor. */
abstract sealed class Registration permits Iov, Ring {
  final RegistrationKey key;
  final SharedFile file;
  final User user;

  /** Opens when the reactor serves it. Any thread. */
  final CountDownLatch attached = new CountDownLatch(1);

  /** I/Os that use the memory. */
  int inFlight;

  /** No new I/O begins; when the last one has ended, the memory goes (I5). */
  boolean detached;

  Registration(RegistrationKey key, SharedFile file, User user) {
    this.key = key;
    this.file = file;
    this.user = user;
  }

  boolean isQuiet() {
    return detached && inFlight == 0;
  }
}
