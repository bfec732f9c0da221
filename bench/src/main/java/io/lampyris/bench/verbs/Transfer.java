package io.lampyris.bench.verbs;

import io.lampyris.bindings.verbs.QueuePair;
import java.util.List;

/** What is measured; the same on both sides. */
enum Transfer {
  WRITE_4K("ib_write_bw", 4 << 10, 8, 800),
  WRITE_64K("ib_write_bw", 64 << 10, 8, 100),
  WRITE_1M("ib_write_bw", 1 << 20, 2, 12),
  READ_4K("ib_read_bw", 4 << 10, 8, 800),
  READ_64K("ib_read_bw", 64 << 10, 8, 100),
  READ_1M("ib_read_bw", 1 << 20, 1, 8),
  SEND_64("ib_send_lat", 64, 1, 400),
  SEND_4K("ib_send_lat", 4 << 10, 1, 400);

  final String program;
  final int bytes;

  /** Under way at once. Of the packets of many long ones, the rig's wire loses too many. */
  final int depth;

  final int operations;

  Transfer(String program, int bytes, int depth, int operations) {
    this.program = program;
    this.bytes = bytes;
    this.depth = depth;
    this.operations = operations;
  }

  /** Messages there and back, else bytes one way. */
  boolean isLatency() {
    return program.endsWith("_lat");
  }

  int opcode() {
    return isLatency()
        ? QueuePair.SEND
        : program.equals("ib_write_bw") ? QueuePair.WRITE : QueuePair.READ;
  }

  /** Each operation tells of its completion; who waits for a message sleeps. */
  List<String> options() {
    return isLatency() ? List.of("-e") : List.of("-N", "-t", "" + depth, "-Q", "1");
  }

  /** The column of the program's figures that is compared: MiB/s, or the median in µs. */
  int column() {
    return isLatency() ? 4 : 3;
  }
}
