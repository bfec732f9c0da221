package io.lampyris.reactor.net.verbs;

import io.lampyris.bindings.NativeException;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.verbs.CompletionQueue;
import io.lampyris.bindings.verbs.MemoryRegion;
import io.lampyris.bindings.verbs.MemoryWindow;
import io.lampyris.bindings.verbs.QueuePair;
import io.lampyris.bindings.verbs.QueuePairAddress;
import io.lampyris.bindings.verbs.WcStatus;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One queue pair: messages with credits, and the operations that go with them. Reused with its slot
 * for one connection after another. Owner: the network's reactor.
 *
 * <p>Entries of the send queue are numbered on and on; {@code posted} is the next, {@code done} the
 * first whose completion is not known. A completion tells of all entries up to its own.
 */
final class Link {
  static final int SENDS = 256;
  static final int RECEIVES = 32;

  /** A message's most bytes; a longer one takes several. */
  static final int SLOT_BYTES = 4096;

  private static final int SLOTS = 32;
  private static final int INLINE_BYTES = 188;

  /** Entries without anything that waits for them, after which one is signalled all the same. */
  private static final int UNSIGNALED_MAX = 8;

  /** The largest message, with TCP's limit, and a credit to spare. */
  static final int MESSAGE_MAX_BYTES = 48 << 10;

  /** Draining takes the device microseconds; one that does not is torn down all the same. */
  private static final long DRAIN_NS = TimeUnit.SECONDS.toNanos(1);

  /** After so long without an answer the peer is asked whether it lives. */
  private static final long ASK_NS = TimeUnit.MILLISECONDS.toNanos(500);

  /** 0.27 s: where the kernel emulates RDMA, an acknowledgement waits for a processor. */
  private static final int SOFT_ACK_TIMEOUT = 16;

  private static final int MEMORY_BYTES = (RECEIVES + SLOTS) * SLOT_BYTES;

  static {
    assert (Frame.HEADER_BYTES + MESSAGE_MAX_BYTES) / SLOT_BYTES + 2 < Math.min(SLOTS, RECEIVES)
        : "the largest message fits, and a credit is left";
    assert Integer.bitCount(SENDS) == 1 : "entries are found by masking";
  }

  /** How far a connection is. */
  enum State {
    /** The slot is free; then GREETING. */
    FREE,
    /** It receives, and the peer's address is on its way; then TRYING, or ENDING. */
    GREETING,
    /** Both ends send; nothing has come yet; then OPEN, or ENDING. */
    TRYING,
    /** Something came: the way works; then ENDING. */
    OPEN,
    /** In error: outstanding operations are drained; then FREE. */
    ENDING
  }

  /** What is done when an entry is over. */
  private enum Kind {
    NOTHING,
    /** A message's slot is free. */
    SLOT,
    /** As SLOT, and the message is over. */
    SENT,
    /** A payload was read. */
    READ,
    /** A key was taken back. */
    INVALIDATED
  }

  /** Takes what a link receives. */
  interface Sink {
    /** The way works in both directions. */
    void onOpen(Link link);

    /** A message is whole: its header in {@code in} at {@code at}, its bytes in {@code message}. */
    void onMessage(Link link, MemorySegment in, long at, byte[] message, int length, int key);

    /** A payload has arrived, or the connection ended. */
    default void onRead(Link link, Served call, boolean whole) {}

    /** A window is closed for its peer, or the connection ended. */
    default void onInvalidated(Link link, Outgoing call, boolean whole) {}

    /** The device is at none of its memory any more, but windows may be open: destroy them. */
    default void onDrained(Link link) {}

    /** Whether something is wanted from the peer. */
    default boolean waits() {
      return false;
    }

    /** Nothing is left of it. */
    void onEnded(Link link, LinkEnd why);
  }

  private final VerbsNetwork network;
  final int slot;
  private @Nullable MemorySegment memory;
  private @Nullable MemoryRegion region;
  private @Nullable QueuePair queuePair;
  private State state = State.FREE;
  private LinkEnd why = LinkEnd.CLOSED;
  private @Nullable Sink sink;
  int epoch;
  private int firstPsn;
  private long drainUntilNs;
  long tryUntilNs;
  long receivedNs;
  private long sentNs;

