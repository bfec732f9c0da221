package io.lampyris.mgmtd.chain;

import java.util.List;

/** What an operator, or the placement on his behalf, asks of a chain. */
public sealed interface Command {
  /** A target joins; it is brought up to date when its turn comes. */
  record Add(long targetId) implements Command {}

  /** A target is to leave once the chain can do without it. */
  record Leave(long targetId) implements Command {}

  /** A chain of which nobody serves is to go on with what this target holds. */
  record Force(long targetId) implements Command {}

  /** Serving members take this order; all of them are named. */
  record Reorder(List<Long> targetIds) implements Command {
    public Reorder {
      targetIds = List.copyOf(targetIds);
    }
  }
}
