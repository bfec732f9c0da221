package io.lampyris.meta.schema;

/** A stored value has the wrong size or an unknown version. */
public final class CorruptValueException extends RuntimeException {
  private static final long serialVersionUID = 1;

  CorruptValueException(String what, int observedLength, int observedVersion) {
    super(
        "stored %s is malformed; observed=length %d, version %d; remedy: restore the meta directory"
            .formatted(what, observedLength, observedVersion));
  }

  /** A record that another one promises is missing. */
  public CorruptValueException(String what) {
    super(what);
  }
}
