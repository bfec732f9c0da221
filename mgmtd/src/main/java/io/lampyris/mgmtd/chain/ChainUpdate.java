package io.lampyris.mgmtd.chain;

import static io.lampyris.protocol.Routing.TargetState.LAST_SERVING;
import static io.lampyris.protocol.Routing.TargetState.OFFLINE;
import static io.lampyris.protocol.Routing.TargetState.SERVING;
import static io.lampyris.protocol.Routing.TargetState.SYNCING;
import static io.lampyris.protocol.Routing.TargetState.WAITING;

import io.lampyris.protocol.Routing.TargetState;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The rules by which chains move: pure functions; see the package for what they keep. */
public final class ChainUpdate {
  private static final List<TargetState> MAY_BEGIN = List.of(WAITING, OFFLINE);

  private ChainUpdate() {}

  /**
   * One step of a chain. Repeated with the same sightings it comes to rest.
   *
   * @param sightings of every member, by target id
   * @return the chain itself when nothing changes, and what has to be done now
   */
  public static Outcome.Changed next(ChainState chain, Map<Long, Sighting> sightings) {
    Member promoted = choose(chain, sightings);
    boolean serves = survives(chain, sightings) || (promoted != null && promoted.is(LAST_SERVING));
    List<Member> members = new ArrayList<>();
    for (Member member : chain.members()) {
      Sighting seen = seen(sightings, member);
      Row row = Row.find(member.state(), seen, serves, member == promoted);
      int served = seen == Sighting.BLANK ? 0 : member.servedVersion();
      members.add(member.with(row.next(), served));
    }
    List<Action> actions = new ArrayList<>();
    release(members, actions);
    ChainState next = members.equals(chain.members()) ? chain : chain.following(members);
    addActions(next, sightings, actions);
    return new Outcome.Changed(next, actions);
  }

  /** What a chain does on command. */
  public static Outcome apply(ChainState chain, Command command, Map<Long, Sighting> sightings) {
    return switch (command) {
      case Command.Add add -> add(chain, add.targetId());
      case Command.Leave leave -> leave(chain, leave.targetId());
      case Command.Force force -> force(chain, force.targetId(), sightings);
      case Command.Reorder reorder -> reorder(chain, reorder.targetIds());
    };
  }

  /** What would be lost if a member led now. */
  public static Loss lossOf(ChainState chain, long targetId) {
    Member leader = chain.member(targetId);
    int held = leader == null ? 0 : leader.servedVersion();
    List<Long> holders = new ArrayList<>();
    for (Member member : chain.members()) {
      if (member.servedVersion() > held) {
        holders.add(member.targetId());
      }
    }
    return new Loss(targetId, held + 1, chain.servedVersion(), holders);
  }

  private static boolean survives(ChainState chain, Map<Long, Sighting> sightings) {
    for (Member member : chain.members()) {
      if (member.is(SERVING) && seen(sightings, member).keepsServing()) {
        return true;
      }
    }
    return false;
  }

  /**
   * The member whose turn it is (I2). With nobody serving, the newest of those that led last; else
   * the one whose copy is complete; else, if nobody is being copied to, the first that waits.
   */
  private static @Nullable Member choose(ChainState chain, Map<Long, Sighting> sightings) {
    if (!survives(chain, sightings)) {
      return newest(chain, sightings);
    }
    for (Member member : chain.members()) {
      if (member.is(SYNCING) && seen(sightings, member) != Sighting.GONE) {
        return seen(sightings, member) == Sighting.UP_TO_DATE ? member : null;
      }
    }
    for (Member member : chain.members()) {
      boolean may = MAY_BEGIN.contains(member.state()) && !member.leaving();
      if (may && seen(sightings, member).isPresent()) {
        return member;
      }
    }
    return null;
  }

  private static @Nullable Member newest(ChainState chain, Map<Long, Sighting> sightings) {
    Member newest = null;
    for (Member member : chain.members()) {
      boolean may = member.is(LAST_SERVING) && seen(sightings, member).canLead();
      if (may && (newest == null || member.servedVersion() > newest.servedVersion())) {
        newest = member;
      }
    }
    return newest;
  }

  /** Who is to leave leaves, unless it may be needed still. */
  private static void release(List<Member> members, List<Action> actions) {
    boolean serves = members.stream().anyMatch(m -> m.is(SERVING));
    if (!serves) {
      return;
    }
    for (Member member : List.copyOf(members)) {
      if (member.leaving() && !member.is(SERVING)) {
        assert !member.is(LAST_SERVING) : "I4: " + members;
        members.remove(member);
        actions.add(new Action.Release(member.targetId()));
      }
    }
  }

