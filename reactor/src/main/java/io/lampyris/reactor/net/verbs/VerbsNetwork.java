package io.lampyris.reactor.net.verbs;

import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.NativeException;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.uring.IoUring;
import io.lampyris.bindings.verbs.CompletionQueue;
import io.lampyris.bindings.verbs.MemoryRegion;
import io.lampyris.bindings.verbs.MemoryWindow;
import io.lampyris.bindings.verbs.VerbsDevice;
import io.lampyris.bindings.verbs.VerbsOptions;
import io.lampyris.bindings.verbs.VerbsUnavailableException;
import io.lampyris.bindings.verbs.WcStatus;
import io.lampyris.protocol.Services;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.Buffer;
import io.lampyris.reactor.Counter;
import io.lampyris.reactor.Counters;
import io.lampyris.reactor.EarliestTimer;
import io.lampyris.reactor.Poller;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.TimerTask;
import io.lampyris.reactor.UringClient;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Connection;
import io.lampyris.reactor.net.Endpoints;
import io.lampyris.reactor.net.Network;
import io.lampyris.reactor.net.Service;
import io.lampyris.reactor.net.tcp.TcpNetwork;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import org.agrona.collections.Int2ObjectHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Services and connections by RDMA where both ends can, else by the TCP network that it wraps, on
 * whose reactor it lives.
 *
 * <p>Close it before the TCP network.
 */
public final class VerbsNetwork implements Network, Poller, UringClient, AutoCloseable {
  static final int EPOCH_MASK = 0x7fff;
  private static final int BATCHES_MAX = 8;
  private static final int SERVED_MAX = 1024;
  private static final int CHANNEL_TOKEN = 0;
  private static final int EVENT_TOKEN = 1;
  private static final int CANCEL_TOKEN = 2;
  private static final long TICK_NS = TimeUnit.MILLISECONDS.toNanos(250);
  private static final long LATER_NS = TimeUnit.MILLISECONDS.toNanos(1);
  private static final long CLOSE_WAIT_S = 10;

  private final Reactor reactor;
  private final TcpNetwork tcp;
  private final String name;
  private final VerbsNetworkOptions options;
  private final IntFunction<@Nullable InetSocketAddress> addresses;
  private final Counters counters;
  private final VerbsDevice device;
  private final CompletionQueue completions;
  private final VerbsMemory memory;
  private final int client;
  private final Link[] links;
  private final ServerSide[] sides;
  private final ArrayDeque<Link> freeLinks = new ArrayDeque<>();
  private final ArrayDeque<Link> dirty = new ArrayDeque<>();
  private final ArrayDeque<Link> shortOfMemory = new ArrayDeque<>();
  private final Int2ObjectHashMap<Peer> peers = new Int2ObjectHashMap<>();
  private final List<Peer> peerList = new ArrayList<>();
  private final ArrayDeque<Served> servedPool = new ArrayDeque<>();
  private final ArrayDeque<Control> controlPool = new ArrayDeque<>();
  private final ArrayDeque<MemoryWindow> windowPool = new ArrayDeque<>();
  private final Greeting greeting = new Greeting();
  private final Set<Integer> greetedNodes = new HashSet<>();
  private final Map<LinkEnd, Counter> ends = new EnumMap<>(LinkEnd.class);
  private final EarliestTimer sweep;
  private final TimerTask tryAgain = this::tryAgain;
  private @Nullable Troubles troubles;
  private boolean channelPolled;
  private boolean eventsPolled;
  private boolean trying;
  private int cancels;
  private volatile boolean closed;

  private final Counter reads;
  private final Counter readBytes;
  private final Counter writes;
  private final Counter writtenBytes;
  private final Counter sends;
  private final Counter sentBytes;
  private final Counter binds;
  private final Counter takenBack;
  private final Counter lists;
  private final Counter polled;
  private final Counter opens;
  private final Counter errors;
  final Counter calls;
  final Counter byTcp;
  final Counter busy;
  final Counter late;
  final Counter lateAnswers;
  final Counter timeouts;
  final Counter failedTries;

  /** Payload bytes that were copied, as their memory was not registered. */
  final Counter copied;

  final Counter faults;

