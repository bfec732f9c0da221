package io.lampyris.reactor.net.tcp;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.Sockets;
import io.lampyris.bindings.uring.IoUring;
import io.lampyris.bindings.uring.Opcodes;
import io.lampyris.reactor.Buffer;
import io.lampyris.reactor.Counter;
import io.lampyris.reactor.Counters;
import io.lampyris.reactor.EarliestTimer;
import io.lampyris.reactor.InboxTask;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.UringClient;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Connection;
import io.lampyris.reactor.net.Endpoints;
import io.lampyris.reactor.net.Network;
import io.lampyris.reactor.net.Service;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import org.agrona.collections.Int2ObjectHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Services and connections over TCP, on one reactor's io_uring. Services may live on other
 * reactors, and calls may come from any; the sockets, and all that this package keeps, are the
 * network's reactor's.
 *
 * <p>Close it before its reactor.
 */
public final class TcpNetwork implements Network, UringClient, AutoCloseable {
  private static final int BACKLOG = 1024;
  private static final int ACCEPT_TOKEN = -1;
  private static final long ACCEPT_RETRY_NS = TimeUnit.MILLISECONDS.toNanos(100);
  private static final long CLOSE_WAIT_S = 10;

  private final Reactor reactor;
  private final String name;
  private final TcpOptions options;
  private final IntFunction<@Nullable InetSocketAddress> addresses;
  private final Counters counters;
  private final int client;
  private final MemorySegment memory;
  private final Link[] links;
  private final ArrayDeque<Link> freeLinks = new ArrayDeque<>();
  private final ServerSide[] sides;
  private final InboxTask[] finishers;
  private final ArrayDeque<Inbound> inbounds = new ArrayDeque<>();
  private final Int2ObjectHashMap<Peer> peers = new Int2ObjectHashMap<>();
  private final List<Peer> peerList = new ArrayList<>();
  private final Endpoints endpoints = new Endpoints();
  private final Map<CloseReason, Counter> closes = new EnumMap<>(CloseReason.class);
  private final Counter accepted;
  final Counter opened;
  final Counter received;
  final Counter sent;
  final Counter busy;

  /** Calls that no service saw, as their deadline was over before. */
  final Counter late;

  /** Payload bytes that were copied between a call's memory and a link's buffers. */
  final Counter copiedIn;

  final Counter copiedOut;

  /** Payloads whose memory was not there any more when it was to be filled or sent. */
  final Counter faults;

  /** Payloads that the kernel was lent. */
  final Counter lends;

  /** For tests over the loopback device, which copies what it is lent: no reason to stop. */
  boolean lendsAlways;

  /**
   * Accepted connections that have proved nothing, and how many there may be: whoever knows no
   * secret cannot take all slots.
   */
  int strangers;

  private final int strangersMax;

  /** Told when secrets do not agree; cold. */
  private volatile @Nullable Refusals refusals;

  private int listenFd = -1;
  private boolean accepting;
  private volatile boolean closed;
  private final EarliestTimer sweep;

  /**
   * @param name what its counters begin with
   * @param addresses where a node listens; null when that is not known
   */
  public TcpNetwork(
      Reactor reactor,
      String name,
      TcpOptions options,
      IntFunction<@Nullable InetSocketAddress> addresses,
      Counters counters) {
    this.reactor = reactor;
    sweep = new EarliestTimer(reactor, this::sweep);
    this.name = name;
    this.options = options;
    this.addresses = addresses;
    this.counters = counters;
    this.client = reactor.register(this);
    memory = NativeMemory.allocateAligned((long) options.connectionsMax() * Link.SLOT_BYTES);
    links = new Link[options.connectionsMax()];
    strangersMax = Math.max(1, links.length / 2);
    sides = new ServerSide[links.length];
    finishers = new InboxTask[links.length];
    for (int i = 0; i < links.length; i++) {
      MemorySegment slice = memory.asSlice((long) i * Link.SLOT_BYTES, Link.SLOT_BYTES);
      Link link = new Link(this, reactor, i, slice);
      links[i] = link;
      sides[i] = new ServerSide(this);
      finishers[i] = nowNs -> finish(link);
      freeLinks.add(link);
    }
    accepted = counter("accepted");
    opened = counter("opened");
    received = counter("received_bytes");
    sent = counter("sent_bytes");
    busy = counter("refused_busy");
    late = counter("refused_late");
    copiedIn = counter("copied_in_bytes");
    copiedOut = counter("copied_out_bytes");
    faults = counter("payload_faults");
    lends = counter("zero_copy_sends");
    for (CloseReason reason : CloseReason.values()) {
      closes.put(reason, counter("closed_" + reason.name().toLowerCase(java.util.Locale.ROOT)));
    }
  }

