package io.lampyris.bench.net;

/** What one operation moves, and how many are in flight. */
enum Exchange {
  EMPTY(0, false, 1),
  EMPTY_DEEP(0, false, 32),
  READ_4K(4 << 10, true, 1),
  READ_4K_DEEP(4 << 10, true, 32),
  WRITE_4K_DEEP(4 << 10, false, 32),
  READ_1M(1 << 20, true, 1),
  READ_1M_DEEP(1 << 20, true, 4),
  WRITE_1M(1 << 20, false, 1),
  WRITE_1M_DEEP(1 << 20, false, 4);

  /** A frame's header. */
  private static final int HEADER_BYTES = 64;

  static final int MESSAGE_BYTES = 32;

  final int payloadBytes;
  final boolean read;
  final int depth;

  Exchange(int payloadBytes, boolean read, int depth) {
    this.payloadBytes = payloadBytes;
    this.read = read;
    this.depth = depth;
  }

  int requestBytes() {
    return HEADER_BYTES + MESSAGE_BYTES + (read ? 0 : payloadBytes);
  }

  int answerBytes() {
    return HEADER_BYTES + (read ? payloadBytes : 0);
  }
}
