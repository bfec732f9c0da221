package io.lampyris.mgmtd.service;

import io.lampyris.mgmtd.chain.Command;
import io.lampyris.mgmtd.chain.Member;
import io.lampyris.mgmtd.state.ChainInfo;
import io.lampyris.protocol.Routing.TargetState;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What a chain needs to have as many good members as it should: one command at a time, which follow
 * from the chain and from what is wanted of its targets, so that it does not matter when a manager
 * ends (I4).
 */
final class Repair {
  /** What decides about a chain's members. */
  interface View {
    /** Nothing is to be moved away from this target's disk or node. */
    boolean mayStay(long targetId);

    /** It has been away for so long that it is replaced. */
    boolean isLost(long targetId);

    /** Where it is. */
    int nodeOf(long targetId);

    /** The best free target for a chain beside these members; 0: there is none. */
    long choose(ChainInfo chain, List<Member> beside);
  }

  private Repair() {}

  static Optional<Command> next(ChainInfo chain, View view) {
    List<Member> good = new ArrayList<>();
    List<Member> bad = new ArrayList<>();
    Set<Integer> nodes = new HashSet<>();
    int serving = 0;
    for (Member member : chain.state().members()) {
      if (member.leaving()) {
        continue;
      }
      long id = member.targetId();
      // Of two on a node, one came back after the other had taken its place (I6).
      boolean stays =
          view.mayStay(id)
              && !view.isLost(id)
              && id != chain.movingFrom()
              && nodes.add(view.nodeOf(id));
      (stays ? good : bad).add(member);
      serving += stays && member.state() == TargetState.SERVING ? 1 : 0;
    }
    if (good.size() < chain.replicas()) {
      long spare = view.choose(chain, good);
      return spare == 0 ? Optional.empty() : Optional.of(new Command.Add(spare));
    }
    for (Member member : bad.reversed()) {
      if (mayLeave(member, serving, chain.replicas())) {
        return Optional.of(new Command.Leave(member.targetId()));
      }
    }
    if (good.size() > chain.replicas()) {
      Member last = good.getLast();
      int others = serving - (last.state() == TargetState.SERVING ? 1 : 0);
      if (mayLeave(last, others, chain.replicas())) {
        return Optional.of(new Command.Leave(last.targetId()));
      }
    }
    return Optional.empty();
  }

  /** Who may be the last to hold something stays. */
  private static boolean mayLeave(Member member, int otherServing, int replicas) {
    return member.state() != TargetState.LAST_SERVING && otherServing >= replicas;
  }
}
