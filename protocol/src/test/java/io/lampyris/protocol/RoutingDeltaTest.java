package io.lampyris.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.protocol.Routing.Chain;
import io.lampyris.protocol.Routing.ChainTable;
import io.lampyris.protocol.Routing.Node;
import io.lampyris.protocol.Routing.Target;
import io.lampyris.protocol.Routing.TargetState;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.agrona.ExpandableArrayBuffer;
import org.junit.jupiter.api.Test;

class RoutingDeltaTest {
  private static final long SEED = Long.getLong("seed", 20_261_121L);
  private static final ExpandableArrayBuffer BUFFER = new ExpandableArrayBuffer();

  private static RoutingDelta overTheWire(RoutingDelta delta) {
    int length = RoutingDeltaCodec.encode(delta, BUFFER, 24);
    RoutingDelta decoded = RoutingDeltaCodec.decode(BUFFER, 24, length);
    assertEquals(delta, decoded);
    return decoded;
  }

  private static Routing apply(RoutingDelta delta, Routing to) {
    return assertInstanceOf(RoutingDelta.Applied.Now.class, delta.applyTo(to)).routing();
  }

  /** Another routing, with about one thing in {@code rarity} changed. */
  private static Routing changed(Routing from, SplittableRandom random, int rarity) {
    Map<Integer, ChainTable> tables = new HashMap<>(from.chainTables());
    Map<Integer, Chain> chains = new HashMap<>(from.chains());
    Map<Long, Target> targets = new HashMap<>(from.targets());
    Map<Integer, Node> nodes = new HashMap<>(from.nodes());
    for (int id = 1; id <= 40; id++) {
      int what = random.nextInt(4 * rarity);
      if (what == 0) {
        chains.remove(id);
        targets.remove((long) id);
        nodes.remove(id);
        tables.remove(id);
      } else if (what == 1) {
        List<Long> members = new ArrayList<>();
        random.ints(random.nextInt(4), 1, 99).forEach(t -> members.add((long) t));
        chains.put(id, new Chain(id, random.nextInt(), members));
        List<Integer> ids = random.ints(1 + random.nextInt(9)).boxed().toList();
        tables.put(id, new ChainTable(id, random.nextInt(9), ids));
      } else if (what == 2) {
        TargetState state = List.of(TargetState.values()).get(random.nextInt(5));
        targets.put((long) id, new Target(id, random.nextInt(), state));
        String domain = random.nextBoolean() ? "" : "Gestell=ä" + random.nextInt(3);
        nodes.put(id, new Node(id, "10.0.0." + id + ":" + random.nextInt(65_536), domain));
      }
    }
    long version = from.version() + 1 + random.nextInt(3);
    return new Routing(version, tables, chains, targets, nodes);
  }

  @Test
  void whatIsAppliedIsWhatWasMeantOverTheWire() {
    SplittableRandom random = new SplittableRandom(SEED);
    Routing at = Routing.EMPTY;
    for (int i = 0; i < 500; i++) {
      Routing next = changed(at, random, 1 + i % 7);
      Routing followed = apply(overTheWire(RoutingDelta.between(at, next)), at);
      assertEquals(next, followed, "seed=" + SEED);
      assertEquals(next, apply(overTheWire(RoutingDelta.full(next)), at), "seed=" + SEED);
      at = next;
    }
  }

  @Test
  void aDeltaOnAnotherVersionIsRefusedWithARemedy() {
    SplittableRandom random = new SplittableRandom(SEED);
    Routing one = changed(Routing.EMPTY, random, 1);
    Routing two = changed(one, random, 1);
    Routing three = changed(two, random, 1);
    RoutingDelta delta = RoutingDelta.between(two, three);
    var refused = assertInstanceOf(RoutingDelta.Applied.Refused.class, delta.applyTo(one));
    assertTrue(refused.reason().contains("remedy: "), refused::reason);
  }

  @Test
  void aRoutingOfTheSameVersionButOtherContentIsNoticed() {
    SplittableRandom random = new SplittableRandom(SEED);
    Routing one = changed(Routing.EMPTY, random, 1);
    Routing next = changed(one, random, 8);
    Routing other = new Routing(one.version(), Map.of(), one.chains(), one.targets(), one.nodes());
    RoutingDelta delta = RoutingDelta.between(one, next);
    assertInstanceOf(RoutingDelta.Applied.Refused.class, delta.applyTo(other));
  }

  @Test
  void oneChangeInALargeClusterIsASmallMessage() {
    Map<Integer, Chain> chains = new HashMap<>();
    Map<Long, Target> targets = new HashMap<>();
    List<Integer> ids = new ArrayList<>();
    for (int id = 1; id <= 70_000; id++) {
      ids.add(id);
      chains.put(id, new Chain(id, 1, List.of((long) id)));
      targets.put((long) id, new Target(id, id % 500, TargetState.SERVING));
    }
    Map<Integer, ChainTable> tables = Map.of(1, new ChainTable(1, 1, ids));
    Routing large = new Routing(5, tables, chains, targets);
    int full = RoutingDeltaCodec.encode(RoutingDelta.full(large), BUFFER, 0);
    assertEquals(large, apply(RoutingDeltaCodec.decode(BUFFER, 0, full), Routing.EMPTY));
    chains.put(9, new Chain(9, 2, List.of(9L)));
    targets.put(9L, new Target(9, 9, TargetState.OFFLINE));
    Routing next = new Routing(6, tables, chains, targets);
    int small = RoutingDeltaCodec.encode(RoutingDelta.between(large, next), BUFFER, 0);
    System.out.println("routing: all " + full + " bytes, one change " + small + " bytes");
    assertTrue(small < 200, "bytes: " + small);
  }

  @Test
  void bytesThatAreNoDeltaOrCutShortAreRefused() {
    Routing one = changed(Routing.EMPTY, new SplittableRandom(SEED), 1);
    int length = RoutingDeltaCodec.encode(RoutingDelta.full(one), BUFFER, 0);
    for (int cut = 0; cut < length; cut++) {
      int at = cut;
      assertThrows(
          IllegalArgumentException.class, () -> RoutingDeltaCodec.decode(BUFFER, 0, at), "" + cut);
    }
    BUFFER.putShort(2, (short) 1);
    assertThrows(IllegalArgumentException.class, () -> RoutingDeltaCodec.decode(BUFFER, 0, length));
  }
}