  /**
   * @param name what its counters begin with
   * @param tcp on the same reactor; the ends' handshakes go over it, and calls where RDMA does not
   * @param addresses where a node listens, as for {@code tcp}
   * @throws VerbsUnavailableException when there is no RDMA here: use {@code tcp} alone
   */
  public VerbsNetwork(
      Reactor reactor,
      String name,
      VerbsNetworkOptions options,
      TcpNetwork tcp,
      IntFunction<@Nullable InetSocketAddress> addresses,
      Counters counters)
      throws VerbsUnavailableException {
    this.reactor = reactor;
    sweep = new EarliestTimer(reactor, this::sweep);
    this.name = name;
    this.options = options;
    this.tcp = tcp;
    this.addresses = addresses;
    this.counters = counters;
    reads = counter("rdma_reads");
    readBytes = counter("rdma_read_bytes");
    writes = counter("rdma_writes");
    writtenBytes = counter("rdma_written_bytes");
    sends = counter("sends");
    sentBytes = counter("sent_bytes");
    binds = counter("windows_opened");
    takenBack = counter("keys_taken_back");
    lists = counter("posted_lists");
    polled = counter("completions");
    opens = counter("opened");
    errors = counter("failed_operations");
    calls = counter("calls");
    byTcp = counter("calls_by_tcp");
    busy = counter("refused_busy");
    late = counter("refused_late");
    lateAnswers = counter("late_answers");
    timeouts = counter("timeouts");
    failedTries = counter("failed_tries");
    copied = counter("copied_bytes");
    faults = counter("payload_faults");
    for (LinkEnd end : LinkEnd.values()) {
      ends.put(end, counter("ended_" + end.name().toLowerCase(Locale.ROOT)));
    }
    device = VerbsDevice.open(options.device());
    links = new Link[Math.min(options.connectionsMax(), linksOf(device))];
    memory =
        new VerbsMemory(
            reactor, device, counter("registered_bytes"), counter("registrations_refused"));
    completions = open();
    sides = new ServerSide[links.length];
    for (int i = 0; i < links.length; i++) {
      links[i] = new Link(this, i);
      sides[i] = new ServerSide(this);
      freeLinks.add(links[i]);
    }
    client = reactor.register(this);
    reactor.offer(nowNs -> attach());
  }

  /** How many connections' completions the device's queue holds. */
  private static int linksOf(VerbsDevice device) {
    return Math.max(1, device.completionsMax() / (Link.SENDS + Link.RECEIVES));
  }

  private CompletionQueue open() throws VerbsUnavailableException {
    CompletionQueue made = null;
    boolean whole = false;
    try {
      memory.open(reactor.registered().arena());
      made = new CompletionQueue(device, links.length * (Link.SENDS + Link.RECEIVES));
      whole = true;
      return made;
    } catch (NativeException e) {
      throw unusable(device, e);
    } finally {
      if (!whole) {
        memory.close();
        device.close();
      }
    }
  }

  private static VerbsUnavailableException unusable(VerbsDevice device, NativeException why) {
    return new VerbsUnavailableException(
        "no RDMA: %s cannot be used; observed=%s, limit=`ulimit -l` and the memory of this machine; remedy: raise the limit of locked memory (LimitMEMLOCK=infinity in the unit of systemd, `- memlock unlimited` in /etc/security/limits.d)"
            .formatted(device, why.getMessage()));
  }

  /**
   * Finds out whether a network on this device could be made, before anything else is.
   *
   * @param bufferBytes what the reactor will have of buffers
   * @return the device's name, port and address
   * @throws VerbsUnavailableException when not
   */
  public static String probe(VerbsOptions options, long bufferBytes)
      throws VerbsUnavailableException {
    MemorySegment buffers = NativeMemory.allocateAligned(bufferBytes);
    try (VerbsDevice device = VerbsDevice.open(options)) {
      try (MemoryRegion pinned = device.register(buffers.address(), bufferBytes)) {
        assert pinned.sizeBytes == bufferBytes : "all of it";
        return device.toString();
      } catch (NativeException e) {
        throw unusable(device, e);
      }
    } finally {
      NativeMemory.unmap(buffers);
    }
  }

  private Counter counter(String suffix) {
    return counters.create(name + "_" + suffix);
  }

  private void attach() {
    if (!closed) {
      reactor.registered().watch(memory);
      reactor.addPoller(this);
    }
  }

  // ---------------------------------------------------------------- the seam

