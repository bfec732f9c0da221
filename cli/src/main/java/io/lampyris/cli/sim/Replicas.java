package io.lampyris.cli.sim;

import io.lampyris.chunkengine.chain.ChainTarget;
import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.store.ReadOp;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Routing.TargetState;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What members of chains have, and whether it is what it should be. */
final class Replicas {
  private final ClusterRun run;
  private final Routing routing;
  private final int replicas;
  private final Map<Long, ChainTarget> hosted = new HashMap<>();

  Replicas(ClusterRun run, List<StorageMachine> machines, Routing routing, int replicas) {
    this.run = run;
    this.routing = routing;
    this.replicas = replicas;
    for (StorageMachine machine : machines) {
      machine.hosted().forEach(target -> hosted.put(target.targetId(), target));
    }
  }

  /** Why the cluster is not at full strength and at rest; empty when it is. */
  List<String> missing() {
    List<String> missing = new ArrayList<>();
    for (Routing.Chain chain : new TreeMap<>(routing.chains()).values()) {
      List<TargetState> states = new ArrayList<>();
      for (Long id : chain.targetIds()) {
        Routing.Target target = routing.targets().get(id);
        states.add(target == null ? TargetState.OFFLINE : target.state());
        ChainTarget here = hosted.get(id);
        if (here == null) {
          missing.add("target %d is not there".formatted(id));
        } else if (here.chainVersion() != chain.version()) {
          missing.add("target %d goes by version %d".formatted(id, here.chainVersion()));
        } else if (here.store().pendingCount() > 0) {
          missing.add(
              "target %d has %d versions pending".formatted(id, here.store().pendingCount()));
        } else if (!here.store().quarantined(1).isEmpty()) {
          missing.add("target %d has bad chunks".formatted(id));
        }
      }
      boolean full = states.size() == replicas;
      if (!full || states.stream().anyMatch(state -> state != TargetState.SERVING)) {
        missing.add("chain %d v%d is %s".formatted(chain.id(), chain.version(), states));
      }
    }
    return missing;
  }

  /** Compares all members of all chains, chunk by chunk and byte by byte. */
  void compare() {
    for (Routing.Chain chain : new TreeMap<>(routing.chains()).values()) {
      Map<String, String> first = Map.of();
      for (Long id : chain.targetIds()) {
        ChainTarget target = hosted.get(id);
        assert target != null : "looked at before";
        Map<String, String> these = content(target);
        run.simulation().trace(these.hashCode());
        if (id.equals(chain.targetIds().getFirst())) {
          first = these;
        } else if (!first.equals(these)) {
          throw new FailedRunException(
              "chain %d: target %d and target %d differ at rest: %s"
                  .formatted(
                      chain.id(), chain.targetIds().getFirst(), id, difference(first, these)));
        }
      }
    }
  }

  private static String difference(Map<String, String> one, Map<String, String> other) {
    StringBuilder text = new StringBuilder();
    TreeMap<String, String> all = new TreeMap<>(one);
    all.putAll(other);
    for (String chunk : all.keySet()) {
      String here = one.getOrDefault(chunk, "absent");
      String there = other.getOrDefault(chunk, "absent");
      if (!here.equals(there)) {
        text.append("\n    chunk ").append(chunk).append(": ").append(here);
        text.append(" and ").append(there);
      }
    }
    return text.toString();
  }

  private Map<String, String> content(ChainTarget target) {
    TargetStore store = target.store();
    Map<String, String> all = new TreeMap<>();
    ChunkState state = new ChunkState();
    for (int slot = 0; slot < store.slots(); slot++) {
      if (store.at(slot, state)) {
        all.put(
            state.inode + "/" + state.chunkIndex,
            "version %d length %d crc %08x bytes %08x"
                .formatted(state.version, state.lengthBytes, state.crc32c, bytes(store, state)));
      }
    }
    return all;
  }

  private int bytes(TargetStore store, ChunkState of) {
    byte[] memory = new byte[Math.max(1, of.lengthBytes)];
    Read read = new Read();
    read.inode = of.inode;
    read.chunkIndex = of.chunkIndex;
    read.lengthBytes = of.lengthBytes;
    read.payload = MemorySegment.ofArray(memory);
    read.payloadCapacityBytes = of.lengthBytes;
    store.submit(read);
    run.simulation().runUntil(() -> read.result != Long.MIN_VALUE);
    if (read.result != of.lengthBytes) {
      throw new FailedRunException(
          "target %d cannot read chunk %d/%d at rest: %d"
              .formatted(store.targetId(), of.inode, of.chunkIndex, read.result));
    }
    return Arrays.hashCode(memory);
  }

  private static final class Read extends ReadOp {
    long result = Long.MIN_VALUE;

    @Override
    protected void onComplete(long value) {
      result = value;
    }
  }
}
