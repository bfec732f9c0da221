package io.lampyris.reactor;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/** A number that one thread raises and any thread reads. */
public final class Counter {
  private static final VarHandle VALUE;

  static {
    try {
      VALUE = MethodHandles.lookup().findVarHandle(Counter.class, "value", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  @SuppressWarnings("UnusedVariable") // through VALUE
  private long value;

  /** Owner: the one writing thread. */
  public void add(long delta) {
    VALUE.setOpaque(this, (long) VALUE.getOpaque(this) + delta);
  }

  /** Owner: the one writing thread. */
  public void increment() {
    add(1);
  }

  /** Any thread; may lag a little behind the writer. */
  public long get() {
    return (long) VALUE.getOpaque(this);
  }
}
