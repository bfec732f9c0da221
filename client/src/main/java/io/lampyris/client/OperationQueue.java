package io.lampyris.client;

import org.jspecify.annotations.Nullable;

/** Operations in order; one is in at most one queue. Owner: reactor. */
final class OperationQueue {
  private @Nullable Operation head;
  private @Nullable Operation tail;

  boolean isEmpty() {
    return head == null;
  }

  @Nullable Operation peek() {
    return head;
  }

  void add(Operation operation) {
    assert !operation.queued : "an operation is queued once";
    operation.queued = true;
    operation.next = null;
    if (tail == null) {
      head = operation;
    } else {
      tail.next = operation;
    }
    tail = operation;
  }

  void addFirst(Operation operation) {
    assert !operation.queued : "an operation is queued once";
    operation.queued = true;
    operation.next = head;
    head = operation;
    if (tail == null) {
      tail = operation;
    }
  }

  @Nullable Operation poll() {
    Operation operation = head;
    if (operation != null) {
      head = operation.next;
      operation.next = null;
      operation.queued = false;
      if (head == null) {
        tail = null;
      }
    }
    return operation;
  }
}
