package io.lampyris.protocol;

/** Work that metadata remembers until storage has followed it; see the message ListChores. */
public enum ChoreKind {
  /** No name and no session is left: remove the chunks, then the inode. */
  REMOVE(1),
  /** The length was cut: remove the chunks past it. */
  TRUNCATE(2),
  /** A client went without closing: settle the length from the chunks, then end its session. */
  SETTLE(3);

  private final int number;

  ChoreKind(int number) {
    this.number = number;
  }

  public int number() {
    return number;
  }

  /** The kind with this wire number. */
  public static ChoreKind of(int number) {
    for (ChoreKind kind : values()) {
      if (kind.number == number) {
        return kind;
      }
    }
    throw new IllegalArgumentException("no such chore kind; observed=" + number);
  }
}
