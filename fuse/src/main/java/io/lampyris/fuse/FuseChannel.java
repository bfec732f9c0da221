package io.lampyris.fuse;

import java.nio.file.Path;
import java.time.Duration;

/** The kernel side of one mount. Used by one thread at a time. */
interface FuseChannel {
  /** How a mount ended. */
  enum Ending {
    /** Nobody used it: it is gone. */
    UNMOUNTED,
    /** It was in use: the name is free, whoever still holds a file gets errors. */
    DETACHED,
    /** Somebody else had unmounted it. */
    WAS_GONE
  }

  /**
   * Mounts and starts to serve requests on threads of its own; returns before the kernel has been
   * answered for the first time.
   */
  void mount(Path mountPoint, MountOptions options, InodeView view) throws MountException;

  /** Whether requests are still served: false after an unmount by whomever. */
  boolean isServing();

  /** Unmounts and ends the threads within the limit. */
  Ending unmount(Duration limit);
}
