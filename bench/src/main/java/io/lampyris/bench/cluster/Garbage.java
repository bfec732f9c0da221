package io.lampyris.bench.cluster;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Connections of somebody who does not speak the protocol, or speaks it half. Owner: one thread.
 */
final class Garbage implements AutoCloseable {
  private static final int CONNECT_MAX_MS = 2_000;
  private static final int BYTES_MAX = 64 << 10;

  private final List<Socket> silent = new ArrayList<>();
  private final SplittableRandom random;
  private long sentBytes;
  private int refusals;

  Garbage(SplittableRandom random) {
    this.random = random;
  }

  /**
   * Opens connections: of four, two send random bytes and end, one begins like a frame and then
   * says nothing, one says nothing at all; those that say nothing stay open.
   */
  void pour(InetSocketAddress to, int connections) throws IOException {
    for (int i = 0; i < connections; i++) {
      Socket socket = new Socket();
      socket.connect(to, CONNECT_MAX_MS);
      switch (i & 3) {
        case 0, 1 -> shout(socket);
        case 2 -> {
          byte[] beginning = new byte[1 + random.nextInt(40)];
          random.nextBytes(beginning);
          send(socket, beginning);
          silent.add(socket);
        }
        default -> silent.add(socket);
      }
    }
  }

  private void shout(Socket socket) throws IOException {
    byte[] bytes = new byte[1 + random.nextInt(BYTES_MAX)];
    random.nextBytes(bytes);
    send(socket, bytes);
    socket.close();
  }

  /** The other side may have closed already: that is what it should do. */
  private void send(Socket socket, byte[] bytes) {
    try {
      socket.getOutputStream().write(bytes);
      sentBytes += bytes.length;
    } catch (IOException refused) {
      refusals++;
    }
  }

  long sentBytes() {
    return sentBytes;
  }

  /** How many had been closed before all was sent. */
  int refusals() {
    return refusals;
  }

  int silentConnections() {
    return silent.size();
  }

  @Override
  public void close() throws IOException {
    for (Socket socket : silent) {
      socket.close();
    }
  }
}
