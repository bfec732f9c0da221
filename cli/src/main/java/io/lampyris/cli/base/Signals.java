package io.lampyris.cli.base;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;

/**
 * Signals as callbacks. Where one ends a process, a shutdown hook would run beside those of the
 * libraries below us, which close what we still need; this runs before any of them. The class that
 * can do it is not in the standard's API, so it is found by name.
 */
public final class Signals {
  private Signals() {}

  /** From now on these signals call {@code stop}, on a thread of their own. */
  public static void onStop(Runnable stop) {
    on(stop, "TERM", "INT", "HUP");
  }

  /** The same for signals by name, without SIG. */
  @SuppressWarnings("ReferenceEquality") // A proxy equals itself alone.
  public static void on(Runnable action, String... names) {
    try {
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> handler = Class.forName("sun.misc.SignalHandler");
      InvocationHandler invocation =
          (proxy, method, args) ->
              switch (method.getName()) {
                case "handle" -> {
                  action.run();
                  yield null;
                }
                case "hashCode" -> System.identityHashCode(proxy);
                case "equals" -> args != null && proxy == args[0];
                default -> "lampyris signal handler";
              };
      Object proxy =
          Proxy.newProxyInstance(
              Signals.class.getClassLoader(), new Class<?>[] {handler}, invocation);
      for (String name : names) {
        signal
            .getMethod("handle", signal, handler)
            .invoke(null, signal.getConstructor(String.class).newInstance(name), proxy);
      }
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("this JVM cannot catch signals", e);
    }
  }
}
