package io.lampyris.reactor.net.tcp;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A proxy whose connections each carry what its plan says: bytes are counted from the connection's
 * beginning, each way by itself, so that a fault comes at the same byte in every run.
 */
final class FaultyLine implements Closeable {
  /** What happens to one way of a connection at a byte. */
  enum Fault {
    NONE,
    /** The bytes before it arrive, then both sockets are closed. */
    CUT,
    /** The bytes before it arrive, then nothing until {@link #release}. */
    STALL,
    /** The lowest bit of this byte changes. */
    FLIP,
    /** Every byte is written alone. */
    DRIBBLE
  }

  /** One fault; the other way is clean. */
  record Plan(Fault fault, boolean toServer, long at) {
    static final Plan CLEAN = new Plan(Fault.NONE, true, 0);
  }

  private static final int CHUNK_BYTES = 16 << 10;

  private final ServerSocket listener;
  private final int serverPort;
  private final Thread acceptor;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final Set<Thread> relays = ConcurrentHashMap.newKeySet();
  private final CountDownLatch released = new CountDownLatch(1);
  private final AtomicLong toServerBytes = new AtomicLong();
  private final AtomicLong toClientBytes = new AtomicLong();
  private volatile Plan plan = Plan.CLEAN;

  FaultyLine(int serverPort) throws IOException {
    this.serverPort = serverPort;
    listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    acceptor = Thread.ofPlatform().name("line").start(this::accept);
  }

  int port() {
    return listener.getLocalPort();
  }

  /** For connections made from now on; the counts begin again. */
  void plan(Plan next) {
    plan = next;
    toServerBytes.set(0);
    toClientBytes.set(0);
  }

  /** Bytes that arrived at the server's side of the line since the plan. */
  long toServerBytes() {
    return toServerBytes.get();
  }

  long toClientBytes() {
    return toClientBytes.get();
  }

  /** Ends all stalls. */
  void release() {
    released.countDown();
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket from = listener.accept();
        Socket to = new Socket(InetAddress.getLoopbackAddress(), serverPort);
        open.add(from);
        open.add(to);
        from.setTcpNoDelay(true);
        to.setTcpNoDelay(true);
        Plan of = plan;
        relay(from, to, of.toServer() ? of : Plan.CLEAN, toServerBytes);
        relay(to, from, of.toServer() ? Plan.CLEAN : of, toClientBytes);
      } catch (IOException e) {
        // Closed, or the server takes none now, which the loop's condition and the caller see.
      }
    }
  }

  private void relay(Socket from, Socket to, Plan of, AtomicLong count) {
    relays.add(Thread.ofPlatform().start(() -> carry(from, to, of, count)));
  }

  private void carry(Socket from, Socket to, Plan of, AtomicLong count) {
    byte[] bytes = new byte[CHUNK_BYTES];
    // Whatever ends one way ends both: a line half closed would keep its peers waiting for ever.
    try (from;
        to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      long passed = 0;
      boolean more = true;
      for (int n = in.read(bytes); more && n >= 0; n = more ? in.read(bytes) : -1) {
        more = pass(bytes, n, passed, of, out, count);
        passed += n;
      }
    } catch (IOException e) {
      // One side is gone; the other learns it by the closing.
    } finally {
      open.remove(from);
      open.remove(to);
    }
  }

  /** False when the connection is to be cut. */
  private boolean pass(
      byte[] bytes, int length, long passed, Plan of, OutputStream out, AtomicLong count)
      throws IOException {
    boolean here = of.at() >= passed && of.at() < passed + length;
    int before = here ? (int) (of.at() - passed) : 0;
    switch (of.fault()) {
      case NONE -> {}
      case DRIBBLE -> {
        for (int i = 0; i < length; i++) {
          out.write(bytes, i, 1);
        }
        count.addAndGet(length);
        return true;
      }
      case FLIP -> {
        if (here) {
          bytes[before] ^= 1;
        }
      }
      case CUT, STALL -> {
        if (here) {
          out.write(bytes, 0, before);
          count.addAndGet(before);
          if (of.fault() == Fault.CUT) {
            return false;
          }
          awaitRelease();
          out.write(bytes, before, length - before);
          count.addAndGet(length - before);
          return true;
        }
      }
    }
    out.write(bytes, 0, length);
    count.addAndGet(length);
    return true;
  }

  private void awaitRelease() {
    try {
      released.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Ends everything, the connections that are still good too. */
  @Override
  public void close() throws IOException {
    listener.close();
    release();
    try {
      acceptor.join();
      for (Socket socket : open) {
        socket.close();
      }
      for (Thread relay : relays) {
        relay.join();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