  @Override
  public void serve(int nodeId, int serviceId, ReactorContext host, Service service) {
    tcp.serve(nodeId, serviceId, host, service);
    synchronized (greetedNodes) {
      if (greetedNodes.add(nodeId)) {
        tcp.serve(nodeId, Services.VERBS, reactor, this::onGreeting);
      }
    }
  }

  @Override
  public void withdraw(int nodeId, int serviceId) {
    tcp.withdraw(nodeId, serviceId);
  }

  @Override
  public Connection connect(int nodeId, int serviceId) {
    return new Way(nodeId, serviceId);
  }

  /** To one service of one node. */
  private final class Way implements Connection, Service {
    private final int nodeId;
    private final int serviceId;
    private final Connection byTcp;

    Way(int nodeId, int serviceId) {
      this.nodeId = nodeId;
      this.serviceId = serviceId;
      byTcp = tcp.connect(nodeId, serviceId);
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
      if (!reactor.inReactor()) {
        reactor.offer(nowNs -> cancel(call));
      } else if (!peer(nodeId).cancel(call)) {
        byTcp.cancel(call);
      }
    }
  }

  /** A node may be somewhere else than before. Any thread. */
  public void onAddress(int nodeId) {
    tcp.onAddress(nodeId);
    reactor.offer(nowNs -> {
      Peer peer = peers.get(nodeId);
      if (peer != null) {
        peer.onAddress(addresses.apply(nodeId));
      }
    });
  }

  /** Is told when both ends have RDMA and what lies between them is in its way. */
  public interface Troubles {
    /**
     * The ends know each other over TCP, and nothing came by RDMA, in large or small packets: calls
     * go by TCP, and RDMA is tried again. On the network's reactor.
     */
    void onBlockedWay(int nodeId, @Nullable InetSocketAddress at);

    /**
     * Packets of {@code lostBytes} did not come, and those of {@code usedBytes} do: calls go by
     * RDMA with these. On the network's reactor.
     */
    void onLostPackets(int nodeId, @Nullable InetSocketAddress at, int lostBytes, int usedBytes);
  }

  /** Who is told from now on; there is one. */
  public void onTrouble(Troubles told) {
    troubles = told;
  }

  void tellOfBlockedWay(int nodeId, @Nullable InetSocketAddress at) {
    Troubles told = troubles;
    if (told != null) {
      told.onBlockedWay(nodeId, at);
    }
  }

  void tellOfLostPackets(int nodeId, @Nullable InetSocketAddress at, int lostBytes, int usedBytes) {
    Troubles told = troubles;
    if (told != null) {
      told.onLostPackets(nodeId, at, lostBytes, usedBytes);
    }
  }

  /** Which device, port and address it uses. */
  @Override
  public String toString() {
    return device.toString();
  }

  Peer peer(int nodeId) {
    Peer peer = peers.get(nodeId);
    if (peer == null) {
      peer = new Peer(this, nodeId);
      peers.put(nodeId, peer);
      peerList.add(peer);
    }
    return peer;
  }

  // ---------------------------------------------------------------- connections

  /** A caller's network wants a queue pair of ours, or to know that its calls have arrived. */
  private void onGreeting(Call call) {
    if (!greeting.decode(call.request, call.requestLength) || closed) {
      call.reply(Status.NOT_IMPLEMENTED.code());
      return;
    }
    if (greeting.isMark()) {
      call.reply(0);
      return;
    }
    Link link = freeLinks.isEmpty() ? null : begin(sides[freeLinks.element().slot]);
    if (link == null) {
      call.reply(Status.BUSY.code());
      return;
    }
    try {
      link.connect(greeting.address(), greeting.receives(), greeting.receiveBytes(), false);
      call.replyLength = greeting.encode(call.reply, link.address());
      call.reply(0);
    } catch (NativeException refused) {
      link.end(LinkEnd.LOCAL_ERROR);
      call.reply(Status.NOT_IMPLEMENTED.code());
    }
  }

  /** A link that receives; null when there is none, or the device cannot. */
  @Nullable Link begin(Link.Sink sink) {
    if (closed || freeLinks.isEmpty()) {
      return null;
    }
    Link link = freeLinks.element();
    try {
      link.begin(sink, (int) (nowNs() >>> 10) & 0xffffff);
    } catch (NativeException refused) {
      errors.increment();
      return null;
    }
    freeLinks.remove();
    wantSweep(nowNs() + TICK_NS);
    return link;
  }