  // Sending.
  private final ArrayDeque<Sendable> queue = new ArrayDeque<>();
  private final ArrayDeque<Served> reads = new ArrayDeque<>();
  private final ArrayDeque<Outgoing> invalidations = new ArrayDeque<>();
  private final Kind[] kinds = new Kind[SENDS];
  private final @Nullable Object[] owners = new Object[SENDS];
  private int posted;
  private int done;

  /** Entries from {@code chainFirst} on are filled and linked, not posted. */
  private boolean chained;

  private int chainFirst;
  private int unsignaled;
  private boolean chainHolds;
  private int slotsUsed;
  private int nextSlot;
  private int credits;
  private int peerSlotBytes;
  private int owed;

  /** A message as long as the longest is to be sent, to try the way or to show that we live. */
  private boolean greets;

  /** Was made by the peer, who sends the first message. */
  private boolean accepted;

  boolean dirty;

  // Receiving.
  private int receiving;
  private int repostFirst = -1;
  private int repostLast = -1;
  private int reposts;
  private final byte[] message = new byte[MESSAGE_MAX_BYTES];
  private int messageLength;
  private int messageGot;
  private int headerSlot = -1;

  Link(VerbsNetwork network, int slot) {
    this.network = network;
    this.slot = slot;
  }

  // ---------------------------------------------------------------- life

  /**
   * Makes a queue pair that receives already.
   *
   * @throws NativeException when the device cannot
   */
  void begin(Sink to, int psn) {
    assert state == State.FREE && queue.isEmpty() && reads.isEmpty() : "a slot has one connection";
    MemorySegment own = memory;
    MemoryRegion pinned = region;
    if (own == null) {
      own = NativeMemory.allocateAligned(MEMORY_BYTES);
      memory = own;
    }
    if (pinned == null) {
      pinned = network.device().register(own.address(), MEMORY_BYTES);
      region = pinned;
    }
    QueuePair made =
        new QueuePair(network.device(), network.completions(), SENDS, RECEIVES, INLINE_BYTES);
    queuePair = made;
    sink = to;
    epoch = (epoch + 1) & VerbsNetwork.EPOCH_MASK;
    firstPsn = psn;
    posted = 0;
    done = 0;
    chained = false;
    unsignaled = 0;
    chainHolds = false;
    slotsUsed = 0;
    nextSlot = 0;
    owed = 0;
    greets = false;
    messageGot = 0;
    headerSlot = -1;
    reposts = 0;
    for (int i = 0; i < RECEIVES; i++) {
      made.receive(i, id(true, i), own.address() + (long) i * SLOT_BYTES, SLOT_BYTES, key());
      made.linkReceive(i, i + 1 < RECEIVES ? i + 1 : -1);
    }
    state = State.GREETING;
    receiving = RECEIVES;
    receivedNs = network.nowNs();
    sentNs = receivedNs;
    tryUntilNs = receivedNs + network.options().attemptNs();
    if (made.postReceives(0) < 0) {
      receiving = 0;
      end(LinkEnd.LOCAL_ERROR);
    }
  }

  private int key() {
    MemoryRegion pinned = region;
    assert pinned != null : "a link's memory is registered";
    return pinned.localKey;
  }

  QueuePair queuePair() {
    QueuePair pair = queuePair;
    assert pair != null : "a link that is not free has a queue pair: " + state;
    return pair;
  }

  QueuePairAddress address() {
    return network.device().address(queuePair().number(), firstPsn);
  }

  /**
   * The peer's queue pair is known: from here on messages go both ways.
   *
   * @param first whether this end sends the first one
   */
  void connect(QueuePairAddress peer, int peerReceives, int peerReceiveBytes, boolean first) {
    assert state == State.GREETING : "a link is connected once: " + state;
    VerbsNetworkOptions options = network.options();
    int ackTimeout = options.ackTimeoutExponent();
    if (network.device().isSoftRoce) {
      ackTimeout = Math.max(ackTimeout, SOFT_ACK_TIMEOUT);
    }
    queuePair().connect(peer, firstPsn, ackTimeout, options.retries());
    credits = peerReceives;
    peerSlotBytes = Math.min(SLOT_BYTES, peerReceiveBytes);
    state = State.TRYING;
    greets = first;
    accepted = !first;
    touch();
  }

