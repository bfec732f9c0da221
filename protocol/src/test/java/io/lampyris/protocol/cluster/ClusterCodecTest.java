package io.lampyris.protocol.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.protocol.LocalState;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.BiFunction;
import org.agrona.DirectBuffer;
import org.agrona.ExpandableArrayBuffer;
import org.junit.jupiter.api.Test;

class ClusterCodecTest {
  private static final long SEED = Long.getLong("seed", System.nanoTime());

  private static final Heartbeat HEARTBEAT =
      new Heartbeat(
          7,
          3,
          99,
          2_500_000_000L,
          12,
          32 << 10,
          List.of(
              new TargetReport(701, -5, 1, LocalState.UP_TO_DATE, false, 4, 1L << 40, 17),
              new TargetReport(702, 9, 2, LocalState.OFFLINE, true, 0, 1L << 41, 0)),
          "storage-7:9700",
          "rack=ü");

  private static final HeartbeatAnswer ANSWER =
      new HeartbeatAnswer(
          3,
          99,
          13,
          14,
          2,
          0,
          List.of(
              new TargetOrder(701, -5, TargetOrder.Kind.FOUND),
              new TargetOrder(702, 9, TargetOrder.Kind.STOP)),
          "");

  private static final AdminAnswer TABLE =
      new AdminAnswer(
          true, List.of("node", "state"), List.of(List.of("1", "UP"), List.of("2", "")), "words");

  private final ExpandableArrayBuffer buffer = new ExpandableArrayBuffer();

  @Test
  void whatIsDecodedIsWhatWasEncoded() {
    assertEquals(HEARTBEAT, ClusterCodec.heartbeat(buffer, ClusterCodec.encode(HEARTBEAT, buffer)));
    assertEquals(ANSWER, ClusterCodec.heartbeatAnswer(buffer, ClusterCodec.encode(ANSWER, buffer)));
    RoutingQuery query = new RoutingQuery(5, 100, 1, -1, "host:1");
    assertEquals(query, ClusterCodec.routingQuery(buffer, ClusterCodec.encode(query, buffer)));
    for (RoutingAnswer.Place place : RoutingAnswer.Place.values()) {
      RoutingAnswer answer = new RoutingAnswer(6, 7, place, 8);
      assertEquals(answer, ClusterCodec.routingAnswer(buffer, ClusterCodec.encode(answer, buffer)));
    }
    for (AdminCommand command : AdminCommand.values()) {
      AdminRequest request = new AdminRequest(command, 4096, Map.of("node", "1", "x", ""));
      assertEquals(
          request, ClusterCodec.adminRequest(buffer, ClusterCodec.encode(request, buffer)));
    }
    assertEquals(TABLE, ClusterCodec.adminAnswer(buffer, ClusterCodec.encode(TABLE, buffer)));
  }

  @Test
  void garbageIsRefusedAndNothingElseHappens() {
    System.out.println("seed=" + SEED);
    Random random = new Random(SEED);
    List<Integer> lengths =
        List.of(
            ClusterCodec.encode(HEARTBEAT, buffer),
            ClusterCodec.encode(ANSWER, new ExpandableArrayBuffer()),
            ClusterCodec.encode(TABLE, new ExpandableArrayBuffer()));
    for (int i = 0; i < 20_000; i++) {
      int kind = random.nextInt(3);
      ExpandableArrayBuffer bytes = new ExpandableArrayBuffer();
      BiFunction<DirectBuffer, Integer, Object> decode =
          switch (kind) {
            case 0 -> {
              ClusterCodec.encode(HEARTBEAT, bytes);
              yield ClusterCodec::heartbeat;
            }
            case 1 -> {
              ClusterCodec.encode(ANSWER, bytes);
              yield ClusterCodec::heartbeatAnswer;
            }
            default -> {
              ClusterCodec.encode(TABLE, bytes);
              yield ClusterCodec::adminAnswer;
            }
          };
      int length = random.nextInt(lengths.get(kind) + 1);
      for (int flips = random.nextInt(4); flips > 0; flips--) {
        bytes.putByte(random.nextInt(lengths.get(kind)), (byte) random.nextInt());
      }
      try {
        assertNotNull(decode.apply(bytes, random.nextBoolean() ? length : lengths.get(kind)));
      } catch (IllegalArgumentException refused) {
        assertTrue(refused.getMessage() != null);
      }
    }
  }

  @Test
  void aNodeWithMoreTargetsThanAMessageHoldsIsRefused() {
    TargetReport one = new TargetReport(1, 1, 0, LocalState.ONLINE, true, 1, 1, 1);
    List<TargetReport> full = java.util.Collections.nCopies(Heartbeat.TARGETS_MAX, one);
    Heartbeat fits = new Heartbeat(1, 1, 1, 1, 1, 1, full, "a".repeat(255), "b".repeat(255));
    assertEquals(true, ClusterCodec.encode(fits, buffer) <= 48 << 10);
    assertThrows(
        IllegalArgumentException.class,
        () -> new Heartbeat(1, 1, 1, 1, 1, 1, java.util.Collections.nCopies(1025, one), "", ""));
  }
}
