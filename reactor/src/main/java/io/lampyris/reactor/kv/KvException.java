package io.lampyris.reactor.kv;

/** The engine under the store failed. */
public final class KvException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final boolean noSpace;

  public KvException(String message, boolean noSpace, Throwable cause) {
    super(message, cause);
    this.noSpace = noSpace;
  }

  /** Whether the file system under the engine is full. */
  public boolean isNoSpace() {
    return noSpace;
  }
}
