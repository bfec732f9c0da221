package io.lampyris.mgmtd.service;

import io.lampyris.mgmtd.chain.ChainState;
import io.lampyris.mgmtd.chain.ChainUpdate;
import io.lampyris.mgmtd.chain.Command;
import io.lampyris.mgmtd.chain.Loss;
import io.lampyris.mgmtd.chain.Member;
import io.lampyris.mgmtd.chain.Outcome;
import io.lampyris.mgmtd.placement.Generator;
import io.lampyris.mgmtd.placement.Placement;
import io.lampyris.mgmtd.placement.Placement.Place;
import io.lampyris.mgmtd.placement.PlacementNode;
import io.lampyris.mgmtd.placement.Quality;
import io.lampyris.mgmtd.placement.Rebalance;
import io.lampyris.mgmtd.state.ChainInfo;
import io.lampyris.mgmtd.state.ClusterState;
import io.lampyris.mgmtd.state.DeposedException;
import io.lampyris.mgmtd.state.Draft;
import io.lampyris.mgmtd.state.NodeInfo;
import io.lampyris.mgmtd.state.TargetInfo;
import io.lampyris.protocol.Routing.ChainTable;
import io.lampyris.protocol.cluster.AdminAnswer;
import io.lampyris.protocol.cluster.TargetReport;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** Commands that make chains and change them. Owner: the manager's reactor. */
final class AdminChains {
  private static final long SEED = 1;

  private final Primary primary;
  private final Arguments arguments;
  private final ClusterState state;

  AdminChains(Primary primary, Arguments arguments) {
    this.primary = primary;
    this.arguments = arguments;
    state = primary.state();
  }

  // ---------------------------------------------------------------- making

  /** As many chains as free targets allow, and the table that lists them. */
  AdminAnswer create() throws RefusedException, DeposedException {
    int replicas = arguments.id("replicas");
    int tableId = arguments.id("table", 1);
    if (state.tables().containsKey(tableId)) {
      throw RefusedException.because(
          "chain table is there already", tableId, "a new id", "name another table");
    }
    Map<Integer, Map<Integer, Deque<TargetInfo>>> free = freeByNodeAndDisk();
    int perDisk = perDisk(free);
    List<PlacementNode> nodes = new ArrayList<>();
    free.forEach(
        (nodeId, disks) -> nodes.add(new PlacementNode(nodeId, domainOf(nodeId), disks.size())));
    Placement placement = placed(nodes, replicas, perDisk);
    Draft draft = state.draft();
    List<Integer> ids = new ArrayList<>();
    for (List<Place> places : placement.chains()) {
      List<Long> members = new ArrayList<>();
      for (Place place : places) {
        members.add(founder(draft, free, place));
      }
      int id = (state.chains().isEmpty() ? 0 : state.chains().lastKey()) + ids.size() + 1;
      draft.put(new ChainInfo(ChainState.create(id, members), replicas));
      ids.add(id);
    }
    draft.put(new ChainTable(tableId, 1, ids));
    primary.commit(draft, ids);
    return AdminAnswer.of(
        "table %d: %d chains of %d, numbers %d to %d; %s"
            .formatted(
                tableId, ids.size(), replicas, ids.getFirst(), ids.getLast(), quality(placement)));
  }

  private int perDisk(Map<Integer, Map<Integer, Deque<TargetInfo>>> free) throws RefusedException {
    int least =
        free.values().stream()
            .flatMap(disks -> disks.values().stream())
            .mapToInt(Deque::size)
            .min()
            .orElse(0);
    int perDisk = arguments.count("targets-per-disk", least);
    if (perDisk < 1 || perDisk > least) {
      throw RefusedException.because(
          "there are not so many free targets on every disk",
          perDisk,
          "1 … " + least,
          "ask for fewer, or add targets; those that hold data are not free");
    }
    return perDisk;
  }

  private Placement placed(List<PlacementNode> nodes, int replicas, int perDisk)
      throws RefusedException {
    try {
      Placement placement =
          Generator.generate(nodes, replicas, perDisk, arguments.whole("seed", SEED));
      if (!placement.chains().isEmpty()) {
        return placement;
      }
    } catch (IllegalArgumentException none) {
      throw new RefusedException(
          io.lampyris.protocol.Status.REFUSED, String.valueOf(none.getMessage()));
    }
    throw RefusedException.because("no chain fits", 0, ">= 1", "add targets");
  }

