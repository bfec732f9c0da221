package io.lampyris.mgmtd.chain;

import static io.lampyris.protocol.Routing.TargetState.LAST_SERVING;
import static io.lampyris.protocol.Routing.TargetState.SERVING;
import static io.lampyris.protocol.Routing.TargetState.SYNCING;

import io.lampyris.protocol.LocalState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An abstract cluster around one chain, with every order in which things can happen.
 *
 * <p>One write is followed through its life: writes do not touch each other, so what can be lost of
 * many can be lost of one, which may begin at any moment. <em>A replica holds it</em> from the step
 * that applies it, or from the copy of one that held it, until the replica's store is replaced.
 * <em>It is acknowledged</em> as soon as all that the chain of its version writes to hold it: the
 * earliest moment, which demands most.
 *
 * <p>Versions are renumbered in every state: the present one is {@link #NOW}, the others keep their
 * order. So the world is finite although faults never end. Replicas are numbered by their place in
 * the chain, so a number in a trace means the replica at that place in that moment.
 *
 * <p>Not in this world: reports that arrive late (a report and its answer are one step), reads that
 * meet pending versions, and more than one chunk. The simulator has those.
 */
final class ChainWorld {
  /** What the explored world contains beyond crashes, lapses, returns and writes. */
  record Scope(
      int replicas,
      int members,
      boolean stops,
      boolean blank,
      boolean takeOver,
      boolean commands,
      boolean force) {}

  static final int NOW = 14;
  private static final int NONE = 0;
  private static final int FLIGHT = 1;
  private static final int ACKED = 2;

  // Report of a replica as the manager keeps it.
  private static final int UNHEARD = 0;
  private static final int SAYS_OFFLINE = 1;
  private static final int SAYS_BLANK = 2;
  private static final int SAYS_ONLINE = 3;
  private static final int SAYS_UP_TO_DATE = 4;

  /** Whom a chain version writes to. */
  private record View(List<Integer> writesTo, int serving) {}

  final Scope scope;
  private final Rules rules;
  private final List<ChainState> chains = new ArrayList<>();
  private final Map<ChainState, Integer> chainIndex = new HashMap<>();
  private final List<View> views = new ArrayList<>();
  private final Map<View, Integer> viewIndex = new HashMap<>();
  private final Map<Long, Outcome.Changed> decided = new HashMap<>();

  ChainState chain;
  private final int n;
  private final boolean[] lease;
  private final boolean[] mustLearn;
  private final boolean[] stopped;
  private final boolean[] whole;
  private final boolean[] holds;
  private final boolean[] upToDate;
  private final boolean[] leased;
  private final int[] report;
  private final int[] reportVersion;
  private final int[] seen;
  private final int[] view;
  private int write;
  private int writeVersion;
  private int writeAt;

  /** What a step just broke by itself; null: nothing. */
  @Nullable String broken;

  ChainWorld(Scope scope, Rules rules) {
    this.scope = scope;
    this.rules = rules;
    n = scope.replicas();
    lease = new boolean[n];
    mustLearn = new boolean[n];
    stopped = new boolean[n];
    whole = new boolean[n];
    holds = new boolean[n];
    upToDate = new boolean[n];
    leased = new boolean[n];
    report = new int[n];
    reportVersion = new int[n];
    seen = new int[n];
    view = new int[n];
    List<Long> targets = new ArrayList<>();
    for (int r = 0; r < scope.members(); r++) {
      targets.add(r + 1L);
    }
    chain = ChainState.create(1, targets);
    viewIndex.put(new View(List.of(), 0), 0);
    views.add(new View(List.of(), 0));
    Arrays.fill(lease, true);
    Arrays.fill(leased, true);
    Arrays.fill(report, SAYS_ONLINE);
    for (int r = 0; r < n; r++) {
      whole[r] = r < scope.members();
    }
  }

  // --- what follows from a state ---

  /** A replica that answers reads now. */
  boolean serves(int r) {
    return lease[r] && !mustLearn[r] && !stopped[r] && whole[r] && isServing(r);
  }

  private boolean isServing(int r) {
    View of = views.get(view[r]);
    int at = of.writesTo().indexOf(r);
    return at >= 0 && at < of.serving();
  }

  private boolean isSyncing(int r) {
    View of = views.get(view[r]);
    return of.writesTo().indexOf(r) >= of.serving();
  }

  /** Null: all is well; else what is not. */
  @Nullable String violation() {
    if (broken != null) {
      return broken;
    }
    if (write != ACKED) {
      return null;
    }
    for (int r = 0; r < n; r++) {
      if (serves(r) && !holds[r]) {
        return "I3: replica " + (r + 1) + " answers reads without an acknowledged write";
      }
    }
    for (Member member : chain.members()) {
      int r = (int) member.targetId() - 1;
      boolean leads = member.is(SERVING) || member.is(LAST_SERVING);
      if (leads && whole[r] && !holds[r]) {
        return "I3: " + member + " lacks an acknowledged write";
      }
    }
    return null;
  }

  // --- steps: each has a number; false means that it is not possible now ---

  static final int STEPS_PER_REPLICA = 12;

  int stepCount() {
    return n * STEPS_PER_REPLICA + 5;
  }

  boolean step(int number) {
    broken = null;
    if (number < n * STEPS_PER_REPLICA) {
      return replicaStep(number % STEPS_PER_REPLICA, number / STEPS_PER_REPLICA);
    }
    return switch (number - n * STEPS_PER_REPLICA) {
      case 0 -> tick();
      case 1 -> advanceWrite();
      case 2 -> abandonWrite();
      case 3 -> scope.takeOver() && takeOver();
      case 4 -> scope.commands() && rotate();
      default -> throw new AssertionError();
    };
  }

  static String name(int number, int replicas) {
    String[] names = {
      "crash",
      "replace disk",
      "stop",
      "lapse",
      "declare",
      "heartbeat",
      "learn",
      "finish resync",
      "start write",
      "add",
      "leave",
      "force"
    };
    String[] global = {"update chain", "advance write", "abandon write", "take over", "reorder"};
    int r = number / STEPS_PER_REPLICA;
    return r < replicas
        ? names[number % STEPS_PER_REPLICA] + " " + (r + 1)
        : global[number - replicas * STEPS_PER_REPLICA];
  }

  private boolean replicaStep(int step, int r) {
    return switch (step) {
      case 0 -> crash(r, false);
      case 1 -> scope.blank() && crash(r, true);
      case 2 -> scope.stops() && !stopped[r] && (isServing(r) || isSyncing(r)) && stop(r);
      case 3 -> lease[r] && lapse(r);
      case 4 -> leased[r] && (!lease[r] || rules.declaresEarly()) && declare(r);
      case 5 -> heartbeat(r);
      case 6 -> seen[r] != chain.version() && learn(r);
      case 7 -> isSyncing(r) && !stopped[r] && !upToDate[r] && finishResync(r);
      case 8 -> write == NONE && serves(r) && startWrite(r);
      case 9 -> scope.commands() && command(new Command.Add(r + 1));
      case 10 -> scope.commands() && command(new Command.Leave(r + 1));
      case 11 -> scope.force() && force(r);
      default -> false;
    };
  }

  /** It dies, and begins anew whenever it is next heard; a dead one is one that never is. */
  private boolean crash(int r, boolean blank) {
    lease[r] = false;
    mustLearn[r] = false;
    stopped[r] = false;
    upToDate[r] = false;
    seen[r] = 0;
    view[r] = 0;
    whole[r] &= !blank;
    holds[r] &= !blank;
    return true;
  }

  private boolean stop(int r) {
    stopped[r] = true;
    return true;
  }

  private boolean lapse(int r) {
    lease[r] = false;
    mustLearn[r] = false;
    return true;
  }

  private boolean declare(int r) {
    leased[r] = false;
    report[r] = UNHEARD;
    reportVersion[r] = 0;
    return true;
  }

  /** A report, and a grant that names the newest chain version when the lease had lapsed. */
  private boolean heartbeat(int r) {
    int says = upToDate[r] ? SAYS_UP_TO_DATE : whole[r] ? SAYS_ONLINE : SAYS_BLANK;
    says = stopped[r] ? SAYS_OFFLINE : says;
    int under = says == SAYS_UP_TO_DATE ? seen[r] : 0;
    boolean news = !lease[r] || !leased[r] || report[r] != says || reportVersion[r] != under;
    leased[r] = true;
    report[r] = says;
    reportVersion[r] = under;
    whole[r] |= says == SAYS_UP_TO_DATE;
    if (!lease[r]) {
      lease[r] = true;
      mustLearn[r] = seen[r] != chain.version();
    }
    return news;
  }

  private boolean learn(int r) {
    seen[r] = chain.version();
    view[r] = viewOf(chain);
    mustLearn[r] = false;
    boolean takesPart = isServing(r) || isSyncing(r);
    stopped[r] &= takesPart;
    upToDate[r] = false;
    return true;
  }

  private boolean finishResync(int r) {
    View of = views.get(view[r]);
    int source = of.writesTo().get(of.serving() - 1);
    if (!serves(source) || seen[source] != seen[r]) {
      return false;
    }
    holds[r] = holds[source];
    upToDate[r] = true;
    return true;
  }

  private boolean startWrite(int r) {
    if (views.get(view[r]).writesTo().get(0) != r) {
      return false;
    }
    write = FLIGHT;
    writeVersion = seen[r];
    writeAt = 0;
    return advanceWrite();
  }

  private boolean advanceWrite() {
    if (write != FLIGHT) {
      return false;
    }
    for (int r = 0; r < n; r++) {
      List<Integer> path = views.get(view[r]).writesTo();
      boolean next = seen[r] == writeVersion && path.indexOf(r) == writeAt;
      if (next && (serves(r) || (isSyncing(r) && !stopped[r]))) {
        holds[r] = true;
        writeAt++;
        if (writeAt == path.size()) {
          write = ACKED;
          writeAt = 0;
        }
        return true;
      }
    }
    return false;
  }

  private boolean abandonWrite() {
    boolean flies = write == FLIGHT;
    write = flies ? NONE : write;
    writeVersion = flies ? 0 : writeVersion;
    writeAt = 0;
    return flies;
  }

  /** Another manager becomes primary: it knows the chain, and that any lease may still run. */
  private boolean takeOver() {
    Arrays.fill(leased, true);
    Arrays.fill(report, UNHEARD);
    Arrays.fill(reportVersion, 0);
    return true;
  }

  private Sighting sighting(int r) {
    if (!leased[r]) {
      return Sighting.GONE;
    }
    return switch (report[r]) {
      case UNHEARD -> Sighting.UNKNOWN;
      case SAYS_OFFLINE -> rules.sight(LocalState.OFFLINE, true, 0, NOW);
      case SAYS_BLANK -> rules.sight(LocalState.ONLINE, false, 0, NOW);
      case SAYS_ONLINE -> rules.sight(LocalState.ONLINE, true, 0, NOW);
      default -> rules.sight(LocalState.UP_TO_DATE, true, reportVersion[r], chain.version());
    };
  }

  private Map<Long, Sighting> sightings() {
    Map<Long, Sighting> sightings = new HashMap<>();
    for (int r = 0; r < n; r++) {
      sightings.put(r + 1L, sighting(r));
    }
    return sightings;
  }

  private boolean tick() {
    long key = indexOf(chain);
    for (int r = 0; r < n; r++) {
      int current = reportVersion[r] == chain.version() ? 1 : 0;
      key = key * 8 + (leased[r] ? 1 + report[r] + current : 0);
    }
    Outcome.Changed changed = decided.get(key);
    if (changed == null) {
      changed = rules.next(chain, sightings());
      decided.put(key, changed);
    }
    return follow(changed.chain());
  }

  private boolean command(Command command) {
    return rules.apply(chain, command, sightings()) instanceof Outcome.Changed changed
        && follow(changed.chain());
  }

  private boolean rotate() {
    List<Long> order = new ArrayList<>();
    for (Member member : chain.members()) {
      if (member.is(SERVING)) {
        order.add(member.targetId());
      }
    }
    if (order.size() < 2) {
      return false;
    }
    order.add(order.remove(0));
    return command(new Command.Reorder(order));
  }

  private boolean force(int r) {
    if (!(rules.apply(chain, new Command.Force(r + 1), sightings())
        instanceof Outcome.Forced forced)) {
      return false;
    }
    boolean lost = write == ACKED && !holds[r];
    Loss loss = forced.loss();
    if (lost && (writeVersion < loss.fromVersion() || writeVersion > loss.toVersion())) {
      broken = "a write of version " + writeVersion + " is lost, and the operator was told " + loss;
    }
    if (lost) {
      write = NONE;
      writeVersion = 0;
    }
    return follow(forced.chain());
  }

  private boolean follow(ChainState next) {
    if (next == chain) {
      return false;
    }
    broken = ChainChecks.transition(chain, next);
    chain = next;
    return true;
  }

  /**
   * Faults end and everybody does what it should: where the chain comes to rest. At most so many
   * rounds as promotions and drops can need.
   */
  void heal() {
    abandonWrite();
    for (int round = 0; round < 12; round++) {
      for (int r = 0; r < n; r++) {
        heartbeat(r);
        learn(r);
        if (isSyncing(r) && !stopped[r] && !upToDate[r]) {
          finishResync(r);
        }
        heartbeat(r);
      }
      tick();
    }
  }

  /** Whether a member is left that serves, or will lead once it returns. */
  boolean canRecover() {
    for (Member member : chain.members()) {
      boolean leads = member.is(SERVING) || member.is(LAST_SERVING);
      if (leads && whole[(int) member.targetId() - 1]) {
        return true;
      }
    }
    return false;
  }

  boolean allServe() {
    for (Member member : chain.members()) {
      if (!member.is(SERVING) || !serves((int) member.targetId() - 1)) {
        return false;
      }
    }
    return true;
  }

  // --- states as 128 bits ---

  private int viewOf(ChainState of) {
    List<Integer> path = new ArrayList<>();
    int serving = 0;
    for (Member member : of.members()) {
      if (member.is(SERVING) || member.is(SYNCING)) {
        path.add((int) member.targetId() - 1);
        serving += member.is(SERVING) ? 1 : 0;
      }
    }
    return indexOf(new View(path, serving));
  }

  private int indexOf(View of) {
    return viewIndex.computeIfAbsent(
        of,
        made -> {
          views.add(made);
          return views.size() - 1;
        });
  }

  private int indexOf(ChainState of) {
    return chainIndex.computeIfAbsent(
        of,
        made -> {
          chains.add(made);
          return chains.size() - 1;
        });
  }

  private final int[] rank = new int[64];

  /** Renumbers versions: what is equal stays equal; with force, order stays too. */
  private void renumber() {
    int now = chain.version();
    Arrays.fill(rank, 0);
    if (!scope.force() && chain.count(SERVING) == 0) {
      for (Member member : chain.members()) {
        boolean newest = member.servedVersion() == chain.servedVersion();
        assert newest || !member.is(LAST_SERVING) : "I6: " + chain;
      }
    }
    mark(chain.servedVersion());
    for (Member member : chain.members()) {
      mark(served(member));
    }
    for (int r = 0; r < n; r++) {
      mark(seen[r]);
      mark(reportVersion[r]);
    }
    writeVersion = write == NONE || (write == ACKED && !scope.force()) ? 0 : writeVersion;
    mark(writeVersion);
    int next = 1;
    if (scope.force()) {
      for (int v = 1; v < now; v++) {
        rank[v] = rank[v] != 0 ? next++ : 0;
      }
    } else {
      next = firstCome(now);
    }
    assert next <= NOW : "too many versions";
    rank[now] = NOW;
    for (int r = 0; r < n; r++) {
      seen[r] = rank[seen[r]];
      reportVersion[r] = rank[reportVersion[r]];
    }
    writeVersion = rank[writeVersion];
    List<Member> members = new ArrayList<>();
    for (Member member : chain.members()) {
      members.add(member.with(member.state(), rank[served(member)]));
    }
    chain = new ChainState(1, NOW, rank[chain.servedVersion()], members);
  }

  /** Without force only equality matters: versions are numbered as they come. */
  private int firstCome(int now) {
    Arrays.fill(rank, 0);
    int next = 1;
    rank[now] = NOW;
    rank[chain.servedVersion()] = rank[chain.servedVersion()] == 0 ? next++ : NOW;
    for (int r = 0; r < n; r++) {
      rank[seen[r]] = seen[r] == 0 ? 0 : rank[seen[r]] == 0 ? next++ : rank[seen[r]];
      int said = reportVersion[r];
      rank[said] = said == 0 ? 0 : rank[said] == 0 ? next++ : rank[said];
    }
    rank[writeVersion] =
        writeVersion == 0 ? 0 : rank[writeVersion] == 0 ? next++ : rank[writeVersion];
    return next;
  }

  /** Without force, only who serves or leads next has a version that matters. */
  private int served(Member member) {
    if (scope.force() || member.is(SERVING)) {
      return member.servedVersion();
    }
    return member.is(LAST_SERVING) ? chain.servedVersion() : 0;
  }

  private void mark(int version) {
    rank[version] = version == 0 ? 0 : 1;
  }

  /** Drops what can have no effect any more, so that states that differ in nothing else are one. */
  private void forget() {
    for (int r = 0; r < n; r++) {
      boolean old = seen[r] != chain.version();
      boolean idle = !isServing(r) && !isSyncing(r);
      if (old && (idle || (isServing(r) && (!lease[r] || mustLearn[r])))) {
        seen[r] = 0;
        view[r] = 0;
        upToDate[r] = false;
      }
    }
  }

  /** A write under a version that nobody knows any more can only be tried anew. */
  private void endDeadWrite() {
    boolean alive = false;
    for (int r = 0; r < n; r++) {
      alive |= view[r] != 0 && seen[r] == writeVersion;
    }
    if (write == FLIGHT && !alive) {
      abandonWrite();
    }
  }

  /** Replicas take their numbers from their places in the chain: names make no difference. */
  private void relabel() {
    int[] to = new int[n];
    Arrays.fill(to, -1);
    int next = 0;
    boolean same = true;
    for (Member member : chain.members()) {
      int r = (int) member.targetId() - 1;
      same &= r == next;
      to[r] = next++;
    }
    for (int r = 0; r < n; r++) {
      same &= to[r] == r || (to[r] < 0 && r == next);
      to[r] = to[r] < 0 ? next++ : to[r];
    }
    if (same) {
      return;
    }
    List<Member> members = new ArrayList<>();
    for (Member m : chain.members()) {
      int at = to[(int) m.targetId() - 1];
      members.add(new Member(at + 1, m.state(), m.servedVersion(), m.leaving()));
    }
    chain = new ChainState(1, chain.version(), chain.servedVersion(), members);
    for (boolean[] of :
        new boolean[][] {lease, mustLearn, stopped, whole, holds, upToDate, leased}) {
      boolean[] was = of.clone();
      for (int r = 0; r < n; r++) {
        of[to[r]] = was[r];
      }
    }
    for (int[] of : new int[][] {report, reportVersion, seen, view}) {
      int[] was = of.clone();
      for (int r = 0; r < n; r++) {
        of[to[r]] = was[r];
      }
    }
    for (int r = 0; r < n; r++) {
      View was = views.get(view[r]);
      List<Integer> path = was.writesTo().stream().map(member -> to[member]).toList();
      view[r] = indexOf(new View(path, was.serving()));
    }
  }

  long low;
  long high;

  void pack() {
    forget();
    endDeadWrite();
    relabel();
    renumber();
    high = indexOf(chain);
    low = 0;
    for (int r = 0; r < n; r++) {
      int flags = bit(lease[r], 1) | bit(mustLearn[r], 2) | bit(stopped[r], 3);
      flags |= bit(whole[r], 4) | bit(holds[r], 5) | bit(upToDate[r], 6) | bit(leased[r], 7);
      low = low << 15 | flags << 7 | report[r] << 4 | reportVersion[r];
      high = high << 10 | view[r] << 4 | seen[r];
    }
    assert view[0] < 64 && chains.size() < 1 << 20;
    low = low << 8 | write << 6 | writeAt << 4 | writeVersion;
  }

  void unpack(long packedLow, long packedHigh) {
    long lo = packedLow;
    long hi = packedHigh;
    writeVersion = (int) lo & 15;
    writeAt = (int) (lo >> 4) & 3;
    write = (int) (lo >> 6) & 3;
    lo >>>= 8;
    for (int r = n - 1; r >= 0; r--) {
      int bits = (int) lo & 0x7FFF;
      reportVersion[r] = bits & 15;
      report[r] = bits >> 4 & 7;
      int flags = bits >> 7;
      lease[r] = (flags & 2) != 0;
      mustLearn[r] = (flags & 4) != 0;
      stopped[r] = (flags & 8) != 0;
      whole[r] = (flags & 16) != 0;
      holds[r] = (flags & 32) != 0;
      upToDate[r] = (flags & 64) != 0;
      leased[r] = (flags & 128) != 0;
      seen[r] = (int) hi & 15;
      view[r] = (int) (hi >> 4) & 63;
      lo >>>= 15;
      hi >>>= 10;
    }
    chain = chains.get((int) hi);
    broken = null;
  }

  private static int bit(boolean set, int at) {
    return set ? 1 << at : 0;
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(chain.members().toString());
    for (int r = 0; r < n; r++) {
      text.append("\n    ").append(r + 1);
      text.append(lease[r] ? " lease" : "").append(serves(r) ? " serves" : "");
      text.append(stopped[r] ? " stopped" : "").append(whole[r] ? "" : " blank");
      text.append(holds[r] ? " holds" : "").append(upToDate[r] ? " upToDate" : "");
      text.append(" seen=").append(seen[r]).append(" report=").append(report[r]);
      text.append('@').append(reportVersion[r]).append(leased[r] ? "" : " declared");
    }
    return text.append("\n    write ").append(write).append('@').append(writeVersion).toString();
  }
}
