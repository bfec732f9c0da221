package io.lampyris.reactor.net.verbs;

import io.lampyris.reactor.Counters;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Network;
import io.lampyris.reactor.net.tcp.TcpNetwork;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.Map;

/**
 * A node that keeps one payload for each number: what a call carries is stored when it is what the
 * number says, what it has room for is filled. As a programme it serves until it is killed.
 */
final class StoreNode {
  static final int SERVICE = 2;
  static final long WRONG = -77;

  private final Map<Long, Long> stored = new HashMap<>();

  void serve(Network network, ReactorContext host) {
    network.serve(Pair.NODE, SERVICE, host, this::onCall);
  }

  private void onCall(Call call) {
    long number = call.request.getLong(0);
    if (call.payloadIsRoom) {
      Long seed = stored.get(number);
      if (seed == null) {
        call.reply(0);
        return;
      }
      fill(call.payload, call.payloadOffset, call.payloadLength, seed);
      call.reply.putLong(0, seed);
      call.replyLength = Long.BYTES;
    } else {
      long seed = call.request.getLong(Long.BYTES);
      if (!holds(call.payload, call.payloadOffset, call.payloadLength, seed)) {
        call.reply(WRONG);
        return;
      }
      stored.put(number, seed);
    }
    call.reply(call.payloadLength);
  }

  static void fill(MemorySegment memory, long at, int length, long seed) {
    for (int i = 0; i + Long.BYTES <= length; i += Long.BYTES) {
      memory.set(ValueLayout.JAVA_LONG_UNALIGNED, at + i, seed * 0x9e3779b97f4a7c15L + i);
    }
  }

  static boolean holds(MemorySegment memory, long at, int length, long seed) {
    for (int i = 0; i + Long.BYTES <= length; i += Long.BYTES) {
      if (memory.get(ValueLayout.JAVA_LONG_UNALIGNED, at + i) != seed * 0x9e3779b97f4a7c15L + i) {
        return false;
      }
    }
    return true;
  }

  /** Prints its port; ends when its input does. */
  public static void main(String[] arguments) throws Exception {
    Reactor reactor = Reactor.builder("store").start();
    Counters counters = new Counters();
    TcpNetwork tcp = new TcpNetwork(reactor, "tcp", Pair.TCP, node -> null, counters);
    int port = tcp.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    VerbsNetwork verbs =
        new VerbsNetwork(reactor, "verbs", Pair.first(), tcp, node -> null, counters);
    new StoreNode().serve(verbs, reactor);
    System.out.println(port);
    System.out.flush();
    while (System.in.read() >= 0) {
      // The test holds the other end, and kills us.
    }
    verbs.close();
    tcp.close();
    reactor.close();
  }
}
