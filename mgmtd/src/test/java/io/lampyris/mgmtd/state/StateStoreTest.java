package io.lampyris.mgmtd.state;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.mgmtd.chain.ChainState;
import io.lampyris.mgmtd.config.ConfigLayer;
import io.lampyris.mgmtd.state.StateStore.Primacy;
import io.lampyris.protocol.Routing.ChainTable;
import io.lampyris.protocol.lease.LeaseTerms;
import io.lampyris.reactor.kv.MemoryKv;
import io.lampyris.reactor.sim.Prng;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class StateStoreTest {
  private static final long SEED = Long.getLong("seed", 20_261_121L);
  private static final LeaseTerms TERMS = LeaseTerms.DEFAULT;

  private final StateStore store = new StateStore(new MemoryKv());

  private static Draft change(ClusterState state, Prng random) {
    Draft draft = state.draft();
    int id = 1 + random.below(5);
    switch (random.below(6)) {
      case 0 -> draft.put(NodeInfo.of(id, "host-" + random.below(3) + ":1", "rack=" + id));
      case 1 -> {
        NodeInfo node = NodeInfo.of(id, "", "").tagged(Map.of("zone", "ü", "empty", ""));
        draft.put(random.coin() ? node : node.in(NodeInfo.Phase.DRAINING));
      }
      case 2 -> draft.put(new TargetInfo(id, 1, 2, random.nextLong(), 0, random.coin()));
      case 3 -> {
        draft.put(new TargetInfo(10L + id, 1, 0, 5, 5, false));
        ChainState chain = ChainState.create(id, List.of(10L + id));
        draft.put(new ChainInfo(chain, 3).moving(random.below(2) * (10L + id), 0));
      }
      case 4 -> draft.put(new ChainTable(id, 1, List.of(1, 2, 3)));
      default ->
          draft.put(
              new ConfigLayer(
                  "tag a=" + id,
                  random.below(9),
                  random.coin() ? Map.of() : Map.of("key", "value " + random.below(9))));
    }
    return draft;
  }

  @Test
  void whatIsLoadedIsWhatWasCommittedLast() throws DeposedException {
    System.out.println("seed=" + SEED);
    Prng random = new Prng(SEED);
    Primacy mine = store.take(Optional.empty(), 1).orElseThrow();
    ClusterState state = store.load(TERMS);
    assertEquals(1, state.routingVersion());
    for (int i = 0; i < 500; i++) {
      ClusterState before = state;
      state = store.commit(change(state, random), mine.epoch());
      assertEquals(state, store.load(TERMS));
      boolean sameRouting = before.routing().equals(state.routing());
      boolean sameVersion = before.routingVersion() == state.routingVersion();
      assertTrue(sameRouting || !sameVersion, "I3: " + before.routing() + state.routing());
    }
  }

  @Test
  void aDeposedManagerChangesNothing() throws DeposedException {
    Primacy first = store.take(Optional.empty(), 1).orElseThrow();
    ClusterState state = store.load(TERMS);
    Draft draft = state.draft();
    draft.put(NodeInfo.of(1, "a:1", ""));
    Primacy second = store.take(Optional.of(first), 2).orElseThrow();
    assertEquals(Optional.empty(), store.take(Optional.of(first), 3), "one takes over");
    assertEquals(Optional.empty(), store.beat(first));
    assertThrows(DeposedException.class, () -> store.commit(draft, first.epoch()));
    assertEquals(state, store.load(TERMS));
    store.commit(draft, second.epoch());
    assertTrue(store.load(TERMS).nodes().containsKey(1));
  }

  @Test
  void aSignOfLifeKeepsOthersFromTakingOver() {
    Primacy first = store.take(Optional.empty(), 1).orElseThrow();
    Primacy later = store.beat(first).orElseThrow();
    assertEquals(Optional.empty(), store.take(Optional.of(first), 2));
    assertTrue(store.take(Optional.of(later), 2).isPresent());
  }
}