  void lateFinish(Link link) {
    reactor.offer(nowNs -> {
      if (!link.isFree() && link.finish(nowNs)) {
        freeLinks.add(link);
      }
    });
  }

  // ---------------------------------------------------------------- each cycle

  static long id(boolean receive, int epoch, int slot, int number) {
    long kind = receive ? 1L << 63 : 0;
    return kind | (long) epoch << 48 | (long) slot << 32 | Integer.toUnsignedLong(number);
  }

  @Override
  public int poll(long nowNs) {
    int work = 0;
    for (int batch = 0; batch < BATCHES_MAX; batch++) {
      int count = completions.poll();
      for (int i = 0; i < count; i++) {
        long id = completions.id(i);
        Link link = links[(int) (id >>> 32) & 0xffff];
        if (link.epoch == ((int) (id >>> 48) & EPOCH_MASK)) {
          link.onCompletion(completions, i, id < 0, (int) id);
        }
      }
      work += Math.max(0, count);
      if (count < CompletionQueue.BATCH_MAX) {
        break;
      }
    }
    polled.add(work);
    return work;
  }

  @Override
  public void submit() {
    for (int left = dirty.size(); left > 0; left--) {
      dirty.remove().submit();
    }
  }

  void touch(Link link) {
    if (!link.dirty) {
      link.dirty = true;
      dirty.add(link);
    }
  }

  /** Memory is short: once others have given theirs back. */
  void tryLater(Link link) {
    shortOfMemory.add(link);
    if (!trying) {
      trying = true;
      reactor.timers().schedule(nowNs() + LATER_NS, tryAgain);
    }
  }

  private void tryAgain(long nowNs) {
    trying = false;
    while (!shortOfMemory.isEmpty()) {
      touch(shortOfMemory.remove());
    }
  }

  @Override
  public boolean mayBlock() {
    if (!dirty.isEmpty()) {
      return false;
    }
    if (freeLinks.size() == links.length) {
      return watchEvents();
    }
    if (!watchEvents() || !watchChannel() || completions.arm() < 0) {
      return false;
    }
    // What came before it was armed would not wake us.
    return poll(reactor.nowNs()) == 0;
  }

  private boolean watchChannel() {
    if (!channelPolled && !closed) {
      channelPolled = watch(completions.channelFd(), CHANNEL_TOKEN);
    }
    return channelPolled;
  }

  private boolean watchEvents() {
    if (!eventsPolled && !closed) {
      eventsPolled = watch(device.eventFd(), EVENT_TOKEN);
    }
    return eventsPolled || closed;
  }

  private boolean watch(int fd, int token) {
    return (reactor.uring().sqSpace() > 0 || reactor.makeRoom())
        && reactor.uring().prepPollAdd(fd, Fcntl.POLLIN, false, Reactor.userData(client, token));
  }

  @Override
  public void onCompletion(int token, int result, int flags) {
    if (token == CHANNEL_TOKEN) {
      channelPolled = IoUring.hasMore(flags);
      completions.takeNotifications();
    } else if (token == EVENT_TOKEN) {
      eventsPolled = IoUring.hasMore(flags);
      takeEvents();
    } else {
      cancels--;
    }
  }

  private void takeEvents() {
    VerbsDevice.Event event = device.nextEvent();
    while (event != VerbsDevice.Event.NONE) {
      switch (event) {
        case DEVICE_LOST, QUEUE_ERROR -> {
          for (Link link : links) {
            link.end(LinkEnd.DEVICE_LOST);
          }
        }
        case PORT_UP -> {
          for (Peer peer : peerList) {
            peer.retryNow();
          }
        }
        case NONE, QUEUE_PAIR_ERROR, PORT_DOWN, ADDRESS_CHANGED, OTHER -> {
          // Operations that are under way tell which connections this concerns.
        }
      }
      event = device.nextEvent();
    }
  }

  // ---------------------------------------------------------------- for links and peers

  /** The slots of connections; many are free. */
  Link[] links() {
    return links;
  }

  VerbsDevice device() {
    return device;
  }

  CompletionQueue completions() {
    return completions;
  }

  VerbsNetworkOptions options() {
    return options;
  }