  boolean isFree() {
    return state == State.FREE;
  }

  boolean isOpen() {
    return state == State.OPEN;
  }

  boolean isEnding() {
    return state == State.ENDING;
  }

  /** Ends the connection; what it holds goes back when the device has let go of it. */
  void end(LinkEnd reason) {
    if (state == State.FREE || state == State.ENDING) {
      return;
    }
    boolean unheard = state == State.TRYING && reason == LinkEnd.PEER_GONE;
    why = unheard ? LinkEnd.UNTRIED : reason;
    state = State.ENDING;
    network.count(why);
    dropChain();
    drainUntilNs = network.nowNs() + DRAIN_NS;
    try {
      queuePair().toError();
    } catch (NativeException lost) {
      // The device is gone, or never knew its state: closing is all there is.
      drainUntilNs = network.nowNs();
    }
    network.lateFinish(this);
  }

  /** What was filled and not posted is not outstanding. */
  private void dropChain() {
    if (chained) {
      int from = chainFirst;
      chained = false;
      int end = posted;
      posted = from;
      for (int seq = from; seq != end; seq++) {
        over(seq, false);
      }
    }
  }

  /** Frees the slot when all is drained; true when it did, or was free. */
  boolean finish(long nowNs) {
    if (state != State.ENDING) {
      return state == State.FREE;
    }
    boolean drained = done == posted && receiving == 0;
    if (!drained && nowNs < drainUntilNs) {
      return false;
    }
    Sink to = sink;
    assert to != null : "a connection has a sink";
    to.onDrained(this);
    queuePair().close();
    queuePair = null;
    epoch = (epoch + 1) & VerbsNetwork.EPOCH_MASK;
    while (done != posted) {
      over(done++, false);
    }
    receiving = 0;
    while (!reads.isEmpty()) {
      to.onRead(this, reads.remove(), false);
    }
    while (!invalidations.isEmpty()) {
      to.onInvalidated(this, invalidations.remove(), false);
    }
    while (!queue.isEmpty()) {
      queue.remove().onSent(false);
    }
    state = State.FREE;
    sink = null;
    to.onEnded(this, why);
    return true;
  }

  /** For good: gives the slot's memory back. */
  void free() {
    assert state == State.FREE : "its connection has ended";
    MemoryRegion pinned = region;
    MemorySegment own = memory;
    if (pinned != null) {
      pinned.close();
    }
    if (own != null) {
      NativeMemory.unmap(own);
    }
    region = null;
    memory = null;
  }

  // ---------------------------------------------------------------- completions

  private long id(boolean receive, int number) {
    return VerbsNetwork.id(receive, epoch, slot, number);
  }

  void onCompletion(CompletionQueue from, int index, boolean receive, int number) {
    int status = from.status(index);
    if (receive) {
      receiving--;
      if (status == 0 && state != State.FREE && state != State.ENDING) {
        onReceived(from, index, number);
      }
    } else {
      // In error each entry completes by itself; before it, those before it have succeeded.
      boolean good = status == 0;
      boolean before = good || state != State.ENDING;
      while (done != number) {
        over(done++, before);
      }
      over(done++, good);
    }
    if (status != 0) {
      network.onError(WcStatus.of(status));
      end(LinkEnd.of(WcStatus.of(status)));
    }
    if (state == State.ENDING && done == posted && receiving == 0) {
      network.lateFinish(this);
    } else {
      touch();
    }
  }

  private void over(int seq, boolean good) {
    int entry = seq & (SENDS - 1);
    Object owner = owners[entry];
    owners[entry] = null;
    Sink to = sink;
    assert to != null : "a connection has a sink";
    switch (kinds[entry]) {
      case NOTHING -> {}
      case SLOT -> slotsUsed--;
      case SENT -> {
        slotsUsed--;
        if (owner != null) {
          ((Sendable) owner).onSent(good);
        }
      }
      case READ -> {
        if (owner != null) {
          to.onRead(this, (Served) owner, good);
        }
      }
      case INVALIDATED -> {
        if (owner != null) {
          to.onInvalidated(this, (Outgoing) owner, good);
        }
      }
    }
  }

  // ---------------------------------------------------------------- receiving

