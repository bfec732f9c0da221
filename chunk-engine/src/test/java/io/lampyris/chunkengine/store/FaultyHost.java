package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.StoreException.Reason;
import io.lampyris.chunkengine.host.Host;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** The real host, or another, with calls that fail when they are told to. */
final class FaultyHost {
  /** Which calls fail, by name, and why. */
  final Map<String, Reason> failing = new HashMap<>();

  /** How many calls of these names may still succeed before they fail. */
  final Map<String, AtomicInteger> failingAfter = new HashMap<>();

  final Host host = over(Host.posix());

  Host over(Host under) {
    return (Host)
        Proxy.newProxyInstance(
            Host.class.getClassLoader(),
            new Class<?>[] {Host.class},
            (proxy, method, arguments) -> {
              String name = method.getName();
              AtomicInteger left = failingAfter.get(name);
              if (failing.containsKey(name) && (left == null || left.getAndDecrement() <= 0)) {
                throw new StoreException(
                    failing.get(name), "%s failed; observed=a test's wish".formatted(name));
              }
              try {
                return method.invoke(under, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