  /** Targets that are there, belong to no chain and hold nothing, by node and disk. */
  private Map<Integer, Map<Integer, Deque<TargetInfo>>> freeByNodeAndDisk() {
    Map<Integer, Map<Integer, Deque<TargetInfo>>> free = new TreeMap<>();
    Spares spares = new Spares(state, this::isBlank);
    for (TargetInfo target : state.targets().values()) {
      if (spares.isFree(target.id())) {
        free.computeIfAbsent(target.nodeId(), id -> new TreeMap<>())
            .computeIfAbsent(target.disk(), disk -> new ArrayDeque<>())
            .add(target);
      }
    }
    return free;
  }

  private boolean isBlank(TargetInfo target) {
    TargetReport report = primary.reportOf(target);
    return report != null
        && primary.sighting(target.id(), 0).isPresent()
        && !report.whole()
        && report.storeId() != 0;
  }

  /** The places of a generator number a node's disks from 0, in order of the disks' own numbers. */
  private static Long founder(
      Draft draft, Map<Integer, Map<Integer, Deque<TargetInfo>>> free, Place place) {
    Map<Integer, Deque<TargetInfo>> disks = free.get(place.nodeId());
    assert disks != null : "placed on a node that has free targets";
    Integer disk = List.copyOf(disks.keySet()).get(place.disk());
    Deque<TargetInfo> targets = disks.get(disk);
    assert targets != null && !targets.isEmpty() : "no more on a disk than it has";
    TargetInfo target = targets.remove();
    draft.put(target.asWhole());
    return target.id();
  }

  private String domainOf(int nodeId) {
    NodeInfo node = state.nodes().get(nodeId);
    assert node != null;
    return node.failsWith();
  }

  private static String quality(Placement placement) {
    Quality quality = Quality.of(placement);
    return String.format(
        Locale.ROOT,
        "with one node lost a survivor reads at most %.2f of its load more (mean %.2f)",
        quality.worstOfOne(),
        quality.meanOfOne());
  }

  AdminAnswer setTable() throws RefusedException, DeposedException {
    int id = arguments.id("table");
    List<Integer> chains = new ArrayList<>();
    for (Long chainId : arguments.wholes("chains")) {
      boolean known = chainId > 0 && chainId <= Integer.MAX_VALUE;
      if (!known || !state.chains().containsKey(chainId.intValue())) {
        throw RefusedException.because("no such chain", chainId, "a known one", "chain list");
      }
      chains.add(chainId.intValue());
    }
    ChainTable table = new ChainTable(id, 1, chains);
    ChainTable old = state.tables().get(id);
    if (old != null && !old.equals(table)) {
      throw RefusedException.because(
          "chain tables never change, because files find their chunks by them",
          "table " + id,
          "a new id",
          "name another table");
    }
    if (new HashSet<>(chains).size() != chains.size()) {
      throw RefusedException.because("chain is named twice", chains, "each once", "correct it");
    }
    Draft draft = state.draft();
    if (old == null) {
      draft.put(table);
    }
    primary.commit(draft);
    return AdminAnswer.of("table %d lists %d chains".formatted(id, chains.size()));
  }

  // ---------------------------------------------------------------- changing

  /** Tells what would be lost, and does it when the operator says that he was told. */
  AdminAnswer force(ChainInfo chain) throws RefusedException, DeposedException {
    long targetId = arguments.whole("target");
    int version = chain.state().version();
    Loss loss = ChainUpdate.lossOf(chain.state(), targetId);
    String lost =
        loss.isNothing()
            ? "nothing that was acknowledged is lost"
            : "writes acknowledged under versions %d to %d of chain %d may be lost; targets %s hold them"
                .formatted(loss.fromVersion(), loss.toVersion(), chain.id(), loss.holders());
    if (arguments.whole("accept-loss", 0) != version) {
      throw RefusedException.because(
          "if target %d leads, %s".formatted(targetId, lost),
          "no consent",
          "accept-loss=" + version,
          "bring the holders back, or repeat with accept-loss=" + version);
    }
    Outcome outcome = primary.command(chain.id(), new Command.Force(targetId));
    return switch (outcome) {
      case Outcome.Refused refused ->
          throw new RefusedException(io.lampyris.protocol.Status.REFUSED, refused.reason());
      case Outcome.Forced ignored ->
          AdminAnswer.of("target %d leads: %s".formatted(targetId, lost));
      case Outcome.Changed ignored -> AdminAnswer.of("done");
    };
  }

