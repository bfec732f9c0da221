package io.lampyris.cli.operate;

import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.cluster.ClusterLink;

/** Something that an operator asks for once and that takes its time. Used by one thread. */
public interface Operation {
  /** What it is, for people: {@code drain of node 3}. */
  String name();

  /** The command that goes on with it, and how; for who stops to follow it. */
  String goOn();

  /**
   * Gives the order.
   *
   * @return what the manager said
   */
  String begin(ClusterLink link) throws InputException, FailedException;

  /** Looks how far it is, and gives the next order where there is one. */
  Step step(ClusterLink link, ClusterView view) throws InputException, FailedException;
}
