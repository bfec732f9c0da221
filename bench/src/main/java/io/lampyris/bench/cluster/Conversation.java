package io.lampyris.bench.cluster;

import io.lampyris.reactor.BufferPool.SizeClass;
import io.lampyris.reactor.Counters;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.net.BlockingCall;
import io.lampyris.reactor.net.tcp.TcpNetwork;
import io.lampyris.reactor.net.tcp.TcpOptions;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * What a rightful client says to a port, handshake and frames, as somebody on the way records it.
 */
final class Conversation {
  /** HELLO is that long, and so is each other message of a handshake. */
  static final int HANDSHAKE_BYTES = 80;

  private static final int CALLS = 8;
  private static final int ROOM = 4096;
  private static final long ANSWER_MAX_NS = TimeUnit.SECONDS.toNanos(30);

  /** The client's part of a handshake: HELLO and PROOF. */
  static final int PROVEN_BYTES = 2 * HANDSHAKE_BYTES;

  private final byte[] said;

  private Conversation(byte[] said) {
    this.said = said;
  }

  /** All bytes of the client, in order. */
  byte[] said() {
    return said;
  }

  /** Records calls to one service of a node, each of which is answered, whatever the answer is. */
  static Conversation record(byte[] secret, InetSocketAddress to, int nodeId, int serviceId)
      throws IOException, InterruptedException {
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    try (ServerSocket between = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Thread relay = Thread.ofPlatform().daemon().start(() -> relay(between, to, said));
      int at = between.getLocalPort();
      InetSocketAddress there = new InetSocketAddress(InetAddress.getLoopbackAddress(), at);
      Reactor reactor =
          Reactor.builder("recorded").bufferClasses(List.of(new SizeClass(64 << 10, 4))).start();
      TcpOptions options = TcpOptions.withSecret(secret).connectionsMax(4);
      TcpNetwork network =
          new TcpNetwork(reactor, "recorded", options, node -> there, new Counters());
      try {
        call(network, nodeId, serviceId);
      } finally {
        network.close();
        reactor.close();
      }
      relay.join();
    }
    return new Conversation(said.toByteArray());
  }

  private static void call(TcpNetwork network, int nodeId, int serviceId) throws IOException {
    for (int i = 0; i < CALLS; i++) {
      BlockingCall call = new BlockingCall(ROOM, ROOM);
      call.deadlineNs = System.nanoTime() + ANSWER_MAX_NS;
      call.send(network.connect(nodeId, serviceId));
    }
    if (network.opens() != 1) {
      throw new IOException("no conversation; observed=%d opened".formatted(network.opens()));
    }
  }

  private static void relay(ServerSocket between, InetSocketAddress to, OutputStream said) {
    try (Socket client = between.accept();
        Socket server = new Socket(to.getAddress(), to.getPort())) {
      Thread back =
          Thread.ofPlatform()
              .daemon()
              .start(() -> pump(server, client, OutputStream.nullOutputStream()));
      pump(client, server, said);
      back.join();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void pump(Socket from, Socket to, OutputStream copy) {
    try {
      InputStream in = from.getInputStream();
      byte[] bytes = new byte[ROOM];
      for (int n = in.read(bytes); n >= 0; n = in.read(bytes)) {
        copy.write(bytes, 0, n);
        to.getOutputStream().write(bytes, 0, n);
      }
      to.shutdownOutput();
    } catch (IOException e) {
      // The other side is gone.
    }
  }
}
