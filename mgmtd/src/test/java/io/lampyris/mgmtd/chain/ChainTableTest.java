package io.lampyris.mgmtd.chain;

import static io.lampyris.protocol.Routing.TargetState.LAST_SERVING;
import static io.lampyris.protocol.Routing.TargetState.SERVING;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.protocol.Routing.TargetState;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** All inputs of the rows, and all well-formed chains of one to three members. */
class ChainTableTest {
  private static void eachInput(Consumer<Object[]> check) {
    for (TargetState state : TargetState.values()) {
      for (Sighting sighting : Sighting.values()) {
        for (boolean serves : new boolean[] {false, true}) {
          for (boolean turn : new boolean[] {false, true}) {
            check.accept(new Object[] {state, sighting, serves, turn});
          }
        }
      }
    }
  }

  private static List<Row> matching(Object[] in) {
    List<Row> rows = new ArrayList<>();
    for (Row row : Row.values()) {
      boolean serves = (Boolean) in[2];
      if (row.matches((TargetState) in[0], (Sighting) in[1], serves, (Boolean) in[3])) {
        rows.add(row);
      }
    }
    return rows;
  }

  @Test
  void exactlyOneRowMatchesEveryInput() {
    eachInput(in -> assertEquals(1, matching(in).size(), () -> List.of(in) + " " + matching(in)));
  }

  @Test
  void everyRowIsReached() {
    List<Row> reached = new ArrayList<>();
    eachInput(in -> reached.addAll(matching(in)));
    assertTrue(reached.containsAll(List.of(Row.values())));
  }

  @Test
  void beingUpToDateMattersOnlyWhileSyncing() {
    eachInput(in -> {
      if (in[1] == Sighting.UP_TO_DATE && in[0] != TargetState.SYNCING) {
        Object[] online = {in[0], Sighting.ONLINE, in[2], in[3]};
        assertEquals(matching(in), matching(online));
      }
    });
  }

  /** All chains of so many members, in canonical order of ids, that the rules admit. */
  private static List<ChainState> chains(int members) {
    List<ChainState> chains = new ArrayList<>();
    int states = ChainState.GROUPS.size();
    int refused = 0;
    for (int code = 0; code < Math.pow(states * 2, members); code++) {
      List<Member> list = new ArrayList<>();
      int rest = code;
      for (int i = 0; i < members; i++) {
        TargetState state = ChainState.GROUPS.get(rest % states);
        rest /= states;
        boolean leads = state == SERVING || state == LAST_SERVING;
        int served = state == SERVING ? 9 : leads ? 8 : 4 + i;
        list.add(new Member(i + 1, state, served, rest % 2 == 1));
        rest /= 2;
      }
      boolean serves = list.stream().anyMatch(m -> m.state() == SERVING);
      try {
        chains.add(new ChainState(1, 9, serves ? 9 : 8, list));
      } catch (IllegalArgumentException malformed) {
        refused++;
      }
    }
    System.out.printf(
        "%d members: %d chains, %d malformed ones refused%n", members, chains.size(), refused);
    return chains;
  }

  private static void eachSighting(ChainState chain, Consumer<Map<Long, Sighting>> check) {
    int all = Sighting.values().length;
    for (int code = 0; code < Math.pow(all, chain.members().size()); code++) {
      Map<Long, Sighting> sightings = new HashMap<>();
      int rest = code;
      for (Member member : chain.members()) {
        sightings.put(member.targetId(), List.of(Sighting.values()).get(rest % all));
        rest /= all;
      }
      check.accept(sightings);
    }
  }

  @Test
  void everyChainOfUpToThreeReplicasMovesOnlyAsTheInvariantsAllow() {
    int[] updates = new int[1];
    for (int members = 1; members <= 3; members++) {
      for (ChainState chain : chains(members)) {
        eachSighting(chain, seen -> updates[0] += checkUpdate(chain, seen));
      }
    }
    System.out.println("updates checked: " + updates[0]);
  }

