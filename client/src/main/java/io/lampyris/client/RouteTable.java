package io.lampyris.client;

import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Routing.Chain;
import io.lampyris.protocol.Routing.ChainTable;
import io.lampyris.protocol.Routing.Target;
import io.lampyris.protocol.Routing.TargetState;
import io.lampyris.protocol.Services;
import java.util.ArrayList;
import java.util.List;
import org.agrona.collections.Int2ObjectHashMap;
import org.jspecify.annotations.Nullable;

/**
 * One routing version, unfolded into arrays so that a look-up is a few loads. Owner: reactor.
 *
 * <p>Updates go to a chain's head, the first member that serves; reads to any that does.
 */
final class RouteTable {
  private static final StorageNode[] NOBODY = {};

  /** The chains of one chain table, by position. */
  static final class Positions {
    final int[] chainIds;
    final int[] chainVersions;

    /** Those that serve, the head first; empty when nobody does. */
    final StorageNode[][] members;

    /** Of each of them, which of the node's targets it is. */
    final long[][] targetIds;

    Positions(int count) {
      chainIds = new int[count];
      chainVersions = new int[count];
      members = new StorageNode[count][];
      targetIds = new long[count][];
      java.util.Arrays.fill(members, NOBODY);
    }

    int count() {
      return chainIds.length;
    }

    /** The first target of a chain on a node that serves it. */
    long targetOn(StorageNode node, int at) {
      int member = 0;
      while (members[at][member] != node) {
        member++;
      }
      return targetIds[at][member];
    }
  }

  private final Connector connector;
  private final int localNodeId;
  private final Int2ObjectHashMap<StorageNode> nodes = new Int2ObjectHashMap<>();
  private final List<StorageNode> nodeList = new ArrayList<>();
  private final Int2ObjectHashMap<Positions> tables = new Int2ObjectHashMap<>();
  private @Nullable Routing source;

  RouteTable(Connector connector, int localNodeId) {
    this.connector = connector;
    this.localNodeId = localNodeId;
  }

  /** Follows routing; nearly always it is what is known, and this is false. */
  boolean follow(Routing routing) {
    if (routing == source) {
      return false;
    }
    rebuildSlow(routing);
    return true;
  }

  long version() {
    Routing known = source;
    return known == null ? 0 : known.version();
  }

  /** Every node that was ever sent anything, or could have been. */
  List<StorageNode> nodes() {
    return nodeList;
  }

  /** The chains of a layout's table; null when routing does not know it. */
  @Nullable Positions positions(FileLayout layout) {
    return tables.get(layout.chainTableId());
  }

  /** Who serves a chunk; empty when nobody does, or nobody knows. */
  StorageNode[] members(FileLayout layout, long chunkIndex) {
    Positions positions = positions(layout);
    return positions == null
        ? NOBODY
        : positions.members[layout.chainPosition(chunkIndex, positions.count())];
  }

  private void rebuildSlow(Routing routing) {
    tables.clear();
    for (ChainTable table : routing.chainTables().values()) {
      Positions positions = new Positions(table.chainIds().size());
      for (int i = 0; i < positions.count(); i++) {
        Chain chain = routing.chains().get(table.chainIds().get(i));
        if (chain != null) {
          positions.chainIds[i] = chain.id();
          positions.chainVersions[i] = chain.version();
          List<Long> serving = serving(chain, routing);
          positions.targetIds[i] = serving.stream().mapToLong(id -> id).toArray();
          positions.members[i] =
              serving.stream().map(id -> nodeOf(id, routing)).toArray(StorageNode[]::new);
        }
      }
      tables.put(table.id(), positions);
    }
    source = routing;
  }

  private static List<Long> serving(Chain chain, Routing routing) {
    List<Long> serving = new ArrayList<>();
    for (Long targetId : chain.targetIds()) {
      Target target = routing.targets().get(targetId);
      if (target != null && target.state() == TargetState.SERVING) {
        serving.add(targetId);
      }
    }
    return serving;
  }

  private StorageNode nodeOf(Long targetId, Routing routing) {
    Target target = routing.targets().get(targetId);
    assert target != null : "it serves";
    return node(target.nodeId());
  }

  private StorageNode node(int nodeId) {
    StorageNode node = nodes.get(nodeId);
    if (node == null) {
      boolean local = nodeId == localNodeId;
      node = new StorageNode(nodeId, connector.connect(nodeId, Services.STORAGE), local);
      nodes.put(nodeId, node);
      nodeList.add(node);
    }
    return node;
  }
}