  AdminAnswer reorder(ChainInfo chain) throws RefusedException, DeposedException {
    Command command = new Command.Reorder(arguments.wholes("targets"));
    if (primary.command(chain.id(), command) instanceof Outcome.Refused refused) {
      throw new RefusedException(io.lampyris.protocol.Status.REFUSED, refused.reason());
    }
    ChainInfo now = primary.state().chains().get(chain.id());
    assert now != null;
    return AdminAnswer.of(Admin.words(now.state().members()));
  }

  /** Plans moves from nodes that have more than their share to those that have less. */
  AdminAnswer rebalance() throws RefusedException, DeposedException {
    List<ChainInfo> chains = new ArrayList<>();
    List<List<Place>> places = new ArrayList<>();
    for (ChainInfo chain : state.chains().values()) {
      boolean quiet = chain.movingFrom() == 0;
      List<Place> at = new ArrayList<>();
      for (Member member : chain.state().members()) {
        quiet &= !member.leaving();
        TargetInfo target = state.targets().get(member.targetId());
        assert target != null;
        at.add(new Place(target.nodeId(), 0));
      }
      if (quiet && at.size() == chain.replicas()) {
        chains.add(chain);
        places.add(at);
      }
    }
    if (chains.size() < state.chains().size()) {
      throw RefusedException.because(
          "chains are being changed",
          state.chains().size() - chains.size(),
          "0",
          "wait until they rest");
    }
    Rebalance.Plan plan = plan(places);
    List<List<String>> rows = new ArrayList<>();
    Draft draft = state.draft();
    List<Integer> moved = new ArrayList<>();
    for (Rebalance.Move move : plan.moves()) {
      ChainInfo chain = chains.get(move.chain());
      long from = memberOn(chain, move.from().nodeId());
      boolean first = !moved.contains(chain.id());
      long to = first ? freeOn(move.to().nodeId()) : 0;
      rows.add(
          List.of(
              String.valueOf(chain.id()),
              String.valueOf(from),
              String.valueOf(move.from().nodeId()),
              String.valueOf(move.to().nodeId()),
              to != 0 ? "now" : first ? "no free target" : "next time"));
      if (to != 0) {
        draft.put(chain.moving(from, to));
        moved.add(chain.id());
      }
    }
    boolean dry = arguments.flag("dry-run");
    if (!dry) {
      primary.commit(draft, moved);
    }
    return new AdminAnswer(
        false,
        List.of("chain", "from_target", "from_node", "to_node", "when"),
        rows,
        dry
            ? "%d moves would be made".formatted(rows.size())
            : "%d moves, %d of them are under way".formatted(rows.size(), moved.size()));
  }

  private Rebalance.Plan plan(List<List<Place>> places) throws RefusedException {
    List<PlacementNode> now = new ArrayList<>();
    List<PlacementNode> wanted = new ArrayList<>();
    for (NodeInfo node : state.nodes().values()) {
      boolean has =
          state.targets().values().stream().anyMatch(target -> target.nodeId() == node.id());
      if (!has) {
        continue;
      }
      PlacementNode as = new PlacementNode(node.id(), node.failsWith(), 1);
      now.add(as);
      if (!node.isDraining() && primary.isLeased(node.id())) {
        wanted.add(as);
      }
    }
    if (places.isEmpty() || wanted.isEmpty()) {
      throw RefusedException.because(
          "there is nothing to even out", 0, ">= 1 chain", "create some");
    }
    try {
      return Rebalance.plan(new Placement(now, places), wanted, arguments.whole("seed", SEED));
    } catch (IllegalArgumentException none) {
      throw new RefusedException(
          io.lampyris.protocol.Status.REFUSED, String.valueOf(none.getMessage()));
    }
  }

  private long memberOn(ChainInfo chain, int nodeId) {
    for (Member member : chain.state().members()) {
      TargetInfo target = state.targets().get(member.targetId());
      if (target != null && target.nodeId() == nodeId) {
        return member.targetId();
      }
    }
    throw new AssertionError("a plan moves members: " + chain + " node " + nodeId);
  }

  private final HashSet<Long> promised = new HashSet<>();

  /** A target that is there and not promised yet; 0: the node has none. */
  private long freeOn(int nodeId) {
    Spares spares = new Spares(state, target -> primary.sighting(target.id(), 0).isPresent());
    for (TargetInfo target : state.targets().values()) {
      boolean here = target.nodeId() == nodeId && spares.isFree(target.id());
      if (here && promised.add(target.id())) {
        return target.id();
      }
    }
    return 0;
  }
}
