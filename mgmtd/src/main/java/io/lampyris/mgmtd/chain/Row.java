package io.lampyris.mgmtd.chain;

import static io.lampyris.mgmtd.chain.Sighting.BLANK;
import static io.lampyris.mgmtd.chain.Sighting.GONE;
import static io.lampyris.mgmtd.chain.Sighting.ONLINE;
import static io.lampyris.mgmtd.chain.Sighting.UNKNOWN;
import static io.lampyris.mgmtd.chain.Sighting.UP_TO_DATE;
import static io.lampyris.protocol.Routing.TargetState.LAST_SERVING;
import static io.lampyris.protocol.Routing.TargetState.OFFLINE;
import static io.lampyris.protocol.Routing.TargetState.SERVING;
import static io.lampyris.protocol.Routing.TargetState.SYNCING;
import static io.lampyris.protocol.Routing.TargetState.WAITING;

import io.lampyris.protocol.Routing.TargetState;
import java.util.EnumSet;
import java.util.Set;

/**
 * What becomes of one member in one update: the only row that matches says it.
 *
 * <p>A row matches a member's state, what is seen of it, whether the chain will serve after this
 * update (a serving member stays, or one leads), and whether it is this member's turn to be
 * promoted (I2: at most one member has it).
 *
 * <p>The sets of a row are never changed.
 */
@SuppressWarnings("ImmutableEnumChecker")
enum Row {
  /** It serves and nothing says that it has stopped. A restart within the lease ends up here. */
  SERVES_ON(of(SERVING), of(UNKNOWN, ONLINE, UP_TO_DATE), When.ANY, When.ANY, SERVING),
  /** It is lost; others serve on without it. */
  LOST_OTHERS_SERVE(of(SERVING), of(GONE, BLANK), When.YES, When.ANY, OFFLINE),
  /** It is lost and so are all others that served: it holds everything that was acknowledged. */
  LOST_WITH_ALL(of(SERVING), of(GONE), When.NO, When.ANY, LAST_SERVING),
  /** Its data is lost, and nobody serves: it must not lead. */
  DATA_LOST_WITH_ALL(of(SERVING), of(BLANK), When.NO, When.ANY, OFFLINE),

  /** It is among the newest and has returned: it leads. */
  LEADS(of(LAST_SERVING), of(ONLINE, UP_TO_DATE), When.YES, When.YES, SERVING),
  /** Another one leads: what this one holds is no longer the newest. */
  ANOTHER_LEADS(
      of(LAST_SERVING), of(UNKNOWN, GONE, BLANK, ONLINE, UP_TO_DATE), When.YES, When.NO, OFFLINE),
  /** The chain waits for it, or for one like it. */
  AWAITED(of(LAST_SERVING), of(UNKNOWN, GONE, ONLINE, UP_TO_DATE), When.NO, When.ANY, LAST_SERVING),
  /** It has returned without its data: it is no candidate any more. */
  RETURNED_BLANK(of(LAST_SERVING), of(BLANK), When.NO, When.ANY, OFFLINE),
  /** Nobody without data is ever given the turn to lead. */
  BLANK_OR_ABSENT_NEVER_LEADS(
      of(LAST_SERVING), of(UNKNOWN, GONE, BLANK), When.YES, When.YES, OFFLINE),

  /** Its copy is complete. */
  SYNCED(of(SYNCING), of(UP_TO_DATE), When.YES, When.YES, SERVING),
  /** Its copy goes on, or another is promoted first. */
  SYNCS_ON(of(SYNCING), of(UNKNOWN, BLANK, ONLINE), When.YES, When.ANY, SYNCING),
  SYNCED_OUT_OF_TURN(of(SYNCING), of(UP_TO_DATE), When.YES, When.NO, SYNCING),
  /** There is nobody left to copy from. */
  SOURCE_LOST(of(SYNCING), of(UNKNOWN, BLANK, ONLINE, UP_TO_DATE), When.NO, When.ANY, WAITING),

  /** It is there, and it is its turn to be brought up to date. */
  BEGINS_TO_SYNC(of(WAITING, OFFLINE), of(BLANK, ONLINE, UP_TO_DATE), When.YES, When.YES, SYNCING),
  /** It is there and waits: another one is being promoted, or nobody serves. */
  WAITS(of(WAITING, OFFLINE), of(BLANK, ONLINE, UP_TO_DATE), When.ANY, When.NO, WAITING),
  /** There is nobody to copy from, whatever its turn. */
  WAITS_FOR_A_SOURCE(
      of(WAITING, OFFLINE), of(BLANK, ONLINE, UP_TO_DATE), When.NO, When.YES, WAITING),
  /** Nothing is known of it yet. */
  WAITS_UNSEEN(of(WAITING), of(UNKNOWN), When.ANY, When.ANY, WAITING),
  /** It is not there. */
  ABSENT(of(SYNCING, WAITING, OFFLINE), of(GONE), When.ANY, When.ANY, OFFLINE),
  ABSENT_UNSEEN(of(OFFLINE), of(UNKNOWN), When.ANY, When.ANY, OFFLINE);

  /** A condition of a row. */
  private enum When {
    YES,
    NO,
    ANY;

    boolean matches(boolean observed) {
      return this == ANY || (this == YES) == observed;
    }
  }

  private final Set<TargetState> states;
  private final Set<Sighting> sightings;
  private final When serves;
  private final When turn;
  private final TargetState next;

  Row(Set<TargetState> states, Set<Sighting> sightings, When serves, When turn, TargetState next) {
    this.states = states;
    this.sightings = sightings;
    this.serves = serves;
    this.turn = turn;
    this.next = next;
  }

  TargetState next() {
    return next;
  }

  boolean matches(TargetState state, Sighting sighting, boolean chainServes, boolean hasTurn) {
    return states.contains(state)
        && sightings.contains(sighting)
        && serves.matches(chainServes)
        && turn.matches(hasTurn);
  }

  /** The row of an input; the tests show that there is exactly one for each. */
  static Row find(TargetState state, Sighting sighting, boolean chainServes, boolean hasTurn) {
    for (Row row : values()) {
      if (row.matches(state, sighting, chainServes, hasTurn)) {
        return row;
      }
    }
    throw new AssertionError("no row for " + state + " " + sighting);
  }

  private static Set<TargetState> of(TargetState first, TargetState... others) {
    return EnumSet.of(first, others);
  }

  private static Set<Sighting> of(Sighting first, Sighting... others) {
    return EnumSet.of(first, others);
  }
}
