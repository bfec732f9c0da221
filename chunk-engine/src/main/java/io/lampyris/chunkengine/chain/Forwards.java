package io.lampyris.chunkengine.chain;

import org.agrona.collections.LongArrayList;

/**
 * Numbers the attempts to pass updates on, and knows below which number all are over: a network may
 * bring a message late, when its chunk has been removed and made again. Owner: reactor.
 */
final class Forwards {
  private long next = 1;

  /** Numbers of attempts under way, rising; 0 for one that is over. */
  private final LongArrayList underWay = new LongArrayList();

  private int first;

  long begin() {
    underWay.addLong(next);
    return next++;
  }

  void end(long order) {
    int at = (int) (order - (next - (underWay.size() - first))) + first;
    assert underWay.getLong(at) == order : "an attempt ends once";
    underWay.setLong(at, 0);
    while (first < underWay.size() && underWay.getLong(first) == 0) {
      first++;
    }
    if (first == underWay.size()) {
      underWay.clear();
      first = 0;
    } else if (first > 1024) {
      compact();
    }
  }

  private void compact() {
    int left = underWay.size() - first;
    for (int i = 0; i < left; i++) {
      underWay.setLong(i, underWay.getLong(first + i));
    }
    while (underWay.size() > left) {
      underWay.fastUnorderedRemove(underWay.size() - 1);
    }
    first = 0;
  }

  /** All attempts below it are over. */
  long floor() {
    return first < underWay.size() ? underWay.getLong(first) : next;
  }
}
