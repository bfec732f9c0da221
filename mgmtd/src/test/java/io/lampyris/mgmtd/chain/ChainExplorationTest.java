package io.lampyris.mgmtd.chain;

import static io.lampyris.protocol.Routing.TargetState.SERVING;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.protocol.LocalState;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Visits the states of a chain with its replicas, leases, reports and a write; cites I1 to I6.
 *
 * <p>{@code -Dlampyris.explore=full} visits all 4,875,520 states of three replicas, in a minute.
 */
class ChainExplorationTest {
  private static final int THREE_MAX =
      "full".equals(System.getProperty("lampyris.explore")) ? 8_000_000 : 250_000;

  private static Exploration.Result explore(ChainWorld.Scope scope, Rules rules, int statesMax) {
    Exploration.Result result = Exploration.run(scope, rules, statesMax);
    System.out.printf(
        "explored %d states (%s), %d steps, healed from %d: %s%n",
        result.states(),
        result.violation() != null
            ? "to a violation"
            : result.states() < statesMax ? "all" : "the nearest",
        result.steps(),
        result.healed(),
        scope);
    return result;
  }

  private static ChainWorld.Scope scope(int replicas, int members, String faults) {
    return new ChainWorld.Scope(
        replicas,
        members,
        faults.contains("stop"),
        faults.contains("disk"),
        faults.contains("manager"),
        faults.contains("command"),
        faults.contains("force"));
  }

  private static void mustBeSafe(ChainWorld.Scope scope, int statesMax, boolean all) {
    Exploration.Result result = explore(scope, Rules.REAL, statesMax);
    assertNull(result.violation(), result::violation);
    assertTrue(!all || result.states() < statesMax, "the world was cut off");
  }

  @Test
  void twoReplicasAreSafeInEveryReachableState() {
    mustBeSafe(scope(2, 2, "stop disk manager"), 4_000_000, true);
  }

  @Test
  void anOperatorWhoForcesAChainIsToldOfEverythingThatIsLost() {
    mustBeSafe(scope(2, 2, "disk force"), 4_000_000, true);
    mustBeSafe(scope(3, 3, "disk force"), THREE_MAX, false);
  }

  @Test
  void threeReplicasAreSafe() {
    mustBeSafe(scope(3, 3, ""), THREE_MAX, THREE_MAX > 1_000_000);
    mustBeSafe(scope(3, 3, "stop disk manager"), THREE_MAX, false);
  }

  @Test
  void membersJoinLeaveAndChangeOrderSafely() {
    mustBeSafe(scope(2, 2, "stop command"), 4_000_000, true);
    mustBeSafe(scope(3, 2, "stop command"), THREE_MAX, false);
  }

  private static void mustBeFound(ChainWorld.Scope scope, Rules broken) {
    Exploration.Result result = explore(scope, broken, 400_000);
    assertNotNull(result.violation(), "a planted defect was not found");
    System.out.println("found: " + result.violation());
  }

  @Test
  void aRuleThatLetsTheFirstToReturnLeadIsFound() {
    Rules broken =
        new Rules() {
          @Override
          public Outcome.Changed next(ChainState chain, Map<Long, Sighting> sightings) {
            Outcome.Changed right = ChainUpdate.next(chain, sightings);
            for (Member member : chain.members()) {
              boolean stuck = right.chain().count(SERVING) == 0;
              Command force = new Command.Force(member.targetId());
              if (stuck
                  && ChainUpdate.apply(chain, force, sightings) instanceof Outcome.Forced made) {
                return new Outcome.Changed(made.chain(), List.of());
              }
            }
            return right;
          }
        };
    mustBeFound(scope(2, 2, ""), broken);
  }

  @Test
  void aRuleThatBelievesOldReportsIsFound() {
    Rules broken =
        new Rules() {
          @Override
          public Sighting sight(LocalState local, boolean whole, int version, int present) {
            return Sighting.of(true, local, whole, present, present);
          }
        };
    mustBeFound(scope(2, 2, ""), broken);
  }

  @Test
  void aRuleThatDropsALiveMemberBehindItsBackIsFound() {
    Rules broken =
        new Rules() {
          @Override
          public Outcome apply(ChainState chain, Command command, Map<Long, Sighting> sightings) {
            Outcome outcome = ChainUpdate.apply(chain, command, sightings);
            if (!(command instanceof Command.Leave leave)
                || !(outcome instanceof Outcome.Changed)) {
              return outcome;
            }
            List<Member> members = new ArrayList<>(chain.members());
            members.removeIf(member -> member.targetId() == leave.targetId());
            return new Outcome.Changed(chain.following(members), List.of());
          }
        };
    mustBeFound(scope(2, 2, "command"), broken);
  }

  @Test
  void aManagerThatDeclaresFailureBeforeTheLeaseEndsIsFound() {
    Rules broken =
        new Rules() {
          @Override
          public boolean declaresEarly() {
            return true;
          }
        };
    mustBeFound(scope(2, 2, ""), broken);
  }
}