  private static void addActions(
      ChainState chain, Map<Long, Sighting> sightings, List<Action> actions) {
    Member source = null;
    Member leaving = null;
    int staying = 0;
    List<Long> awaited = new ArrayList<>();
    for (Member member : chain.members()) {
      switch (member.state()) {
        case SERVING -> {
          source = member;
          boolean present = seen(sightings, member).isPresent();
          staying += present && !member.leaving() ? 1 : 0;
          leaving = leaving == null && member.leaving() ? member : leaving;
        }
        case LAST_SERVING -> awaited.add(member.targetId());
        case SYNCING -> {
          assert source != null : "I4: " + chain;
          actions.add(new Action.Resync(source.targetId(), member.targetId()));
        }
        case WAITING, OFFLINE -> {}
      }
    }
    if (leaving != null && staying > 0) {
      actions.add(new Action.Stop(leaving.targetId()));
    }
    if (!awaited.isEmpty()) {
      actions.add(new Action.Await(awaited));
    } else if (source == null && !chain.members().isEmpty()) {
      actions.add(new Action.AskOperator(leastLoss(chain)));
    }
  }

  private static Loss leastLoss(ChainState chain) {
    int held = 0;
    for (Member member : chain.members()) {
      held = Math.max(held, member.servedVersion());
    }
    return new Loss(0, held + 1, chain.servedVersion(), List.of());
  }

  private static Outcome add(ChainState chain, long targetId) {
    if (chain.member(targetId) != null) {
      return refused("target is in the chain already", targetId, "once", "nothing is to be done");
    }
    List<Member> members = new ArrayList<>(chain.members());
    members.add(new Member(targetId, OFFLINE, 0, false));
    return new Outcome.Changed(chain.following(members), List.of());
  }

  private static Outcome leave(ChainState chain, long targetId) {
    Member member = chain.member(targetId);
    if (member == null) {
      return refused("target is not in the chain", targetId, "a member", "list the chain");
    }
    if (member.is(LAST_SERVING)) {
      return refused(
          "target may hold writes that nobody else does",
          targetId,
          "not last serving",
          "wait for it to return, or force another member and accept the loss");
    }
    if (chain.members().stream().noneMatch(m -> m != member && m.is(SERVING) && !m.leaving())) {
      return refused(
          "target is needed", targetId, "another serving member", "add a target and wait for it");
    }
    List<Member> members = new ArrayList<>(chain.members());
    members.replaceAll(m -> m == member ? m.asLeaving() : m);
    return new Outcome.Changed(chain.following(members), List.of());
  }

  private static Outcome force(ChainState chain, long targetId, Map<Long, Sighting> sightings) {
    Member leader = chain.member(targetId);
    if (leader == null) {
      return refused("target is not in the chain", targetId, "a member", "list the chain");
    }
    if (chain.count(SERVING) > 0) {
      return refused("the chain serves", targetId, "no serving member", "nothing is to be done");
    }
    if (!seen(sightings, leader).canLead()) {
      return refused(
          "target cannot lead", seen(sightings, leader), "present with its data", "bring it back");
    }
    List<Member> members = new ArrayList<>();
    for (Member member : chain.members()) {
      boolean demoted = member != leader && member.is(LAST_SERVING);
      members.add(demoted ? member.with(OFFLINE, member.servedVersion()) : member);
    }
    members.replaceAll(m -> m == leader ? m.with(SERVING, m.servedVersion()) : m);
    return new Outcome.Forced(chain.following(members), lossOf(chain, targetId));
  }

  /**
   * Safe while all members are alive: a request passes only members of one chain version, and all
   * of these are the same in both.
   */
  private static Outcome reorder(ChainState chain, List<Long> targetIds) {
    List<Member> serving = chain.members().stream().filter(m -> m.is(SERVING)).toList();
    HashSet<Long> named = new HashSet<>(targetIds);
    boolean same = targetIds.size() == serving.size() && named.size() == serving.size();
    if (!same || !serving.stream().allMatch(m -> named.contains(m.targetId()))) {
      return refused("order does not fit", targetIds, "each serving member once", "name them");
    }
    List<Member> members = new ArrayList<>();
    for (Long targetId : targetIds) {
      serving.stream().filter(m -> m.targetId() == targetId).forEach(members::add);
    }
    chain.members().stream().filter(m -> !m.is(SERVING)).forEach(members::add);
    boolean changed = !members.equals(chain.members());
    return new Outcome.Changed(changed ? chain.following(members) : chain, List.of());
  }

  private static Sighting seen(Map<Long, Sighting> sightings, Member member) {
    return sightings.getOrDefault(member.targetId(), Sighting.UNKNOWN);
  }

  private static Outcome.Refused refused(
      String what, Object observed, String limit, String remedy) {
    return new Outcome.Refused(
        "%s; observed=%s, limit=%s; remedy: %s".formatted(what, observed, limit, remedy));
  }
}
