package io.lampyris.cli.operate;

import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.cluster.ClusterLink;
import io.lampyris.protocol.cluster.AdminAnswer;
import io.lampyris.protocol.cluster.AdminCommand;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * How the cluster is, as the manager says.
 *
 * @param nodes by number
 * @param targets by number
 * @param chains by number
 */
record ClusterView(
    SortedMap<Integer, Node> nodes,
    SortedMap<Long, Target> targets,
    SortedMap<Integer, Chain> chains) {
  /**
   * A storage node.
   *
   * @param members how many members of chains it has
   */
  record Node(int id, boolean isUp, String phase, int members, String address) {}

  /**
   * A target.
   *
   * @param chain 0: none, it is a spare
   * @param state in its chain; empty: in none
   * @param local what its node says of it; empty: nothing
   * @param store which store is there
   */
  record Target(
      long id,
      int node,
      int disk,
      int chain,
      String state,
      String local,
      long usedBytes,
      String store,
      String note) {
    boolean isThere() {
      return !local.isEmpty() && !local.equals("OFFLINE");
    }

    boolean isSpare() {
      return chain == 0;
    }

    boolean serves() {
      return state.equals("SERVING");
    }

    boolean isLeaving() {
      return note.contains("leaving");
    }

    /** It gets, or is about to get, what it lacks. */
    boolean isFilled() {
      return isThere() && (state.equals("SYNCING") || state.equals("WAITING"));
    }
  }

  /**
   * A chain with its members.
   *
   * @param moves one of its members is to be replaced
   */
  record Chain(int id, int replicas, boolean moves, List<Target> members) {
    int serving() {
      return (int) members.stream().filter(Target::serves).count();
    }

    /** It is as it should be, and nothing of it is being changed. */
    boolean rests() {
      return !moves
          && members.size() == replicas
          && serving() == replicas
          && members.stream().noneMatch(Target::isLeaving);
    }

    /** It gets nearer to that by itself. */
    boolean isChanging() {
      return !rests()
          && (members.size() > replicas
              || members.stream().anyMatch(target -> target.isFilled() || target.isLeaving()));
    }
  }

  static ClusterView of(ClusterLink link) throws InputException, FailedException {
    SortedMap<Integer, Node> nodes = new TreeMap<>();
    for (Map<String, String> row : rows(link.ask(AdminCommand.NODE_LIST, Map.of()))) {
      Node node =
          new Node(
              (int) number(row, "node"),
              text(row, "state").equals("UP"),
              text(row, "phase"),
              (int) number(row, "members"),
              text(row, "address"));
      nodes.put(node.id(), node);
    }
    SortedMap<Long, Target> targets = new TreeMap<>();
    for (Map<String, String> row : rows(link.ask(AdminCommand.TARGET_LIST, Map.of()))) {
      Target target = target(row);
      targets.put(target.id(), target);
    }
    SortedMap<Integer, Chain> chains = new TreeMap<>();
    for (Map<String, String> row : rows(link.ask(AdminCommand.CHAIN_LIST, Map.of()))) {
      int id = (int) number(row, "chain");
      boolean moves = text(row, "note").contains("to be replaced");
      List<Target> members =
          targets.values().stream().filter(target -> target.chain() == id).toList();
      chains.put(id, new Chain(id, (int) number(row, "replicas"), moves, members));
    }
    return new ClusterView(nodes, targets, chains);
  }

  private static Target target(Map<String, String> row) {
    return new Target(
        number(row, "target"),
        (int) number(row, "node"),
        (int) number(row, "disk"),
        (int) number(row, "chain"),
        text(row, "state"),
        text(row, "local"),
        number(row, "used"),
        text(row, "store"),
        text(row, "note"));
  }

  /** The rows of an answer by column. */
  static List<Map<String, String>> rows(AdminAnswer answer) {
    List<Map<String, String>> rows = new ArrayList<>();
    for (List<String> row : answer.rows()) {
      Map<String, String> named = new HashMap<>();
      for (int i = 0; i < row.size(); i++) {
        named.put(answer.columns().get(i), row.get(i));
      }
      rows.add(named);
    }
    return rows;
  }

  static String text(Map<String, String> row, String column) {
    return row.getOrDefault(column, "");
  }

  private static long number(Map<String, String> row, String column) {
    String text = text(row, column);
    return text.isEmpty() ? 0 : Long.parseLong(text);
  }

  Stream<Target> targetsOf(int node, int disk) {
    return targets.values().stream()
        .filter(target -> target.node() == node && target.disk() == disk);
  }

  List<Chain> restless() {
    return chains.values().stream().filter(chain -> !chain.rests()).toList();
  }

  Chain chain(int id) {
    Chain chain = chains.get(id);
    assert chain != null : "chains are for ever: " + id;
    return chain;
  }
}
