package io.lampyris.reactor;

/** Something to be run once by a reactor; a pooled object, not a closure, on the data path. */
public interface InboxTask {
  void onReactor(long nowNs);
}
