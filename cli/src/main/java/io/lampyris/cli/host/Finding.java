package io.lampyris.cli.host;

/**
 * What a check found (I2).
 *
 * @param id stable and unique: the area, and which of several things
 * @param observed what is there
 * @param limit what is asked for
 * @param remedy commands or words, in lines; empty when nothing is to be done
 */
record Finding(String id, State state, String observed, String limit, String remedy) {

  /** I3. */
  enum State {
    OK,
    INFO,
    WARN,
    ERR
  }

  Finding {
    assert !observed.isEmpty() && !limit.isEmpty() : id + " says what was observed and the limit";
    assert state.compareTo(State.WARN) < 0 || !remedy.isEmpty() : id + " has a remedy";
  }

  static Finding ok(String id, String observed, String limit) {
    return new Finding(id, State.OK, observed, limit, "");
  }

  static Finding info(String id, String observed, String limit, String remedy) {
    return new Finding(id, State.INFO, observed, limit, remedy);
  }

  static Finding warn(String id, String observed, String limit, String remedy) {
    return new Finding(id, State.WARN, observed, limit, remedy);
  }

  static Finding err(String id, String observed, String limit, String remedy) {
    return new Finding(id, State.ERR, observed, limit, remedy);
  }

  boolean isOk() {
    return state == State.OK;
  }
}
