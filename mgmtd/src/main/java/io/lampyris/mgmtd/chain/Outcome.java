package io.lampyris.mgmtd.chain;

import java.util.List;

/** What became of a {@link Command}. */
public sealed interface Outcome {
  /** The chain that follows, and the actions that follow from it. */
  record Changed(ChainState chain, List<Action> actions) implements Outcome {
    public Changed {
      actions = List.copyOf(actions);
    }
  }

  /** The chain goes on with an older member; this is what it may have lost. */
  record Forced(ChainState chain, Loss loss) implements Outcome {}

  /** Not now, or not ever. */
  record Refused(String reason) implements Outcome {}
}
