package io.lampyris.protocol;

import io.lampyris.protocol.Routing.Chain;
import io.lampyris.protocol.Routing.ChainTable;
import io.lampyris.protocol.Routing.Node;
import io.lampyris.protocol.Routing.Target;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/**
 * What turns one routing version into another. From version 0 it is all of it.
 *
 * <p>Invariant: {@code between(a, b).applyTo(a)} equals {@code b}, and nothing else comes of a
 * delta: what it is applied to must have its {@code fromVersion}, and the result its {@code
 * digest}.
 *
 * @param digest CRC32C over the result, in order of ids
 */
public record RoutingDelta(
    long fromVersion,
    long toVersion,
    int digest,
    List<Integer> removedTables,
    List<Integer> removedChains,
    List<Long> removedTargets,
    List<Integer> removedNodes,
    List<ChainTable> tables,
    List<Chain> chains,
    List<Target> targets,
    List<Node> nodes) {

  /** What came of applying a delta. */
  public sealed interface Applied {
    record Now(Routing routing) implements Applied {}

    /** The delta does not fit: ask for everything. */
    record Refused(String reason) implements Applied {}
  }

  public RoutingDelta {
    removedTables = List.copyOf(removedTables);
    removedChains = List.copyOf(removedChains);
    removedTargets = List.copyOf(removedTargets);
    removedNodes = List.copyOf(removedNodes);
    tables = List.copyOf(tables);
    chains = List.copyOf(chains);
    targets = List.copyOf(targets);
    nodes = List.copyOf(nodes);
  }

  /** What is different in {@code to}, in order of ids. */
  public static RoutingDelta between(Routing from, Routing to) {
    return new RoutingDelta(
        from.version(),
        to.version(),
        digestOf(to),
        removed(from.chainTables(), to.chainTables()),
        removed(from.chains(), to.chains()),
        removed(from.targets(), to.targets()),
        removed(from.nodes(), to.nodes()),
        changed(from.chainTables(), to.chainTables()),
        changed(from.chains(), to.chains()),
        changed(from.targets(), to.targets()),
        changed(from.nodes(), to.nodes()));
  }

  /** All of a routing, for one who knows nothing. */
  public static RoutingDelta full(Routing to) {
    return between(Routing.EMPTY, to);
  }

  /** The routing that follows. A delta from version 0 fits on anything: it replaces it. */
  public Applied applyTo(Routing known) {
    if (fromVersion != 0 && fromVersion != known.version()) {
      return refused("delta is for another version", known.version(), fromVersion);
    }
    Routing from = fromVersion == 0 ? Routing.EMPTY : known;
    Map<Integer, ChainTable> nextTables = without(from.chainTables(), removedTables);
    Map<Integer, Chain> nextChains = without(from.chains(), removedChains);
    Map<Long, Target> nextTargets = without(from.targets(), removedTargets);
    Map<Integer, Node> nextNodes = without(from.nodes(), removedNodes);
    tables.forEach(table -> nextTables.put(table.id(), table));
    chains.forEach(chain -> nextChains.put(chain.id(), chain));
    targets.forEach(target -> nextTargets.put(target.id(), target));
    nodes.forEach(node -> nextNodes.put(node.id(), node));
    Routing next = new Routing(toVersion, nextTables, nextChains, nextTargets, nextNodes);
    int computed = digestOf(next);
    return computed == digest
        ? new Applied.Now(next)
        : refused("result of the delta is not the sender's", computed, digest);
  }

  /** A checksum over all that a routing says, in order of ids. */
  public static int digestOf(Routing routing) {
    CRC32C crc = new CRC32C();
    add(crc, routing.version());
    new TreeMap<>(routing.chainTables())
        .forEach((id, table) -> {
          add(crc, id);
          add(crc, table.version());
          add(crc, table.chainIds().size());
          table.chainIds().forEach(chainId -> add(crc, chainId));
        });
    new TreeMap<>(routing.chains())
        .forEach((id, chain) -> {
          add(crc, id);
          add(crc, chain.version());
          add(crc, chain.targetIds().size());
          chain.targetIds().forEach(targetId -> add(crc, targetId));
        });
    new TreeMap<>(routing.targets())
        .forEach((id, target) -> {
          add(crc, id);
          add(crc, target.nodeId());
          add(crc, target.state().number());
        });
    new TreeMap<>(routing.nodes())
        .forEach((id, node) -> {
          add(crc, id);
          add(crc, node.address());
          add(crc, node.domain());
        });
    return (int) crc.getValue();
  }

  private static void add(CRC32C crc, long value) {
    for (int shift = 0; shift < Long.SIZE; shift += Byte.SIZE) {
      crc.update((int) (value >>> shift) & 0xFF);
    }
  }

  private static void add(CRC32C crc, String text) {
    byte[] bytes = text.getBytes(java.nio.charset.StandardCharsets.UTF_8);
    add(crc, bytes.length);
    crc.update(bytes, 0, bytes.length);
  }

  private static <K extends Comparable<K>, V> List<K> removed(Map<K, V> from, Map<K, V> to) {
    return from.keySet().stream().filter(key -> !to.containsKey(key)).sorted().toList();
  }

  private static <K extends Comparable<K>, V> List<V> changed(Map<K, V> from, Map<K, V> to) {
    List<V> changed = new ArrayList<>();
    new TreeMap<>(to)
        .forEach((key, value) -> {
          if (!value.equals(from.get(key))) {
            changed.add(value);
          }
        });
    return changed;
  }

  private static <K, V> Map<K, V> without(Map<K, V> from, Collection<K> removed) {
    Map<K, V> left = new HashMap<>(from);
    left.keySet().removeAll(removed);
    return left;
  }

  private static Applied refused(String what, long observed, long limit) {
    return new Applied.Refused(
        "%s; observed=%d, limit=%d; remedy: ask for all of the routing"
            .formatted(what, observed, limit));
  }
}