  private void onReceived(CompletionQueue from, int index, int receive) {
    receivedNs = network.nowNs();
    MemorySegment own = memory;
    assert own != null : "what receives has memory";
    int length = from.lengthBytes(index);
    long at = (long) receive * SLOT_BYTES;
    int key = from.hasInvalidated(index) ? from.invalidatedKey(index) : 0;
    boolean whole;
    if (headerSlot < 0) {
      whole = onHeader(own, at, length, receive);
    } else {
      whole = onMore(own, at, length);
    }
    if (state == State.ENDING) {
      return;
    }
    if (whole) {
      int header = headerSlot;
      headerSlot = -1;
      Sink to = sink;
      assert to != null : "a connection has a sink";
      onWhole(to, own, (long) header * SLOT_BYTES, key);
      if (header != receive) {
        repost(header);
      }
      repost(receive);
    } else if (headerSlot != receive) {
      repost(receive);
    }
  }

  private boolean onHeader(MemorySegment in, long at, int length, int receive) {
    if (length < Frame.HEADER_BYTES) {
      end(LinkEnd.PROTOCOL);
      return false;
    }
    credits += Short.toUnsignedInt(in.get(Frame.SHORT, at + Frame.CREDITS_AT));
    messageLength = Short.toUnsignedInt(in.get(Frame.SHORT, at + Frame.MESSAGE_LENGTH_AT));
    messageGot = Math.min(length - Frame.HEADER_BYTES, messageLength);
    if (messageLength > MESSAGE_MAX_BYTES || credits > RECEIVES * 64) {
      end(LinkEnd.PROTOCOL);
      return false;
    }
    MemorySegment.copy(in, ValueLayout.JAVA_BYTE, at + Frame.HEADER_BYTES, message, 0, messageGot);
    headerSlot = receive;
    return messageGot == messageLength;
  }

  private boolean onMore(MemorySegment in, long at, int length) {
    if (length == 0 || messageGot + length > messageLength) {
      end(LinkEnd.PROTOCOL);
      return false;
    }
    MemorySegment.copy(in, ValueLayout.JAVA_BYTE, at, message, messageGot, length);
    messageGot += length;
    return messageGot == messageLength;
  }

  private void onWhole(Sink to, MemorySegment in, long at, int key) {
    if (state == State.TRYING) {
      state = State.OPEN;
      network.opened();
      greets = accepted;
      to.onOpen(this);
    }
    if (in.get(Frame.BYTE, at + Frame.KIND_AT) != Frame.CREDIT) {
      to.onMessage(this, in, at, message, messageLength, key);
    }
  }

  /** Behind the others; they go back together. */
  private void repost(int receive) {
    QueuePair pair = queuePair();
    pair.linkReceive(receive, -1);
    if (reposts == 0) {
      repostFirst = receive;
    } else {
      pair.linkReceive(repostLast, receive);
    }
    repostLast = receive;
    reposts++;
  }

  // ---------------------------------------------------------------- sending

  /** Something is to be posted in this cycle. */
  void touch() {
    network.touch(this);
  }

  void enqueue(Sendable frame) {
    queue.add(frame);
    touch();
  }

  /** Takes back a message of which nothing was posted; false when it is on its way. */
  boolean withdraw(Sendable frame) {
    return queue.remove(frame);
  }

  /** A payload of the peer's is to be read. */
  void read(Served call) {
    reads.add(call);
    touch();
  }

  /** A key that the peer holds is to be taken back. */
  void invalidate(Outgoing call) {
    invalidations.add(call);
    touch();
  }

  private int room() {
    return SENDS - (posted - done);
  }

  /** The next entry, linked to the one before it. */
  private int next(Kind kind, @Nullable Object owner) {
    assert room() > 0 : "there is room";
    int entry = posted & (SENDS - 1);
    kinds[entry] = kind;
    owners[entry] = owner;
    if (!chained) {
      chained = true;
      chainFirst = posted;
    }
    return entry;
  }

  /** The entry is filled. */
  private void filled(int entry, boolean holds) {
    if (posted != chainFirst) {
      queuePair().link((posted - 1) & (SENDS - 1), entry);
    }
    posted++;
    unsignaled++;
    chainHolds |= holds;
  }

