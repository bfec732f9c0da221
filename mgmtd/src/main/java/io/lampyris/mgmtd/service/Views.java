package io.lampyris.mgmtd.service;

import io.lampyris.mgmtd.chain.Member;
import io.lampyris.mgmtd.state.ChainInfo;
import io.lampyris.mgmtd.state.ClusterState;
import io.lampyris.mgmtd.state.NodeInfo;
import io.lampyris.mgmtd.state.TargetInfo;
import io.lampyris.protocol.Routing.ChainTable;
import io.lampyris.protocol.Routing.TargetState;
import io.lampyris.protocol.cluster.AdminAnswer;
import io.lampyris.protocol.cluster.TargetReport;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** What there is, as tables in order of ids, in parts of bounded length. */
final class Views {
  private static final int ROWS_MAX = 500;

  private static final List<String> TARGET_COLUMNS =
      List.of(
          "target",
          "node",
          "disk",
          "chain",
          "state",
          "local",
          "whole",
          "capacity",
          "used",
          "store",
          "note");

  private final Primary primary;
  private final Arguments arguments;
  private final ClusterState state;

  Views(Primary primary, Arguments arguments) {
    this.primary = primary;
    this.arguments = arguments;
    state = primary.state();
  }

  private interface Row<V> {
    List<String> of(V value);
  }

  private <K, V> AdminAnswer table(SortedMap<K, V> all, K after, List<String> columns, Row<V> row) {
    List<List<String>> rows = new ArrayList<>();
    for (var entry : all.tailMap(after).entrySet()) {
      if (rows.size() == ROWS_MAX) {
        return new AdminAnswer(true, columns, rows, "");
      }
      boolean first = !arguments.has("after") || !entry.getKey().equals(after);
      if (first) {
        rows.add(row.of(entry.getValue()));
      }
    }
    return new AdminAnswer(false, columns, rows, "");
  }

  AdminAnswer nodes() throws RefusedException {
    return table(
        state.nodes(),
        arguments.count("after", 0),
        List.of("node", "state", "phase", "targets", "members", "address", "domain", "tags"),
        this::node);
  }

  private List<String> node(NodeInfo node) {
    int targets = 0;
    int members = 0;
    for (TargetInfo target : state.targets().values()) {
      targets += target.nodeId() == node.id() ? 1 : 0;
      members += target.nodeId() == node.id() && !state.isFree(target.id()) ? 1 : 0;
    }
    boolean drained = node.phase() == NodeInfo.Phase.DRAINING && members == 0;
    List<String> tags = new ArrayList<>();
    node.tags().forEach((name, value) -> tags.add(name + "=" + value));
    return List.of(
        String.valueOf(node.id()),
        stateOf(node.id()),
        drained ? "DRAINED" : node.phase().name(),
        String.valueOf(targets),
        String.valueOf(members),
        node.address(),
        node.domain(),
        String.join(" ", tags));
  }

  private String stateOf(int nodeId) {
    if (!primary.isLeased(nodeId)) {
      return "DOWN";
    }
    return primary.hasHeard(nodeId) ? "UP" : "UNKNOWN";
  }

  AdminAnswer targets() throws RefusedException {
    SortedMap<Long, TargetInfo> all = state.targets();
    if (arguments.has("node")) {
      int nodeId = arguments.id("node");
      all = new TreeMap<>(all);
      all.values().removeIf(target -> target.nodeId() != nodeId);
    }
    return table(all, arguments.whole("after", 0), TARGET_COLUMNS, this::target);
  }

  AdminAnswer targetsOf(int nodeId) {
    List<List<String>> rows = new ArrayList<>();
    for (TargetInfo target : state.targets().values()) {
      if (target.nodeId() == nodeId) {
        rows.add(target(target));
      }
    }
    NodeInfo node = state.nodes().get(nodeId);
    assert node != null;
    return new AdminAnswer(false, TARGET_COLUMNS, rows, String.join(" ", node(node)).strip());
  }

