package io.lampyris.fuse;

import io.lampyris.bindings.Errno;
import io.lampyris.client.FileSystemException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Lets nothing escape into C: every outcome is a number (I5). Any thread. */
final class Guard {
  private static final Logger LOG = LoggerFactory.getLogger(Guard.class);

  private final Set<String> seen = ConcurrentHashMap.newKeySet();

  /** A handler. */
  interface Body1 {
    int call(long a) throws FileSystemException;
  }

  /** A handler. */
  interface Body2 {
    int call(long a, long b) throws FileSystemException;
  }

  /** A handler. */
  interface Body3 {
    int call(long a, long b, long c) throws FileSystemException;
  }

  /** A handler. */
  interface Body4 {
    int call(long a, long b, long c, long d) throws FileSystemException;
  }

  /** A handler. */
  interface Body5 {
    int call(long a, long b, long c, long d, long e) throws FileSystemException;
  }

  /** A handler. */
  interface Body6 {
    int call(long a, long b, long c, long d, long e, long f) throws FileSystemException;
  }

  Upcalls.Of1 of(String what, Body1 body) {
    return a -> {
      try {
        return body.call(a);
      } catch (Throwable t) {
        return errnoOf(what, t);
      }
    };
  }

  Upcalls.Of2 of(String what, Body2 body) {
    return (a, b) -> {
      try {
        return body.call(a, b);
      } catch (Throwable t) {
        return errnoOf(what, t);
      }
    };
  }

  Upcalls.Of3 of(String what, Body3 body) {
    return (a, b, c) -> {
      try {
        return body.call(a, b, c);
      } catch (Throwable t) {
        return errnoOf(what, t);
      }
    };
  }

  Upcalls.Of4 of(String what, Body4 body) {
    return (a, b, c, d) -> {
      try {
        return body.call(a, b, c, d);
      } catch (Throwable t) {
        return errnoOf(what, t);
      }
    };
  }

  Upcalls.Of5 of(String what, Body5 body) {
    return (a, b, c, d, e) -> {
      try {
        return body.call(a, b, c, d, e);
      } catch (Throwable t) {
        return errnoOf(what, t);
      }
    };
  }

  Upcalls.Of6 of(String what, Body6 body) {
    return (a, b, c, d, e, f) -> {
      try {
        return body.call(a, b, c, d, e, f);
      } catch (Throwable t) {
        return errnoOf(what, t);
      }
    };
  }

  /** The negative number that stands for what was thrown. */
  int errnoOf(String what, Throwable t) {
    if (t instanceof FileSystemException e) {
      return -e.errno();
    }
    if (seen.add(what + t.getClass().getName())) {
      LOG.error("{} failed as nobody expected; observed={}; remedy: report this", what, t, t);
    } else {
      LOG.debug("{} failed again; observed={}", what, t.toString());
    }
    return -Errno.EIO;
  }
}