  Counter counter(String suffix) {
    return counters.create(name + "_" + suffix);
  }

  // ---------------------------------------------------------------- the seam

  @Override
  public void serve(int nodeId, int serviceId, ReactorContext host, Service service) {
    endpoints.serve(nodeId, serviceId, host, service);
  }

  @Override
  public void withdraw(int nodeId, int serviceId) {
    endpoints.withdraw(nodeId, serviceId);
  }

  /** What it serves, for networks that bring calls to the same services by another way. */
  public Endpoints endpoints() {
    return endpoints;
  }

  /**
   * The way to a service for calls that were sent already, by a network that rather goes another
   * one. Owner: reactor.
   */
  public Service passage(int nodeId, int serviceId) {
    return new Way(nodeId, serviceId);
  }

  @Override
  public Connection connect(int nodeId, int serviceId) {
    return new Way(nodeId, serviceId);
  }

  /** To one service of one node. */
  private final class Way implements Connection, Service {
    private final int nodeId;
    private final int serviceId;

    Way(int nodeId, int serviceId) {
      this.nodeId = nodeId;
      this.serviceId = serviceId;
    }

    @Override
    public void onCall(Call call) {
      peer(nodeId).submit(call, serviceId);
    }

    @Override
    public void send(Call call) {
      call.sending(this);
      if (reactor.inReactor()) {
        call.arrive();
      } else {
        reactor.offer(call);
      }
    }

    @Override
    public void cancel(Call call) {
      if (reactor.inReactor()) {
        peer(nodeId).cancel(call);
      } else {
        reactor.offer(nowNs -> peer(nodeId).cancel(call));
      }
    }
  }

  /**
   * A node may be somewhere else than before: a connection to where it was ends, as that may still
   * be there and answer nothing, and who calls need not wait until that is found out. Any thread.
   */
  public void onAddress(int nodeId) {
    reactor.offer(nowNs -> {
      Peer peer = peers.get(nodeId);
      if (peer != null) {
        peer.onAddress(addresses.apply(nodeId));
      }
    });
  }

  /**
   * Begins to accept connections. Any thread, once.
   *
   * @return the port, of interest when {@code address} has port 0
   */
  public int listen(InetSocketAddress address) throws IOException {
    int fd = check(Sockets.stream(address), "socket", address);
    try {
      Sockets.setOption(fd, Sockets.SOL_SOCKET, Sockets.SO_REUSEADDR, 1);
      check(Sockets.bind(fd, address), "bind", address);
      check(Sockets.listen(fd, BACKLOG), "listen", address);
    } catch (IOException e) {
      Libc.close(fd);
      throw e;
    }
    reactor.offer(nowNs -> {
      assert listenFd < 0 : "a network listens once";
      listenFd = fd;
      accept();
    });
    return Sockets.localPort(fd);
  }

  private static int check(int result, String call, InetSocketAddress address) throws IOException {
    if (result < 0) {
      throw new IOException(
          "cannot listen; observed=%s(%s) failed: %s; remedy: choose another address or port"
              .formatted(call, address, Errno.describe(-result)));
    }
    return result;
  }

  // ---------------------------------------------------------------- links

  private void accept() {
    if (closed || accepting) {
      return;
    }
    boolean room = reactor.uring().sqSpace() > 0 || reactor.makeRoom();
    if (room) {
      accepting =
          reactor.uring().prepAcceptMultishot(listenFd, Reactor.userData(client, ACCEPT_TOKEN));
    }
  }