  AdminAnswer target(long targetId) {
    TargetInfo target = state.targets().get(targetId);
    assert target != null;
    return new AdminAnswer(false, TARGET_COLUMNS, List.of(target(target)), "");
  }

  private List<String> target(TargetInfo target) {
    int chainId = state.chainOf(target.id());
    ChainInfo chain = state.chains().get(chainId);
    Member member = chain == null ? null : chain.state().member(target.id());
    TargetReport report = primary.isLeased(target.nodeId()) ? primary.reportOf(target) : null;
    List<String> notes = new ArrayList<>();
    if (target.retiring()) {
      notes.add("retiring");
    }
    if (member != null && member.leaving()) {
      notes.add("leaving");
    }
    if (member == null) {
      notes.add("spare");
    }
    return List.of(
        String.valueOf(target.id()),
        String.valueOf(target.nodeId()),
        String.valueOf(target.disk()),
        chainId == 0 ? "" : String.valueOf(chainId),
        member == null ? "" : member.state().name(),
        report == null ? "" : report.state().name(),
        report == null ? "" : String.valueOf(report.whole()),
        report == null ? "" : String.valueOf(report.capacityBytes()),
        report == null ? "" : String.valueOf(report.usedBytes()),
        Long.toHexString(target.storeId()),
        String.join(" ", notes));
  }

  AdminAnswer chains() throws RefusedException {
    return table(
        state.chains(),
        arguments.count("after", 0),
        List.of("chain", "version", "replicas", "serving", "members", "note"),
        this::chain);
  }

  private List<String> chain(ChainInfo chain) {
    return List.of(
        String.valueOf(chain.id()),
        String.valueOf(chain.state().version()),
        String.valueOf(chain.replicas()),
        String.valueOf(chain.state().count(TargetState.SERVING)),
        Admin.words(chain.state().members()),
        note(chain));
  }

  private String note(ChainInfo chain) {
    List<String> notes = new ArrayList<>();
    primary.actionsOf(chain.id()).forEach(action -> notes.add(action.toString()));
    if (chain.movingFrom() != 0) {
      notes.add("%d is to be replaced".formatted(chain.movingFrom()));
    }
    return String.join(" ", notes);
  }

  AdminAnswer members(ChainInfo chain) {
    List<List<String>> rows = new ArrayList<>();
    for (Member member : chain.state().members()) {
      TargetInfo target = state.targets().get(member.targetId());
      assert target != null;
      rows.add(
          List.of(
              String.valueOf(member.targetId()),
              String.valueOf(target.nodeId()),
              member.state().name(),
              String.valueOf(member.servedVersion()),
              String.valueOf(member.leaving()),
              primary.sighting(target.id(), chain.state().version()).name()));
    }
    return new AdminAnswer(
        false,
        List.of("target", "node", "state", "served_version", "leaving", "seen"),
        rows,
        "chain %d version %d, %d replicas wanted %s"
            .formatted(chain.id(), chain.state().version(), chain.replicas(), note(chain))
            .strip());
  }

  AdminAnswer tables() throws RefusedException {
    return table(
        state.tables(),
        arguments.count("after", 0),
        List.of("table", "version", "chains", "ids"),
        Views::table);
  }

  private static List<String> table(ChainTable table) {
    List<String> ids = table.chainIds().stream().map(String::valueOf).toList();
    return List.of(
        String.valueOf(table.id()),
        String.valueOf(table.version()),
        String.valueOf(ids.size()),
        ids.size() > 64 ? String.join(" ", ids.subList(0, 64)) + " …" : String.join(" ", ids));
  }

  AdminAnswer clients() {
    return table(
        primary.clients().byId(),
        arguments.text("after", ""),
        List.of("client", "name", "routing"),
        client -> List.of(client.id(), client.name(), String.valueOf(client.knownVersion())));
  }
}
