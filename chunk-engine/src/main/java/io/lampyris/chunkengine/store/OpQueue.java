package io.lampyris.chunkengine.store;

import org.jspecify.annotations.Nullable;

/** Operations in the order of their arrival, linked through themselves. Owner: reactor. */
final class OpQueue {
  private @Nullable StoreOp head;
  private @Nullable StoreOp tail;

  boolean isEmpty() {
    return head == null;
  }

  void add(StoreOp op) {
    assert op.next == null : "an operation waits in one queue";
    StoreOp last = tail;
    if (last == null) {
      head = op;
    } else {
      last.next = op;
    }
    tail = op;
  }

  @Nullable StoreOp peek() {
    return head;
  }

  @Nullable StoreOp poll() {
    StoreOp op = head;
    if (op != null) {
      head = op.next;
      op.next = null;
      if (head == null) {
        tail = null;
      }
    }
    return op;
  }

  /** Moves everything here, behind what is here. */
  void takeAll(OpQueue from) {
    for (StoreOp op = from.poll(); op != null; op = from.poll()) {
      add(op);
    }
  }
}
