package io.lampyris.mgmtd.state;

/** Another manager has become primary. */
public final class DeposedException extends Exception {
  private static final long serialVersionUID = 1;

  public DeposedException(long epoch) {
    super("another manager is primary; observed=its epoch is past %d".formatted(epoch));
  }
}
