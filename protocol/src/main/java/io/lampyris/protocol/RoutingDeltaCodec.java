package io.lampyris.protocol;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lampyris.protocol.Routing.Chain;
import io.lampyris.protocol.Routing.ChainTable;
import io.lampyris.protocol.Routing.Node;
import io.lampyris.protocol.Routing.Target;
import io.lampyris.protocol.Routing.TargetState;
import io.lampyris.protocol.sbe.MessageHeaderDecoder;
import io.lampyris.protocol.sbe.MessageHeaderEncoder;
import io.lampyris.protocol.sbe.RoutingDeltaDecoder;
import io.lampyris.protocol.sbe.RoutingDeltaEncoder;
import java.util.ArrayList;
import java.util.List;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/** {@link RoutingDelta} as bytes. Not for the data path: it allocates. */
public final class RoutingDeltaCodec {
  private RoutingDeltaCodec() {}

  /**
   * Writes a delta with its message header.
   *
   * @param buffer an expandable one, or one that is large enough
   * @return how many bytes it takes
   */
  public static int encode(RoutingDelta delta, MutableDirectBuffer buffer, int offset) {
    RoutingDeltaEncoder to = new RoutingDeltaEncoder();
    to.wrapAndApplyHeader(buffer, offset, new MessageHeaderEncoder());
    to.fromVersion(delta.fromVersion()).toVersion(delta.toVersion());
    to.digest(Integer.toUnsignedLong(delta.digest()));
    var removedTables = to.removedTablesCount(delta.removedTables().size());
    delta.removedTables().forEach(id -> removedTables.next().tableId(id));
    var removedChains = to.removedChainsCount(delta.removedChains().size());
    delta.removedChains().forEach(id -> removedChains.next().chainId(id));
    var removedTargets = to.removedTargetsCount(delta.removedTargets().size());
    delta.removedTargets().forEach(id -> removedTargets.next().targetId(id));
    var removedNodes = to.removedNodesCount(delta.removedNodes().size());
    delta.removedNodes().forEach(id -> removedNodes.next().nodeId(id));
    var tables = to.tablesCount(delta.tables().size());
    for (ChainTable table : delta.tables()) {
      tables.next().tableId(table.id()).tableVersion(table.version());
      var ids = tables.chainIdsCount(table.chainIds().size());
      table.chainIds().forEach(id -> ids.next().chainId(id));
    }
    var chains = to.chainsCount(delta.chains().size());
    for (Chain chain : delta.chains()) {
      chains.next().chainId(chain.id()).chainVersion(chain.version());
      var ids = chains.targetIdsCount(chain.targetIds().size());
      chain.targetIds().forEach(id -> ids.next().targetId(id));
    }
    var targets = to.targetsCount(delta.targets().size());
    for (Target target : delta.targets()) {
      targets.next().targetId(target.id()).nodeId(target.nodeId());
      targets.state((short) target.state().number());
    }
    var nodes = to.nodesCount(delta.nodes().size());
    for (Node node : delta.nodes()) {
      byte[] address = node.address().getBytes(UTF_8);
      byte[] domain = node.domain().getBytes(UTF_8);
      nodes.next().nodeId(node.id());
      nodes.putAddress(address, 0, address.length).putDomain(domain, 0, domain.length);
    }
    return MessageHeaderEncoder.ENCODED_LENGTH + to.encodedLength();
  }

  /**
   * Reads a delta that {@link #encode} wrote.
   *
   * @throws IllegalArgumentException when the bytes are something else, or cut short
   */
  public static RoutingDelta decode(DirectBuffer buffer, int offset, int length) {
    try {
      return read(buffer, offset, length);
    } catch (IndexOutOfBoundsException | IllegalStateException cut) {
      throw new IllegalArgumentException(
          "routing delta is cut short; observed=%d bytes, limit=what its groups say; remedy: ask anew"
              .formatted(length),
          cut);
    }
  }

  private static RoutingDelta read(DirectBuffer buffer, int offset, int length) {
    buffer.boundsCheck(offset, Math.max(length, MessageHeaderDecoder.ENCODED_LENGTH));
    DirectBuffer only = new org.agrona.concurrent.UnsafeBuffer(buffer, offset, length);
    MessageHeaderDecoder header = new MessageHeaderDecoder().wrap(only, 0);
    boolean ours = header.schemaId() == RoutingDeltaDecoder.SCHEMA_ID;
    if (!ours || header.templateId() != RoutingDeltaDecoder.TEMPLATE_ID) {
      throw new IllegalArgumentException(
          "message is no routing delta; observed=template %d, limit=%d; remedy: check the caller"
              .formatted(header.templateId(), RoutingDeltaDecoder.TEMPLATE_ID));
    }
    RoutingDeltaDecoder from = new RoutingDeltaDecoder();
    from.wrapAndApplyHeader(only, 0, header);
    long fromVersion = from.fromVersion();
    long toVersion = from.toVersion();
    int digest = (int) from.digest();
    List<Integer> removedTables = new ArrayList<>();
    from.removedTables().forEach(entry -> removedTables.add(entry.tableId()));
    List<Integer> removedChains = new ArrayList<>();
    from.removedChains().forEach(entry -> removedChains.add(entry.chainId()));
    List<Long> removedTargets = new ArrayList<>();
    from.removedTargets().forEach(entry -> removedTargets.add(entry.targetId()));
    List<Integer> removedNodes = new ArrayList<>();
    from.removedNodes().forEach(entry -> removedNodes.add(entry.nodeId()));
    return new RoutingDelta(
        fromVersion,
        toVersion,
        digest,
        removedTables,
        removedChains,
        removedTargets,
        removedNodes,
        tables(from),
        chains(from),
        targets(from),
        nodes(from));
  }

  private static List<ChainTable> tables(RoutingDeltaDecoder from) {
    List<ChainTable> tables = new ArrayList<>();
    for (var entry : from.tables()) {
      int id = entry.tableId();
      int version = entry.tableVersion();
      List<Integer> chainIds = new ArrayList<>();
      entry.chainIds().forEach(chain -> chainIds.add(chain.chainId()));
      tables.add(new ChainTable(id, version, chainIds));
    }
    return tables;
  }

  private static List<Chain> chains(RoutingDeltaDecoder from) {
    List<Chain> chains = new ArrayList<>();
    for (var entry : from.chains()) {
      int id = entry.chainId();
      int version = entry.chainVersion();
      List<Long> targetIds = new ArrayList<>();
      entry.targetIds().forEach(target -> targetIds.add(target.targetId()));
      chains.add(new Chain(id, version, targetIds));
    }
    return chains;
  }

  private static List<Target> targets(RoutingDeltaDecoder from) {
    List<Target> targets = new ArrayList<>();
    for (var entry : from.targets()) {
      int number = entry.state();
      TargetState state =
          TargetState.of(number)
              .orElseThrow(() ->
                  new IllegalArgumentException(
                      "no such target state; observed=%d, limit=a known one; remedy: update"
                          .formatted(number)));
      targets.add(new Target(entry.targetId(), entry.nodeId(), state));
    }
    return targets;
  }

  private static List<Node> nodes(RoutingDeltaDecoder from) {
    List<Node> nodes = new ArrayList<>();
    for (var entry : from.nodes()) {
      int id = entry.nodeId();
      byte[] address = new byte[entry.addressLength()];
      entry.getAddress(address, 0, address.length);
      byte[] domain = new byte[entry.domainLength()];
      entry.getDomain(domain, 0, domain.length);
      nodes.add(new Node(id, new String(address, UTF_8), new String(domain, UTF_8)));
    }
    return nodes;
  }
}