  VerbsMemory memory() {
    return memory;
  }

  Greeting greeting() {
    return greeting;
  }

  ReactorContext context() {
    return reactor;
  }

  Endpoints endpoints() {
    return tcp.endpoints();
  }

  Service passage(int nodeId, int serviceId) {
    return tcp.passage(nodeId, serviceId);
  }

  @Nullable InetSocketAddress addressOf(int nodeId) {
    return addresses.apply(nodeId);
  }

  long nowNs() {
    return reactor.nowNs();
  }

  int payloadMaxBytes() {
    return reactor.buffers().sizeMaxBytes();
  }

  int servedMax() {
    return SERVED_MAX;
  }

  /** Leaves some for services, which may need others of the same pool to answer. */
  @Nullable Buffer acquire(int sizeBytes) {
    return reactor.buffers().acquireSparingly(sizeBytes);
  }

  Served served() {
    Served call = servedPool.poll();
    return call != null ? call : new Served(this, reactor);
  }

  void recycle(Served call) {
    servedPool.add(call);
  }

  Control control() {
    Control control = controlPool.poll();
    return control != null ? control : new Control(this);
  }

  void recycle(Control control) {
    controlPool.add(control);
  }

  MemoryWindow window() {
    MemoryWindow window = windowPool.poll();
    return window != null ? window : device.window();
  }

  void giveBack(MemoryWindow window) {
    assert !window.isBound() : "its key was taken back";
    windowPool.add(window);
  }

  void opened() {
    opens.increment();
  }

  void count(LinkEnd end) {
    Counter counter = ends.get(end);
    assert counter != null : "every end has a counter";
    counter.increment();
  }

  void onError(WcStatus status) {
    if (status != WcStatus.WR_FLUSH_ERR) {
      errors.increment();
    }
  }

  void read(int bytes) {
    reads.increment();
    readBytes.add(bytes);
  }

  void written(int bytes) {
    writes.increment();
    writtenBytes.add(bytes);
  }

  void sent(int bytes) {
    sends.increment();
    sentBytes.add(bytes);
  }

  void bound() {
    binds.increment();
  }

  void takenBack() {
    takenBack.increment();
  }

  void postedList() {
    lists.increment();
  }

  // ---------------------------------------------------------------- time

  void wantSweep(long deadlineNs) {
    sweep.want(deadlineNs);
  }

  private void sweep(long nowNs) {
    long earliestNs = Long.MAX_VALUE;
    for (Link link : links) {
      if (!link.isFree()) {
        link.tick(nowNs);
        earliestNs = nowNs + TICK_NS;
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
    try {
      boolean ended = done.await(CLOSE_WAIT_S, TimeUnit.SECONDS);
      assert ended : "a connection ends within its bound";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void beginClose(CountDownLatch done) {
    closed = true;
    synchronized (greetedNodes) {
      for (int nodeId : greetedNodes) {
        tcp.withdraw(nodeId, Services.VERBS);
      }
    }
    for (Link link : links) {
      link.end(LinkEnd.CLOSED);
    }
    if (channelPolled) {
      cancelWatch(CHANNEL_TOKEN);
    }
    if (eventsPolled) {
      cancelWatch(EVENT_TOKEN);
    }
    awaitClose(done);
  }

  private void cancelWatch(int token) {
    if (reactor.uring().sqSpace() > 0 || reactor.makeRoom()) {
      reactor
          .uring()
          .prepCancel(Reactor.userData(client, token), Reactor.userData(client, CANCEL_TOKEN));
      cancels++;
    }
  }

  private void awaitClose(CountDownLatch done) {
    boolean over =
        freeLinks.size() == links.length && !channelPolled && !eventsPolled && cancels == 0;
    if (!over) {
      reactor.timers().schedule(nowNs() + LATER_NS, now -> awaitClose(done));
      return;
    }
    sweep.cancel();
    reactor.offer(nowNs -> tearDown(done));
  }

  private void tearDown(CountDownLatch done) {
    reactor.removePoller(this);
    reactor.registered().unwatch(memory);
    reactor.unregister(client);
    for (Link link : links) {
      link.free();
    }
    windowPool.forEach(MemoryWindow::close);
    windowPool.clear();
    completions.close();
    memory.close();
    device.close();
    done.countDown();
  }
}