  @Override
  public void onCompletion(int token, int result, int flags) {
    if (token != ACCEPT_TOKEN) {
      links[Link.slotOf(token)].onCompletion(token, result, flags);
      return;
    }
    accepting = IoUring.hasMore(flags);
    if (result >= 0) {
      onAccepted(result);
    }
    if (!accepting && !closed) {
      // Out of descriptors, mostly: those that end make room.
      reactor.timers().schedule(nowNs() + (result < 0 ? ACCEPT_RETRY_NS : 0), nowNs -> accept());
    }
  }

  private void onAccepted(int fd) {
    accepted.increment();
    if (strangers >= strangersMax) {
      crowdOut();
    }
    Link link = closed ? null : freeLinks.poll();
    if (link == null) {
      countClose(CloseReason.TOO_MANY);
      Libc.close(fd);
      return;
    }
    long deadlineNs = nowNs() + options.handshakeTimeoutNs();
    wantSweep(deadlineNs);
    link.accepted(fd, sides[link.slot], new Handshake(options.secret(), false), deadlineNs);
  }

  /** Ends the oldest of those that have not proved themselves: room for others, and for our own. */
  private void crowdOut() {
    Link oldest = null;
    for (Link link : links) {
      boolean older = oldest == null || link.handshakeDeadlineNs - oldest.handshakeDeadlineNs < 0;
      if (link.isStranger() && older) {
        oldest = link;
      }
    }
    assert oldest != null : "there are strangers; observed=" + strangers;
    oldest.close(CloseReason.CROWDED_OUT);
  }

  /** Begins a connection; null when there is no address, no descriptor or no slot. */
  @Nullable Link connectTo(int nodeId, Link.Sink sink) {
    InetSocketAddress address = addresses.apply(nodeId);
    if (address == null || address.isUnresolved() || closed || freeLinks.isEmpty()) {
      return null;
    }
    int fd = Sockets.stream(address);
    if (fd < 0) {
      return null;
    }
    Link link = freeLinks.remove();
    long deadlineNs = nowNs() + options.handshakeTimeoutNs();
    wantSweep(deadlineNs);
    link.connect(fd, address, sink, new Handshake(options.secret(), true), deadlineNs);
    return link;
  }

  /** A link closes; its slot is free as soon as nothing uses its memory, but not under its feet. */
  void lateClose(Link link) {
    reactor.offer(finishers[link.slot]);
  }

  private void finish(Link link) {
    if (!link.isFree() && link.finishClose()) {
      freeLinks.add(link);
    }
  }

  /** Is told when a connection ends because its two sides do not share a secret. */
  public interface Refusals {
    /**
     * On the network's reactor.
     *
     * @param reason {@link CloseReason#WRONG_SECRET} of a peer, or {@link
     *     CloseReason#SECRET_REFUSED} by a peer
     * @param peer null when it is gone already
     */
    void onRefusal(CloseReason reason, @Nullable InetSocketAddress peer);
  }

  /** Who is told from now on; there is one. */
  public void onRefusal(Refusals told) {
    refusals = told;
  }

  void tellOfRefusal(CloseReason reason, int fd) {
    Refusals told = refusals;
    if (told != null) {
      told.onRefusal(reason, Sockets.peer(fd));
    }
  }

  void countClose(CloseReason reason) {
    Counter counter = closes.get(reason);
    assert counter != null : "every reason has a counter";
    counter.increment();
  }

  @Override
  public void onRoom() {
    if (listenFd >= 0) {
      accept();
    }
    for (Link link : links) {
      link.onRoom();
    }
  }

  // ---------------------------------------------------------------- calls

  private Peer peer(int nodeId) {
    Peer peer = peers.get(nodeId);
    if (peer == null) {
      peer = new Peer(this, nodeId, options);
      peers.put(nodeId, peer);
      peerList.add(peer);
    }
    return peer;
  }

  Inbound inbound() {
    Inbound call = inbounds.poll();
    return call != null ? call : new Inbound(this, reactor);
  }

  void recycle(Inbound call) {
    call.release();
    inbounds.add(call);
  }

