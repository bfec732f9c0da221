package io.lampyris.protocol;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The map of the cluster: chain tables, chains, targets and nodes, as of one version (I3).
 *
 * @param version rises with every change
 * @param chainTables by table id
 * @param chains by chain id
 * @param targets by target id
 * @param nodes by node id; a cluster in one process has none
 */
public record Routing(
    long version,
    Map<Integer, ChainTable> chainTables,
    Map<Integer, Chain> chains,
    Map<Long, Target> targets,
    Map<Integer, Node> nodes) {

  /** What a client knows before it has heard of anything. */
  public static final Routing EMPTY = new Routing(0, Map.of(), Map.of(), Map.of());

  public Routing {
    chainTables = Map.copyOf(chainTables);
    chains = Map.copyOf(chains);
    targets = Map.copyOf(targets);
    nodes = Map.copyOf(nodes);
  }

  /** Routing of a cluster whose nodes need no addresses. */
  public Routing(
      long version,
      Map<Integer, ChainTable> chainTables,
      Map<Integer, Chain> chains,
      Map<Long, Target> targets) {
    this(version, chainTables, chains, targets, Map.of());
  }

  /** What a target is to its chain. */
  public enum TargetState {
    SERVING(1),
    LAST_SERVING(2),
    SYNCING(4),
    WAITING(8),
    OFFLINE(16);

    private final int number;

    TargetState(int number) {
      this.number = number;
    }

    public int number() {
      return number;
    }

    /** The state of a number. */
    public static Optional<TargetState> of(int number) {
      return Arrays.stream(values()).filter(state -> state.number == number).findFirst();
    }
  }

  /** An immutable version of a list of chains that layouts point into. */
  public record ChainTable(int id, int version, List<Integer> chainIds) {
    public ChainTable {
      chainIds = List.copyOf(chainIds);
      if (chainIds.isEmpty()) {
        throw new IllegalArgumentException("chain table %d has no chains".formatted(id));
      }
    }
  }

  /** Ordered targets that hold the same chunks; the first is the head. */
  public record Chain(int id, int version, List<Long> targetIds) {
    public Chain {
      targetIds = List.copyOf(targetIds);
    }
  }

  /**
   * A process that serves.
   *
   * @param address host:port; empty: it is reached without one
   * @param domain what fails together with it; empty: nothing else
   */
  public record Node(int id, String address, String domain) {}

  /** One replica: a slice of a device on a node. */
  public record Target(long id, int nodeId, TargetState state) {}

  /**
   * The chain that holds a chunk.
   *
   * @throws IllegalArgumentException when this routing has no such table or chain
   */
  public Chain chainOf(FileLayout layout, long chunkIndex) {
    ChainTable table = chainTables.get(layout.chainTableId());
    if (table == null) {
      throw new IllegalArgumentException(
          "no such chain table; observed=%d, limit=%s"
              .formatted(layout.chainTableId(), chainTables.keySet()));
    }
    int position = layout.chainPosition(chunkIndex, table.chainIds().size());
    Chain chain = chains.get(table.chainIds().get(position));
    if (chain == null) {
      throw new IllegalArgumentException(
          "no such chain; observed=%d".formatted(table.chainIds().get(position)));
    }
    return chain;
  }
}