  private static int checkUpdate(ChainState chain, Map<Long, Sighting> seen) {
    Outcome.Changed update = ChainUpdate.next(chain, seen);
    ChainState next = update.chain();
    if (next != chain) {
      assertNull(ChainChecks.transition(chain, next), () -> chain + " " + seen);
    }
    for (Member member : chain.members()) {
      Sighting sighting = seen.get(member.targetId());
      Member after = next.member(member.targetId());
      boolean served = member.state() == SERVING;
      if (served && sighting != Sighting.GONE && sighting != Sighting.BLANK) {
        assertSame(SERVING, after == null ? null : after.state(), () -> "I5: " + chain + seen);
      }
      boolean led = served || member.state() == LAST_SERVING;
      if (after != null && !led && after.state() == SERVING) {
        assertSame(Sighting.UP_TO_DATE, sighting, () -> "I3: " + chain + seen);
      }
    }
    comesToRest(next, seen);
    return 1;
  }

  /** With the same sightings, updates end; nobody is promoted for ever. */
  private static void comesToRest(ChainState from, Map<Long, Sighting> seen) {
    ChainState at = from;
    for (int i = 0; i < 8; i++) {
      ChainState next = ChainUpdate.next(at, seen).chain();
      if (next == at) {
        return;
      }
      at = next;
    }
    throw new AssertionError("never at rest: " + from + " " + seen);
  }

  @Test
  void allThatWereLostTogetherAwaitTheirReturnAndTheFirstLeads() {
    ChainState chain = ChainState.create(7, List.of(1L, 2L, 3L));
    Map<Long, Sighting> none = Map.of(1L, Sighting.GONE, 2L, Sighting.GONE, 3L, Sighting.GONE);
    Outcome.Changed lost = ChainUpdate.next(chain, none);
    assertEquals(3, lost.chain().count(LAST_SERVING), "I6");
    assertEquals(List.of(new Action.Await(List.of(1L, 2L, 3L))), lost.actions());
    Map<Long, Sighting> two = Map.of(1L, Sighting.GONE, 2L, Sighting.ONLINE, 3L, Sighting.ONLINE);
    ChainState led = ChainUpdate.next(lost.chain(), two).chain();
    assertEquals(List.of(2L, 1L, 3L), led.members().stream().map(Member::targetId).toList());
    ChainState syncs = ChainUpdate.next(led, two).chain();
    assertEquals(List.of(2L, 3L, 1L), syncs.toRouting().targetIds());
    assertEquals(4, syncs.version());
  }

  @Test
  void theOlderOnesWaitForTheNewestUntilAnOperatorForcesAndIsTold() {
    ChainState chain = ChainState.create(7, List.of(1L, 2L));
    Map<Long, Sighting> first = Map.of(1L, Sighting.GONE, 2L, Sighting.ONLINE);
    Map<Long, Sighting> other = Map.of(1L, Sighting.ONLINE, 2L, Sighting.GONE);
    ChainState alone = ChainUpdate.next(chain, first).chain();
    ChainState lost = ChainUpdate.next(alone, other).chain();
    lost = ChainUpdate.next(lost, other).chain();
    assertEquals(0, lost.count(SERVING));
    Outcome.Forced forced = (Outcome.Forced) ChainUpdate.apply(lost, new Command.Force(1), other);
    assertEquals(new Loss(1, 2, 2, List.of(2L)), forced.loss());
    assertEquals(1, forced.chain().count(SERVING));
    assertEquals(0, forced.chain().count(LAST_SERVING));
  }

  @Test
  void whatAnOperatorMayNotDoIsRefusedWithARemedy() {
    ChainState chain = ChainState.create(7, List.of(1L));
    Map<Long, Sighting> seen = Map.of(1L, Sighting.ONLINE);
    List<Command> commands =
        List.of(
            new Command.Leave(1),
            new Command.Leave(2),
            new Command.Add(1),
            new Command.Force(1),
            new Command.Reorder(List.of(1L, 1L)));
    for (Command command : commands) {
      Outcome outcome = ChainUpdate.apply(chain, command, seen);
      assertTrue(outcome instanceof Outcome.Refused refused && refused.reason().contains("remedy"));
    }
  }
}
