package io.lampyris.mgmtd.chain;

import static io.lampyris.protocol.Routing.TargetState.LAST_SERVING;
import static io.lampyris.protocol.Routing.TargetState.OFFLINE;
import static io.lampyris.protocol.Routing.TargetState.SERVING;
import static io.lampyris.protocol.Routing.TargetState.SYNCING;
import static io.lampyris.protocol.Routing.TargetState.WAITING;

import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Routing.TargetState;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A chain as the manager keeps it.
 *
 * @param version of the chain (I1)
 * @param servedVersion the last version in which any member was SERVING
 * @param members the head first, in the order of {@link #GROUPS}
 */
public record ChainState(int id, int version, int servedVersion, List<Member> members) {
  /** The order of members by state. */
  public static final List<TargetState> GROUPS =
      List.of(SERVING, LAST_SERVING, SYNCING, WAITING, OFFLINE);

  public ChainState {
    members = List.copyOf(members);
    if (id < 1 || version < 1 || servedVersion < 0 || servedVersion > version) {
      throw refused("chain numbers", "id %d v%d".formatted(id, version), "1 <= served <= version");
    }
    Set<Long> targets = new HashSet<>();
    int group = 0;
    for (Member member : members) {
      int at = GROUPS.indexOf(member.state());
      if (at < group || !targets.add(member.targetId())) {
        throw refused("members of chain " + id, members.toString(), "each once, in state order");
      }
      group = at;
    }
    boolean serves = count(members, SERVING) > 0;
    if (serves && count(members, LAST_SERVING) > 0) {
      throw refused("leaders of chain " + id, members.toString(), "serving or last serving (I4)");
    }
    if (count(members, SYNCING) > (serves ? 1 : 0)) {
      throw refused("syncing in chain " + id, members.toString(), "one, with a serving one (I2)");
    }
  }

  /** A chain that begins: nothing was written yet, so all its members hold everything. */
  public static ChainState create(int id, List<Long> targetIds) {
    List<Member> members = new ArrayList<>();
    for (Long targetId : targetIds) {
      members.add(new Member(targetId, SERVING, 1, false));
    }
    return new ChainState(id, 1, members.isEmpty() ? 0 : 1, members);
  }

  /** How many members are in a state. */
  public int count(TargetState state) {
    return count(members, state);
  }

  /** The member that is a target, or null. */
  public @Nullable Member member(long targetId) {
    for (Member member : members) {
      if (member.targetId() == targetId) {
        return member;
      }
    }
    return null;
  }

  /** What clients and storage nodes see of this chain. */
  public Routing.Chain toRouting() {
    return new Routing.Chain(id, version, members.stream().map(Member::targetId).toList());
  }

  /** The same chain one version on, with its members put in order of their states. */
  ChainState following(List<Member> next) {
    int nextVersion = version + 1;
    List<Member> ordered = new ArrayList<>();
    for (TargetState group : GROUPS) {
      for (Member member : next) {
        if (member.is(group)) {
          ordered.add(group == SERVING ? member.with(SERVING, nextVersion) : member);
        }
      }
    }
    boolean serves = count(ordered, SERVING) > 0;
    return new ChainState(id, nextVersion, serves ? nextVersion : servedVersion, ordered);
  }

  private static int count(List<Member> members, TargetState state) {
    int count = 0;
    for (Member member : members) {
      count += member.is(state) ? 1 : 0;
    }
    return count;
  }

  private static IllegalArgumentException refused(String what, String observed, String limit) {
    return new IllegalArgumentException(
        "%s make no sense; observed=%s, limit=%s; remedy: take chains from ChainUpdate"
            .formatted(what, observed, limit));
  }
}