  void fillBind(MemoryWindow window, VerbsMemory.Pinned pinned, int index, boolean writable) {
    int entry = next(Kind.NOTHING, null);
    queuePair()
        .beginBind(
            entry,
            id(false, posted),
            window,
            pinned.region(index),
            pinned.addresses[index],
            pinned.lengths[index],
            writable);
    filled(entry, false);
    network.bound();
  }

  void fillWrite(long address, int length, int localKey, long remoteAddress, int remoteKey) {
    int entry = next(Kind.NOTHING, null);
    QueuePair pair = queuePair();
    pair.begin(entry, id(false, posted), QueuePair.WRITE, 0);
    pair.local(entry, address, length, localKey);
    pair.remote(entry, remoteAddress, remoteKey);
    filled(entry, false);
    network.written(length);
  }

  private void fillRead(
      @Nullable Served owner,
      long address,
      int length,
      int localKey,
      long remoteAddress,
      int remoteKey) {
    int entry = next(Kind.READ, owner);
    QueuePair pair = queuePair();
    pair.begin(entry, id(false, posted), QueuePair.READ, 0);
    pair.local(entry, address, length, localKey);
    pair.remote(entry, remoteAddress, remoteKey);
    filled(entry, true);
    network.read(length);
  }

  /** Fills what waits, as far as credits and entries go, and hands it over. */
  void submit() {
    dirty = false;
    if (state == State.FREE || state == State.ENDING) {
      return;
    }
    postReceives();
    if (state == State.TRYING || state == State.OPEN) {
      pump();
      post();
    }
  }

  private void postReceives() {
    if (reposts > 0) {
      int result = queuePair().postReceives(repostFirst);
      if (result < 0) {
        // Some may be posted: closing the queue pair is what ends them.
        end(LinkEnd.LOCAL_ERROR);
        return;
      }
      receiving += reposts;
      owed += reposts;
      reposts = 0;
    }
  }

  private void pump() {
    while (!invalidations.isEmpty() && room() >= Frame.WINDOWS_MAX) {
      fillInvalidations(invalidations.remove());
    }
    while (!reads.isEmpty() && room() >= Frame.WINDOWS_MAX) {
      Served call = reads.remove();
      for (int i = 0; i < call.windows(); i++) {
        fillRead(
            i == call.windows() - 1 ? call : null,
            call.localAddress(i),
            call.windowLength(i),
            call.localKey(),
            call.windowAddress(i),
            call.windowKey(i));
      }
    }
    if (greets && mayGiveCredit()) {
      greets = false;
      fillCredit(peerSlotBytes);
    }
    while (state == State.OPEN && !queue.isEmpty() && sendNext(queue.element())) {
      queue.remove();
    }
    if (state == State.OPEN && owed >= RECEIVES / 2 && mayGiveCredit()) {
      fillCredit(Frame.HEADER_BYTES);
    }
  }

  private boolean mayGiveCredit() {
    return credits > 0 && room() > 0 && slotsUsed < SLOTS;
  }

  private void fillInvalidations(Outgoing call) {
    int last = call.lastBound();
    for (int i = 0; i <= last; i++) {
      MemoryWindow window = call.window(i);
      if (window.isBound()) {
        int entry = next(Kind.INVALIDATED, i == last ? call : null);
        queuePair().beginInvalidate(entry, id(false, posted), 0, window);
        filled(entry, true);
        network.takenBack();
      }
    }
  }

  private boolean sendNext(Sendable frame) {
    int length = Frame.HEADER_BYTES + frame.messageLength();
    int parts = (length + peerSlotBytes - 1) / peerSlotBytes;
    if (credits <= parts || slotsUsed + parts > SLOTS || room() < parts + Frame.WINDOWS_MAX) {
      return false;
    }
    if (!frame.prepare()) {
      network.tryLater(this);
      return false;
    }
    assert frame.entriesBefore() <= Frame.WINDOWS_MAX : "room was looked for";
    frame.fillBefore(this);
    byte[] bytes = frame.message();
    MemorySegment own = memory;
    assert own != null : "what sends has memory";
    int sentBytes = 0;
    for (int part = 0; part < parts; part++) {
      long at = slotAt();
      int head = part == 0 ? Frame.HEADER_BYTES : 0;
      if (part == 0) {
        clear(own, at);
        frame.encode(own, at);
        own.set(Frame.SHORT, at + Frame.MESSAGE_LENGTH_AT, (short) frame.messageLength());
        giveCredits(own, at);
      }
      int take = Math.min(peerSlotBytes - head, frame.messageLength() - sentBytes);
      MemorySegment.copy(bytes, sentBytes, own, ValueLayout.JAVA_BYTE, at + head, take);
      sentBytes += take;
      boolean last = part == parts - 1;
      int key = last ? frame.takesBack() : 0;
      fillSend(own.address() + at, head + take, last ? frame : null, last, key);
    }
    return true;
  }

