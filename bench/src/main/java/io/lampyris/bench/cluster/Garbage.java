package io.lampyris.bench.cluster;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Connections of somebody who does not speak the protocol, speaks it half, or says once more what
 * he has heard. Owner: one thread.
 */
final class Garbage implements AutoCloseable {
  private static final int CONNECT_MAX_MS = 2_000;
  private static final int END_MAX_MS = 30_000;
  private static final int BYTES_MAX = 64 << 10;
  private static final int KINDS = 6;

  private final List<Socket> silent = new ArrayList<>();
  private final SplittableRandom random;
  private final InetSocketAddress to;
  private final byte[] said;
  private long sentBytes;
  private int refusals;
  private int replays;
  private int answered;

  /**
   * @param conversation of a rightful client with that port
   */
  Garbage(SplittableRandom random, InetSocketAddress to, Conversation conversation) {
    this.random = random;
    this.to = to;
    said = conversation.said();
  }

  /**
   * Opens connections. Of six, one sends random bytes and ends; one repeats the whole conversation;
   * one repeats its frames without the handshake; one says nothing at all; one begins a handshake
   * and one is in the midst of it before it says nothing more. Those that say nothing stay open.
   */
  void pour(int connections) throws IOException {
    for (int i = 0; i < connections; i++) {
      Socket socket = new Socket();
      socket.setSoTimeout(END_MAX_MS);
      socket.connect(to, CONNECT_MAX_MS);
      switch (i % KINDS) {
        case 0 -> shout(socket);
        case 1 -> replay(socket, said, Conversation.HANDSHAKE_BYTES);
        case 2 ->
            replay(socket, Arrays.copyOfRange(said, Conversation.PROVEN_BYTES, said.length), 0);
        case 3 -> silent.add(socket);
        case 4 -> {
          send(socket, Arrays.copyOf(said, 1 + random.nextInt(Conversation.HANDSHAKE_BYTES - 1)));
          silent.add(socket);
        }
        default -> {
          send(socket, Arrays.copyOf(said, Conversation.HANDSHAKE_BYTES));
          silent.add(socket);
        }
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

  /**
   * Says it again; returns when the other side has ended the connection.
   *
   * @param mayHear what it may say at most: a challenge, which is another one than before
   */
  private void replay(Socket socket, byte[] bytes, int mayHear) throws IOException {
    replays++;
    send(socket, bytes);
    int heard = hear(socket);
    if (heard > mayHear) {
      answered++;
    }
    socket.close();
  }

  /** How much there is until the other side ends the connection. */
  private static int hear(Socket socket) throws IOException {
    int heard = 0;
    byte[] bytes = new byte[4096];
    try {
      InputStream in = socket.getInputStream();
      for (int n = in.read(bytes); n >= 0; n = in.read(bytes)) {
        heard += n;
      }
    } catch (SocketException reset) {
      // Closed with bytes unread: as good an end.
    }
    return heard;
  }

  /** Returns when the other side has ended all that say nothing; fails when it does not. */
  void awaitEnd() throws IOException {
    for (Socket socket : silent) {
      hear(socket);
    }
  }

  long sentBytes() {
    return sentBytes;
  }

  /** How many had been closed before all was sent. */
  int refusals() {
    return refusals;
  }

  int replays() {
    return replays;
  }

  /** How many replays got more than a challenge: none may. */
  int answered() {
    return answered;
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
