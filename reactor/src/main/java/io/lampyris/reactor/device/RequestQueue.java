package io.lampyris.reactor.device;

import org.jspecify.annotations.Nullable;

/** Requests that wait for a place in a device, in the order of their arrival. Owner: reactor. */
final class RequestQueue {
  private @Nullable IoRequest head;
  private @Nullable IoRequest tail;

  boolean isEmpty() {
    return head == null;
  }

  void add(IoRequest request) {
    request.waiting = true;
    IoRequest last = tail;
    if (last == null) {
      head = request;
    } else {
      last.next = request;
    }
    tail = request;
  }

  /** The first one, which stays. */
  @Nullable IoRequest peek() {
    return head;
  }

  /** Takes the first one out. */
  IoRequest remove() {
    IoRequest first = head;
    assert first != null : "not empty";
    head = first.next;
    if (head == null) {
      tail = null;
    }
    first.next = null;
    first.waiting = false;
    return first;
  }
}