  private static void clear(MemorySegment own, long at) {
    for (int i = 0; i < Frame.HEADER_BYTES; i += Long.BYTES) {
      own.set(Frame.LONG, at + i, 0);
    }
  }

  private void giveCredits(MemorySegment own, long at) {
    own.set(Frame.SHORT, at + Frame.CREDITS_AT, (short) owed);
    owed = 0;
  }

  /** A message of its own for credits, or to show that the way works, or that we live. */
  private void fillCredit(int lengthBytes) {
    MemorySegment own = memory;
    assert own != null : "what sends has memory";
    long at = slotAt();
    clear(own, at);
    own.set(Frame.BYTE, at + Frame.KIND_AT, Frame.CREDIT);
    giveCredits(own, at);
    fillSend(own.address() + at, lengthBytes, null, true, 0);
  }

  private long slotAt() {
    long at = (long) (RECEIVES + nextSlot) * SLOT_BYTES;
    nextSlot = (nextSlot + 1) % SLOTS;
    slotsUsed++;
    return at;
  }

  private void fillSend(
      long address, int lengthBytes, @Nullable Sendable frame, boolean last, int takesBack) {
    QueuePair pair = queuePair();
    boolean holds = frame != null && frame.holds();
    int entry = next(last ? Kind.SENT : Kind.SLOT, holds ? frame : null);
    int flags = lengthBytes <= pair.inlineMaxBytes() ? QueuePair.INLINE : 0;
    int opcode = takesBack == 0 ? QueuePair.SEND : QueuePair.SEND_AND_INVALIDATE;
    pair.begin(entry, id(false, posted), opcode, flags);
    pair.local(entry, address, lengthBytes, key());
    if (takesBack != 0) {
      pair.takesBack(entry, takesBack);
    }
    filled(entry, holds);
    credits--;
    sentNs = network.nowNs();
    network.sent(lengthBytes);
    if (frame != null && !holds) {
      frame.onSent(true);
    }
  }

  private void post() {
    if (!chained) {
      return;
    }
    int first = chainFirst & (SENDS - 1);
    int last = (posted - 1) & (SENDS - 1);
    if (chainHolds || unsignaled >= UNSIGNALED_MAX) {
      queuePair().signal(last);
      unsignaled = 0;
      chainHolds = false;
    }
    int result = queuePair().post(first);
    network.postedList();
    if (result < 0) {
      int refused = queuePair().refusedEntry();
      chainFirst += (refused - first) & (SENDS - 1);
      end(LinkEnd.LOCAL_ERROR);
    } else {
      chained = false;
    }
  }

  // ---------------------------------------------------------------- time

  /** Says that we live, and finds out whether the peer does. */
  void tick(long nowNs) {
    if (state == State.ENDING) {
      if (nowNs >= drainUntilNs) {
        network.lateFinish(this);
      }
    } else if (state == State.GREETING || state == State.TRYING) {
      if (nowNs >= tryUntilNs) {
        end(LinkEnd.UNTRIED);
      }
    } else if (state == State.OPEN) {
      if (nowNs - receivedNs > network.options().peerTimeoutNs()) {
        end(LinkEnd.SILENT);
      } else if (isToTellLife(nowNs)) {
        greets = true;
        touch();
      }
    }
  }

  /** A queue pair of which nothing is left acknowledges nothing: who waits finds out soon. */
  private boolean isToTellLife(long nowNs) {
    Sink to = sink;
    assert to != null : "a connection has a sink";
    long quietNs = nowNs - sentNs;
    return quietNs > network.options().peerTimeoutNs() / 8
        || (to.waits() && quietNs > ASK_NS && nowNs - receivedNs > ASK_NS);
  }
}
