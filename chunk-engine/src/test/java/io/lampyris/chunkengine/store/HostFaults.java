package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.StoreException.Reason;
import io.lampyris.chunkengine.host.Host;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Fails the n-th call of a host that may fail, and counts descriptors. */
final class HostFaults {
  /** How a call fails. */
  enum Kind {
    /** With EIO, not done. */
    FAILS(Reason.IO),
    /** With EIO, and done all the same. */
    FAILS_DONE(Reason.IO),
    /** With ENOSPC, not done. */
    FULL(Reason.NO_SPACE),
    /** With EIO, as all calls that change something behind it. */
    BROKEN(Reason.IO);

    private final Reason reason;

    Kind(Reason reason) {
      this.reason = reason;
    }
  }

  private static final List<String> READING =
      List.of("list", "availableBytes", "leadsTo", "read", "lock", "open");

  /** Calls that give something which their caller would have to give back. */
  private static final List<String> GIVING = List.of("lock", "open");

  private final Kind kind;
  private long left;
  private boolean repaired;

  /** What failed, or empty. */
  String failed = "";

  int descriptors;

  HostFaults(Kind kind, long n) {
    this.kind = kind;
    this.left = n;
  }

  /** No call fails any more. */
  void repair() {
    repaired = true;
  }

  Host over(Host host) {
    return (Host)
        Proxy.newProxyInstance(
            Host.class.getClassLoader(),
            new Class<?>[] {Host.class},
            (proxy, method, arguments) -> call(host, method, arguments));
  }

  private @Nullable Object call(Host host, Method method, @Nullable Object[] arguments)
      throws Throwable {
    String name = method.getName();
    boolean fails = fails(method);
    if (fails && failed.isEmpty()) {
      failed = name + " " + Arrays.toString(arguments);
    }
    boolean before = kind != Kind.FAILS_DONE || GIVING.contains(name);
    if (fails && before) {
      if (name.equals("replace")) {
        leaveHalf(arguments);
      }
      throw failure(name);
    }
    Object result;
    try {
      result = method.invoke(host, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
    if (fails) {
      throw failure(name);
    }
    descriptors += GIVING.contains(name) ? 1 : name.equals("close") ? -1 : 0;
    return result;
  }

  private boolean fails(Method method) {
    if (repaired || method.getExceptionTypes().length == 0) {
      return false;
    }
    left--;
    boolean changes = !READING.contains(method.getName());
    return left == 0 || (left < 0 && kind == Kind.BROKEN && changes);
  }

  /** A file is replaced by way of another one. */
  private static void leaveHalf(@Nullable Object[] arguments) throws IOException {
    if (arguments[0] instanceof Path path && arguments[1] instanceof byte[] content) {
      Files.write(
          path.resolveSibling(path.getFileName() + ".tmp"),
          Arrays.copyOf(content, content.length / 2));
    }
  }

  private StoreException failure(String name) {
    return new StoreException(
        kind.reason,
        "%s failed; observed=a test's wish, limit=success; remedy: wait".formatted(name));
  }
}