  /** For a call that comes in: its service may need others of the same pool to answer it. */
  @Nullable Buffer acquire(int sizeBytes) {
    return reactor.buffers().acquireSparingly(sizeBytes);
  }

  int payloadMaxBytes() {
    return reactor.buffers().sizeMaxBytes();
  }

  /** Whether to try and send without copying. Owner: reactor. */
  boolean lends() {
    return options.zeroCopyMinBytes() != TcpOptions.ZERO_COPY_NEVER
        && reactor.uring().supports(Opcodes.SEND_ZC);
  }

  int lendMinBytes() {
    return options.zeroCopyMinBytes();
  }

  long peerTimeoutNs() {
    return options.peerTimeoutNs();
  }

  int callsMax() {
    return options.callsMax();
  }

  /** Of one connection; its peer keeps to it by waiting. */
  int windowMax() {
    return options.windowMax();
  }

  int client() {
    return client;
  }

  long nowNs() {
    return reactor.nowNs();
  }

  boolean isClosed() {
    return closed;
  }

  void later(InboxTask task) {
    reactor.offer(task);
  }

  // ---------------------------------------------------------------- time

  void wantSweep(long deadlineNs) {
    sweep.want(deadlineNs);
  }

  private void sweep(long nowNs) {
    long earliestNs = Long.MAX_VALUE;
    for (Link link : links) {
      if (link.isProving()) {
        if (link.handshakeDeadlineNs <= nowNs) {
          link.close(CloseReason.HANDSHAKE_TIMEOUT);
        } else {
          earliestNs = Math.min(earliestNs, link.handshakeDeadlineNs);
        }
      }
    }
    for (int i = 0; i < peerList.size(); i++) {
      earliestNs = Math.min(earliestNs, peerList.get(i).sweep(nowNs));
    }
    if (earliestNs != Long.MAX_VALUE) {
      wantSweep(earliestNs);
    }
  }

  // ---------------------------------------------------------------- closing

  /** Ends all connections; calls in flight are answered UNREACHABLE. Any thread but its reactor. */
  @Override
  public void close() {
    assert !reactor.inReactor() : "a network does not wait for itself";
    if (closed) {
      return;
    }
    CountDownLatch done = new CountDownLatch(1);
    reactor.offer(nowNs -> beginClose(done));
    boolean ended = false;
    try {
      ended = done.await(CLOSE_WAIT_S, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (ended) {
      // Else the kernel may still write there: better lost than overwritten.
      NativeMemory.unmap(memory);
    }
  }

  private void beginClose(CountDownLatch done) {
    closed = true;
    if (listenFd >= 0) {
      Sockets.shutdown(listenFd, Sockets.SHUT_RDWR);
    }
    for (Link link : links) {
      link.close(CloseReason.CLOSED);
    }
    awaitClose(done);
  }

  private void awaitClose(CountDownLatch done) {
    boolean over = !accepting;
    for (Link link : links) {
      over &= link.isFree();
    }
    if (!over) {
      reactor
          .timers()
          .schedule(nowNs() + TimeUnit.MILLISECONDS.toNanos(1), now -> awaitClose(done));
      return;
    }
    sweep.cancel();
    if (listenFd >= 0) {
      Libc.close(listenFd);
    }
    reactor.unregister(client);
    done.countDown();
  }

  /** How often connections ended for a reason. Any thread. */
  public long closes(CloseReason reason) {
    Counter counter = closes.get(reason);
    assert counter != null : "every reason has a counter";
    return counter.get();
  }

  /** Connections accepted so far. Any thread. */
  public long accepts() {
    return accepted.get();
  }

  /** Payload bytes that this package copied instead of giving the call's memory to the kernel. */
  public long copiedBytes() {
    return copiedIn.get() + copiedOut.get();
  }

  /** Payloads that were lent to the kernel so far, whether or not it copied them. Any thread. */
  public long zeroCopySends() {
    return lends.get();
  }

  /** Connections on which both sides have proved the secret so far. Any thread. */
  public long opens() {
    return opened.get();
  }
}
