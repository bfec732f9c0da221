package io.lampyris.cli.cluster;

import io.lampyris.reactor.net.verbs.VerbsNetwork;
import java.net.InetSocketAddress;
import org.agrona.collections.Int2ObjectHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says in a process's log what is in the way of RDMA, of each node: at once, then at most once a
 * minute. Owner: the network's reactor.
 */
final class RdmaTroubles implements VerbsNetwork.Troubles {
  private static final Logger LOG = LoggerFactory.getLogger(RdmaTroubles.class);

  private final Int2ObjectHashMap<SaidNow> blocked = new Int2ObjectHashMap<>();
  private final Int2ObjectHashMap<SaidNow> lost = new Int2ObjectHashMap<>();

  @Override
  public void onBlockedWay(int nodeId, @Nullable InetSocketAddress at) {
    SaidNow said = blocked.computeIfAbsent(nodeId, id -> new SaidNow());
    if (said.next(System.nanoTime())) {
      LOG.warn(
          "RDMA does not get through to node {}, calls go by TCP; observed=both ends know each other"
              + " over TCP, nothing came by RDMA from {}, {} tries so far, limit=the way back and"
              + " forth; remedy: open UDP port 4791 (RoCE v2) between them, at the hosts and in"
              + " between; see `lampyris check host` at both",
          nodeId,
          named(at),
          said.count());
    }
  }

  @Override
  public void onLostPackets(
      int nodeId, @Nullable InetSocketAddress at, int lostBytes, int usedBytes) {
    SaidNow said = lost.computeIfAbsent(nodeId, id -> new SaidNow());
    if (said.next(System.nanoTime())) {
      LOG.warn(
          "large packets of RDMA are lost on the way to node {}, small ones are used; observed={}"
              + " bytes do not come from {} and {} do, limit=the smallest MTU on the way; remedy:"
              + " one MTU on all interfaces and switches between them, 4200 or more for packets of"
              + " 4096",
          nodeId,
          lostBytes,
          named(at),
          usedBytes);
    }
  }

  private static Object named(@Nullable InetSocketAddress at) {
    return at == null ? "it" : at;
  }
}
