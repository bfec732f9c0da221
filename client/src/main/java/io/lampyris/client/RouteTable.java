package io.lampyris.client;

import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Routing.Chain;
import io.lampyris.protocol.Routing.ChainTable;
import io.lampyris.protocol.Routing.Target;
import io.lampyris.protocol.Routing.TargetState;
import io.lampyris.protocol.Services;
import io.lampyris.reactor.net.Connection;
import org.agrona.collections.Int2ObjectHashMap;
import org.jspecify.annotations.Nullable;

/**
 * One routing version, unfolded into arrays so that a look-up is a few loads. Owner: reactor.
 *
 * <p>Updates go to a chain's head and reads to its first serving member.
 */
final class RouteTable {
  /** The chains of one chain table, by position. */
  static final class Positions {
    final int[] chainIds;
    final int[] chainVersions;
    final @Nullable Connection[] heads;
    final @Nullable Connection[] readers;

    Positions(int count) {
      chainIds = new int[count];
      chainVersions = new int[count];
      heads = new Connection[count];
      readers = new Connection[count];
    }

    int count() {
      return chainIds.length;
    }
  }

  private final Connector connector;
  private final Int2ObjectHashMap<Connection> nodes = new Int2ObjectHashMap<>();
  private final Int2ObjectHashMap<Positions> tables = new Int2ObjectHashMap<>();
  private @Nullable Routing source;

  RouteTable(Connector connector) {
    this.connector = connector;
  }

  /** Follows routing; nearly always it is what is known. */
  void follow(Routing routing) {
    if (routing != source) {
      rebuildSlow(routing);
    }
  }

  /** The chains of a layout's table; null when routing does not know it. */
  @Nullable Positions positions(FileLayout layout) {
    return tables.get(layout.chainTableId());
  }

  private void rebuildSlow(Routing routing) {
    tables.clear();
    for (ChainTable table : routing.chainTables().values()) {
      Positions positions = new Positions(table.chainIds().size());
      for (int i = 0; i < positions.count(); i++) {
        Chain chain = routing.chains().get(table.chainIds().get(i));
        if (chain != null) {
          fill(positions, i, chain, routing);
        }
      }
      tables.put(table.id(), positions);
    }
    source = routing;
  }

  private void fill(Positions positions, int at, Chain chain, Routing routing) {
    positions.chainIds[at] = chain.id();
    positions.chainVersions[at] = chain.version();
    for (Long targetId : chain.targetIds()) {
      Target target = routing.targets().get(targetId);
      if (target == null) {
        continue;
      }
      if (positions.heads[at] == null) {
        positions.heads[at] = node(target.nodeId());
      }
      if (positions.readers[at] == null && target.state() == TargetState.SERVING) {
        positions.readers[at] = node(target.nodeId());
      }
    }
    if (positions.readers[at] == null) {
      positions.readers[at] = positions.heads[at];
    }
  }

  private Connection node(int nodeId) {
    Connection connection = nodes.get(nodeId);
    if (connection == null) {
      connection = connector.connect(nodeId, Services.STORAGE);
      nodes.put(nodeId, connection);
    }
    return connection;
  }
}
