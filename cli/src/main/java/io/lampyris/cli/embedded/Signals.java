package io.lampyris.cli.embedded;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.List;

/**
 * SIGTERM, SIGINT and SIGHUP as a callback. A shutdown hook would run beside those of the libraries
 * below us, which close what we still need; this runs before any of them. The class that can do it
 * is not in the standard's API, so it is found by name.
 */
public final class Signals {
  private Signals() {}

  /** From now on these signals call {@code stop}, on a thread of their own. */
  @SuppressWarnings("ReferenceEquality") // A proxy equals itself alone.
  public static void onStop(Runnable stop) {
    try {
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> handler = Class.forName("sun.misc.SignalHandler");
      InvocationHandler invocation =
          (proxy, method, args) ->
              switch (method.getName()) {
                case "handle" -> {
                  stop.run();
                  yield null;
                }
                case "hashCode" -> System.identityHashCode(proxy);
                case "equals" -> args != null && proxy == args[0];
                default -> "lampyris signal handler";
              };
      Object proxy =
          Proxy.newProxyInstance(
              Signals.class.getClassLoader(), new Class<?>[] {handler}, invocation);
      for (String name : List.of("TERM", "INT", "HUP")) {
        signal
            .getMethod("handle", signal, handler)
            .invoke(null, signal.getConstructor(String.class).newInstance(name), proxy);
      }
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("this JVM cannot catch signals", e);
    }
  }
}
