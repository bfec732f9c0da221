package io.lampyris.reactor.net.tcp;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.ShrinkableMemory;
import io.lampyris.bindings.Sockets;
import io.lampyris.bindings.uring.IoUring;
import io.lampyris.reactor.Reactor;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * One socket: bytes to frames and frames to bytes, after both sides have proved the secret. Reused
 * with its slot's memory for one connection after another. Owner: the network's reactor.
 *
 * <p>At most one receive and one send are in flight. Small frames are packed into the out buffer
 * and go in one send; a payload goes straight from, or comes straight into, the call's memory.
 */
final class Link {
  static final int IN_BYTES = 64 << 10;
  static final int OUT_BYTES = 64 << 10;
  private static final int CONTROL_BYTES = 4096;

  /** In the place of bytes that are lost. */
  private static final MemorySegment ZEROS = NativeMemory.allocateAligned(64 << 10);

  /** Memory of one slot, touched only by connections that use it. */
  static final int SLOT_BYTES = IN_BYTES + OUT_BYTES + CONTROL_BYTES;

  /** The largest message; one fits each buffer with its header. */
  static final int MESSAGE_MAX_BYTES = 48 << 10;

  /** Payloads up to this size are copied, which costs less than a second piece. */
  static final int COPY_MAX_BYTES = 4096;

  /** Behind a frame with at least such a payload another one is expected. */
  private static final int BULK_MIN_BYTES = 16 << 10;

  /** How much is received then to see the next header: all of the payload in it is copied. */
  private static final int BULK_HEAD_BYTES = 512;

  /** Frames that wait to be sent; a peer that takes none of so many is not listened to. */
  private static final int QUEUE_MAX = 1024;

  /** Zero-copy sends whose memory the kernel has not given back; one more is copied. */
  private static final int LENT_MAX = 8;

  // Operations, as far as a token tells them apart.
  private static final int RECEIVE = 0;
  private static final int SEND = 1;
  private static final int CONNECT = 2;
  private static final int CANCEL = 3;

  /** Zero-copy sends, {@link #LENT_MAX} of them. */
  private static final int LEND = 4;

  private static final int OPERATION_BITS = 4;
  private static final int OPERATION_MASK = (1 << OPERATION_BITS) - 1;

  static {
    assert LEND + LENT_MAX <= OPERATION_MASK + 1 : "operations fit their bits";
  }

  // The control part: struct msghdr, two struct iovec, a socket address.
  private static final long IOV_AT = 64;
  private static final long ADDRESS_AT = 128;
  private static final long MSGHDR_IOV_AT = 16;
  private static final long MSGHDR_IOVLEN_AT = 24;

  private enum State {
    /** The slot is free. */
    FREE,
    /** The kernel connects; then HANDSHAKE, or CLOSING. */
    CONNECTING,
    /** Nothing but proofs is understood; then OPEN, or CLOSING. */
    HANDSHAKE,
    /** Frames go both ways; then CLOSING. */
    OPEN,
    /** Waits for the kernel to let go of memory; then FREE. */
    CLOSING
  }

  /** How receiving a payload ended. */
  enum Payload {
    WHOLE,
    /** The link ended before, or it was abandoned. */
    CUT,
    /** Its memory is not there any more ({@link ShrinkableMemory}); the link goes on. */
    FAULT
  }

  /** Takes what a link receives. */
  interface Sink {
    void onOpen(Link link);

    /**
     * A header and its message are in {@code in} at {@code at}. The sink calls {@link #expect} when
     * it wants the payload; else it is skipped.
     */
    void onFrame(Link link, MemorySegment in, long at, int messageLength, int payloadLength);

    /** What was expected is there, or will not be: nothing refers to its memory now. */
    void onPayload(Link link, Payload end);

    /** What is not finished is about to be given back; nothing new is taken. */
    default void onEnding(Link link) {}

    void onClosed(Link link, CloseReason reason);
  }

  private final TcpNetwork network;
  private final Reactor reactor;
  final int slot;
  private final MemorySegment in;
  private final ByteBuffer inBytes;
  private final MemorySegment out;
  private final MemorySegment control;
  final CRC32C crc = new CRC32C();
  final byte[] scratch = new byte[FrameLayout.HEADER_BYTES];

  private State state = State.FREE;
  private int fd = -1;
  private int operations;
  private boolean wantsReceive;
  private boolean wantsSend;
  private @Nullable Sink sink;
  private @Nullable Handshake handshake;
  private CloseReason reason = CloseReason.CLOSED;
  private boolean openAfterSend;
  private boolean stranger;
  long handshakeDeadlineNs;

  /** Where it was made to; null for one that was accepted. */
  @Nullable InetSocketAddress connectedTo;

  /** Tells this connection from the others that had the slot. */
  long epoch;

  // Receiving.
  private int readAt;
  private int writeAt;
  private int payloadLeft;
  private @Nullable MemorySegment target;
  private long targetAt;
  private boolean receiving;
  private boolean receivingApart;
  private boolean abandoning;

  /** The last receive left nothing in the socket. */
  private boolean drained;

  /** The last frame had a large payload. */
  private boolean bulk;

  // Sending.
  private final ArrayDeque<Transmit> queue = new ArrayDeque<>();
  private final ArrayDeque<Transmit> batch = new ArrayDeque<>();
  private boolean sending;
  private int outAt;
  private int outEnd;
  private @Nullable MemorySegment apart;
  private long apartAt;
  private int apartLeft;

  /**
   * The payload's memory is not there any more: zeros go in its place, which its checksum tells.
   */
  private boolean apartIsLost;

  /** False once the kernel could not, or copied all the same. */
  private boolean lending;

  /** Which zero-copy send has a part of the payload that is being sent; -1 for none. */
  private int lendingAs = -1;

  /** Zero-copy sends of which the kernel has not said that it is done with their memory. */
  private int lentMask;

  /** Frames sent whole whose payload the kernel still has. */
  private final @Nullable Transmit[] lent = new @Nullable Transmit[LENT_MAX];

  Link(TcpNetwork network, Reactor reactor, int slot, MemorySegment memory) {
    this.network = network;
    this.reactor = reactor;
    this.slot = slot;
    in = memory.asSlice(0, IN_BYTES);
    inBytes = in.asByteBuffer();
    out = memory.asSlice(IN_BYTES, OUT_BYTES);
    control = memory.asSlice(IN_BYTES + OUT_BYTES, CONTROL_BYTES);
  }

  // ---------------------------------------------------------------- life

  void accepted(int acceptedFd, Sink to, Handshake proof, long deadlineNs) {
    begin(acceptedFd, to, proof, deadlineNs);
    state = State.HANDSHAKE;
    connectedTo = null;
    stranger = true;
    network.strangers++;
    receive();
  }

  void connect(int newFd, InetSocketAddress address, Sink to, Handshake proof, long deadlineNs) {
    begin(newFd, to, proof, deadlineNs);
    state = State.CONNECTING;
    connectedTo = address;
    int length = Sockets.encode(address, control.asSlice(ADDRESS_AT));
    if (!room()
        || !uring().prepConnect(fd, control.address() + ADDRESS_AT, length, token(CONNECT))) {
      close(CloseReason.CONNECT_FAILED);
      return;
    }
    operations++;
  }

  private void begin(int newFd, Sink to, Handshake proof, long deadlineNs) {
    assert state == State.FREE && operations == 0 : "a slot has one connection: " + state;
    assert queue.isEmpty() && batch.isEmpty() : "a new connection has nothing to send";
    fd = newFd;
    sink = to;
    handshake = proof;
    handshakeDeadlineNs = deadlineNs;
    epoch++;
    readAt = 0;
    writeAt = 0;
    payloadLeft = 0;
    target = null;
    outAt = 0;
    outEnd = 0;
    apartLeft = 0;
    openAfterSend = false;
    abandoning = false;
    bulk = false;
    drained = false;
    lending = network.lends();
    assert lentMask == 0 && lendingAs < 0 : "the kernel has nothing of an earlier connection";
    tune();
  }

  private void tune() {
    Sockets.setOption(fd, Sockets.IPPROTO_TCP, Sockets.TCP_NODELAY, 1);
    // A peer that vanished says nothing; both sides find out, whoever waits for the other.
    int seconds = Math.max(1, (int) TimeUnit.NANOSECONDS.toSeconds(network.peerTimeoutNs()));
    Sockets.setOption(fd, Sockets.SOL_SOCKET, Sockets.SO_KEEPALIVE, 1);
    Sockets.setOption(fd, Sockets.IPPROTO_TCP, Sockets.TCP_KEEPIDLE, seconds);
    Sockets.setOption(fd, Sockets.IPPROTO_TCP, Sockets.TCP_KEEPINTVL, 1);
    Sockets.setOption(fd, Sockets.IPPROTO_TCP, Sockets.TCP_USER_TIMEOUT, seconds * 1000);
  }

  boolean isFree() {
    return state == State.FREE;
  }

  boolean isOpen() {
    return state == State.OPEN;
  }

  boolean isProving() {
    return state == State.HANDSHAKE || state == State.CONNECTING;
  }

  /** Whether it was accepted and has proved nothing so far. */
  boolean isStranger() {
    return stranger;
  }

  private void noStranger() {
    network.strangers -= stranger ? 1 : 0;
    stranger = false;
  }

  /** Ends the connection; memory goes back to its owners when the kernel has let go of it. */
  void close(CloseReason why) {
    if (state == State.FREE || state == State.CLOSING) {
      return;
    }
    boolean connecting = state == State.CONNECTING;
    state = State.CLOSING;
    noStranger();
    reason = why;
    wantsReceive = false;
    wantsSend = false;
    network.countClose(why);
    if (why == CloseReason.WRONG_SECRET || why == CloseReason.SECRET_REFUSED) {
      network.tellOfRefusal(why, fd);
    }
    if (lentMask != 0) {
      // What was lent and not acknowledged would stay with the kernel until the peer takes it.
      Sockets.resetOnClose(fd);
    }
    Sockets.shutdown(fd, Sockets.SHUT_RDWR);
    if (connecting && operations > 0) {
      cancel(CONNECT);
    }
    network.lateClose(this);
  }

  /** Frees the slot once no operation refers to it. */
  boolean finishClose() {
    if (state != State.CLOSING) {
      return state == State.FREE;
    }
    if (fd >= 0 && operations == Integer.bitCount(lentMask)) {
      Libc.close(fd);
      fd = -1;
    }
    if (operations > 0) {
      return false;
    }
    state = State.FREE;
    Sink to = sink;
    assert to != null : "a connection has a sink";
    sink = null;
    handshake = null;
    sending = false;
    receiving = false;
    to.onEnding(this);
    if (target != null) {
      target = null;
      to.onPayload(this, Payload.CUT);
    }
    apart = null;
    lendingAs = -1;
    while (!batch.isEmpty()) {
      batch.remove().onSent(false);
    }
    while (!queue.isEmpty()) {
      queue.remove().onSent(false);
    }
    to.onClosed(this, reason);
    return true;
  }

  // ---------------------------------------------------------------- completions

  void onCompletion(int token, int result, int flags) {
    int operation = token & OPERATION_MASK;
    boolean over = !IoUring.hasMore(flags);
    operations -= over ? 1 : 0;
    switch (operation) {
      case RECEIVE -> {
        drained = !IoUring.socketHasMore(flags);
        onReceived(result);
      }
      case SEND -> onSent(result);
      case CONNECT -> onConnected(result);
      case CANCEL -> {}
      default -> onLent(operation - LEND, result, flags);
    }
    if (state == State.CLOSING && operations == Integer.bitCount(lentMask)) {
      network.lateClose(this);
    }
  }

  void onRoom() {
    if (wantsReceive) {
      receive();
    }
    if (wantsSend) {
      transmit();
    }
  }

  private void onConnected(int result) {
    if (state != State.CONNECTING) {
      return;
    }
    if (result < 0) {
      close(CloseReason.CONNECT_FAILED);
      return;
    }
    state = State.HANDSHAKE;
    Handshake proof = handshake;
    assert proof != null : "a connection begins with a handshake";
    proof.hello(out, 0);
    outAt = 0;
    outEnd = Handshake.BYTES;
    transmit();
    receive();
  }

  // ---------------------------------------------------------------- receiving

  private void receive() {
    if (receiving || !alive() || queue.size() >= QUEUE_MAX) {
      return;
    }
    wantsReceive = !room();
    if (wantsReceive) {
      return;
    }
    MemorySegment into = target;
    receivingApart = into != null;
    boolean prepared;
    if (into != null) {
      // What is left may be many segments; one completion for all of them.
      prepared =
          uring()
              .prepReceive(
                  fd, into.address() + targetAt, payloadLeft, Sockets.MSG_WAITALL, token(RECEIVE));
    } else {
      compact();
      assert writeAt < IN_BYTES : "a whole message fits the buffer";
      // A payload that comes along with its header is copied, so let not much of it come along.
      int most = bulk && writeAt == 0 && payloadLeft == 0 ? BULK_HEAD_BYTES : IN_BYTES - writeAt;
      prepared = uring().prepReceive(fd, in.address() + writeAt, most, 0, token(RECEIVE));
      if (prepared && drained) {
        uring().waitFirst();
      }
    }
    assert prepared : "there was room";
    receiving = true;
    operations++;
  }

  private void compact() {
    if (readAt == writeAt) {
      readAt = 0;
      writeAt = 0;
    } else if (readAt > 0) {
      MemorySegment.copy(in, readAt, in, 0, writeAt - readAt);
      writeAt -= readAt;
      readAt = 0;
    }
  }

  private void onReceived(int result) {
    receiving = false;
    if (!alive()) {
      return;
    }
    boolean fault = receivingApart && result == -Errno.EFAULT;
    if (result <= 0 && !abandoning && !fault) {
      boolean judged = handshake != null && handshake.isJudged();
      close(judged ? CloseReason.SECRET_REFUSED : CloseReason.PEER_GONE);
      return;
    }
    if (receivingApart) {
      int got = Math.max(result, 0);
      network.received.add(got);
      targetAt += got;
      payloadLeft -= got;
      boolean stopped = abandoning;
      abandoning = false;
      if (payloadLeft == 0 || stopped) {
        payloadDone(payloadLeft == 0 ? Payload.WHOLE : Payload.CUT);
      } else if (fault) {
        payloadDone(Payload.FAULT);
      }
    } else {
      writeAt += result;
      network.received.add(result);
    }
    parse();
    receive();
  }

  private void parse() {
    while (alive()) {
      boolean more = state == State.HANDSHAKE ? parseHandshake() : parseFrame();
      if (!more) {
        return;
      }
    }
  }

  private boolean parseHandshake() {
    int length = writeAt - readAt;
    if (!Handshake.isPlausible(in, readAt, length)) {
      close(CloseReason.GARBAGE);
      return false;
    }
    if (length < Handshake.BYTES || sending || openAfterSend) {
      return false;
    }
    Handshake proof = handshake;
    assert proof != null : "a connection begins with a handshake";
    Handshake.Step step = proof.accept(in, readAt, out, 0);
    readAt += Handshake.BYTES;
    switch (step) {
      case GARBAGE -> close(CloseReason.GARBAGE);
      case WRONG_SECRET -> close(CloseReason.WRONG_SECRET);
      case PROVEN -> opened();
      case ANSWERED, PROVEN_AND_ANSWERED -> {
        openAfterSend = step == Handshake.Step.PROVEN_AND_ANSWERED;
        outAt = 0;
        outEnd = Handshake.BYTES;
        transmit();
      }
    }
    return alive() && !sending;
  }

  private void opened() {
    state = State.OPEN;
    handshake = null;
    noStranger();
    openAfterSend = false;
    network.opened.increment();
    Sink to = sink;
    assert to != null : "a connection has a sink";
    to.onOpen(this);
    pump();
  }

  private boolean parseFrame() {
    if (payloadLeft > 0) {
      return takePayload();
    }
    int length = writeAt - readAt;
    if (length < FrameLayout.HEADER_BYTES) {
      return false;
    }
    if (!FrameLayout.isSealed(in, readAt, crc, scratch)) {
      close(CloseReason.BAD_HEADER);
      return false;
    }
    int messageLength =
        Short.toUnsignedInt(in.get(FrameLayout.SHORT, readAt + FrameLayout.MESSAGE_LENGTH_AT));
    int payloadLength = in.get(FrameLayout.INT, readAt + FrameLayout.PAYLOAD_LENGTH_AT);
    boolean fits =
        messageLength <= MESSAGE_MAX_BYTES
            && payloadLength >= 0
            && payloadLength <= network.payloadMaxBytes();
    if (!fits) {
      close(CloseReason.OVERSIZE);
      return false;
    }
    if (length < FrameLayout.HEADER_BYTES + messageLength) {
      return false;
    }
    if (messageChecksum(messageLength)
        != in.get(FrameLayout.INT, readAt + FrameLayout.MESSAGE_CRC_AT)) {
      close(CloseReason.BAD_MESSAGE);
      return false;
    }
    int at = readAt;
    readAt += FrameLayout.HEADER_BYTES + messageLength;
    payloadLeft = payloadLength;
    bulk = payloadLength >= BULK_MIN_BYTES;
    Sink to = sink;
    assert to != null : "an open connection has a sink";
    to.onFrame(this, in, at, messageLength, payloadLength);
    return true;
  }

  private int messageChecksum(int messageLength) {
    int begin = readAt + FrameLayout.HEADER_BYTES;
    inBytes.limit(begin + messageLength).position(begin);
    crc.reset();
    crc.update(inBytes);
    return (int) crc.getValue();
  }

  /** For sinks, in onFrame: where this frame's payload goes. */
  void expect(MemorySegment memory, long at) {
    assert payloadLeft > 0 && target == null : "a payload has one target";
    target = memory;
    targetAt = at;
  }

  /**
   * The payload's memory is wanted back before all has come; {@link Sink#onPayload} tells when the
   * kernel has let go of it, and the rest is skipped.
   */
  void abandonPayload() {
    assert target != null : "there is a payload to give up";
    if (receiving && receivingApart) {
      if (!abandoning) {
        abandoning = true;
        cancel(RECEIVE);
      }
    } else {
      payloadDone(Payload.CUT);
    }
  }

  private boolean takePayload() {
    int take = Math.min(payloadLeft, writeAt - readAt);
    MemorySegment into = target;
    boolean fault = into != null && !ShrinkableMemory.copy(in, readAt, into, targetAt, take);
    if (into != null) {
      targetAt += take;
      network.copiedIn.add(take);
    }
    readAt += take;
    payloadLeft -= take;
    if (fault) {
      payloadDone(Payload.FAULT);
    } else if (payloadLeft == 0) {
      payloadDone(Payload.WHOLE);
    }
    return payloadLeft == 0;
  }

  /** What is left of it is skipped. */
  private void payloadDone(Payload end) {
    Sink to = sink;
    if (target != null && to != null) {
      target = null;
      if (end == Payload.FAULT) {
        network.faults.increment();
      }
      to.onPayload(this, end);
    }
  }

  // ---------------------------------------------------------------- sending

  void enqueue(Transmit frame) {
    queue.add(frame);
    pump();
  }

  /** Takes back a frame of which nothing was sent; false when it is on its way. */
  boolean withdraw(Transmit frame) {
    return queue.remove(frame);
  }

  /** Packs what waits into one send. */
  void pump() {
    if (sending || state != State.OPEN || queue.isEmpty()) {
      return;
    }
    assert outAt == outEnd && apartLeft == 0 && batch.isEmpty() : "the last send is over";
    outAt = 0;
    outEnd = 0;
    while (!queue.isEmpty() && apartLeft == 0) {
      Transmit frame = queue.element();
      int head = FrameLayout.HEADER_BYTES + frame.messageLength();
      int payload = frame.payloadLength();
      boolean copied = payload <= COPY_MAX_BYTES;
      if (outEnd + head + (copied ? payload : 0) > OUT_BYTES) {
        break;
      }
      queue.remove();
      frame.encode(this, out, outEnd);
      outEnd += head;
      if (!copied) {
        apart = frame.payload();
        apartAt = frame.payloadOffset();
        apartLeft = payload;
        apartIsLost = false;
      } else if (payload > 0) {
        if (!ShrinkableMemory.copy(frame.payload(), frame.payloadOffset(), out, outEnd, payload)) {
          network.faults.increment();
          MemorySegment.copy(ZEROS, 0, out, outEnd, payload);
        }
        outEnd += payload;
        network.copiedOut.add(payload);
      }
      frame.onSending(!copied);
      batch.add(frame);
    }
    transmit();
  }

  private void transmit() {
    assert outEnd > outAt || apartLeft > 0 : "there is something to send";
    sending = true;
    wantsSend = !room();
    if (wantsSend) {
      return;
    }
    MemorySegment behind = apart;
    int flags = Sockets.MSG_NOSIGNAL | Sockets.MSG_WAITALL;
    boolean lend =
        lending
            && lendingAs < 0
            && !apartIsLost
            && apartLeft >= network.lendMinBytes()
            && lentMask != (1 << LENT_MAX) - 1;
    if (behind == null || apartLeft == 0) {
      uring().prepSend(fd, out.address() + outAt, outEnd - outAt, flags, token(SEND));
    } else if (lend && outEnd > outAt) {
      // The out buffer is wanted again at once, so that what is lent is the payload alone.
      int more = flags | Sockets.MSG_MORE;
      uring().prepSend(fd, out.address() + outAt, outEnd - outAt, more, token(SEND));
    } else if (apartIsLost && outEnd == outAt) {
      int zeros = (int) Math.min(apartLeft, ZEROS.byteSize());
      uring().prepSend(fd, ZEROS.address(), zeros, flags, token(SEND));
    } else if (apartIsLost) {
      uring().prepSend(fd, out.address() + outAt, outEnd - outAt, flags, token(SEND));
    } else if (lend) {
      lendingAs = Integer.numberOfTrailingZeros(~lentMask);
      lentMask |= 1 << lendingAs;
      network.lends.increment();
      uring()
          .prepSendZeroCopy(
              fd, behind.address() + apartAt, apartLeft, flags, token(LEND + lendingAs));
    } else if (outEnd == outAt) {
      uring().prepSend(fd, behind.address() + apartAt, apartLeft, flags, token(SEND));
    } else {
      vector(0, out.address() + outAt, outEnd - outAt);
      vector(1, behind.address() + apartAt, apartLeft);
      control.set(FrameLayout.LONG, MSGHDR_IOV_AT, control.address() + IOV_AT);
      control.set(FrameLayout.LONG, MSGHDR_IOVLEN_AT, 2);
      uring().prepSendMessage(fd, control.address(), flags, token(SEND));
    }
    operations++;
  }

  private void vector(int index, long address, long length) {
    control.set(FrameLayout.LONG, IOV_AT + index * 16L, address);
    control.set(FrameLayout.LONG, IOV_AT + index * 16L + 8, length);
  }

  private void onSent(int result) {
    if (!alive()) {
      return;
    }
    if (result == -Errno.EFAULT && apartLeft > 0 && !apartIsLost) {
      network.faults.increment();
      apartIsLost = true;
      transmit();
      return;
    }
    if (result <= 0) {
      close(CloseReason.PEER_GONE);
      return;
    }
    network.sent.add(result);
    int fromOut = Math.min(result, outEnd - outAt);
    outAt += fromOut;
    apartAt += result - fromOut;
    apartLeft -= result - fromOut;
    if (outAt < outEnd || apartLeft > 0) {
      transmit();
      return;
    }
    apart = null;
    // A caller may send again from within: it joins the next batch.
    while (!batch.isEmpty()) {
      Transmit frame = batch.remove();
      if (batch.isEmpty() && lendingAs >= 0 && (lentMask & 1 << lendingAs) != 0) {
        lent[lendingAs] = frame;
      } else {
        frame.onSent(true);
      }
    }
    lendingAs = -1;
    sending = false;
    if (state == State.HANDSHAKE) {
      if (openAfterSend) {
        opened();
      }
      parse();
      receive();
    } else {
      pump();
      receive();
    }
  }

  /** A zero-copy send: its bytes are in the socket, then, apart from that, out of its memory. */
  private void onLent(int index, int result, int flags) {
    boolean over = !IoUring.hasMore(flags);
    if (over) {
      lentMask &= ~(1 << index);
    }
    if (IoUring.isNotification(flags)) {
      if (IoUring.wasCopied(result) && !network.lendsAlways) {
        // This way it costs more than a copy: it goes to this machine, or the device cannot.
        lending = false;
      }
      Transmit frame = lent[index];
      lent[index] = null;
      if (frame != null) {
        frame.onSent(true);
      }
    } else if (result < 0 && alive()) {
      // The limit of locked memory, mostly, or an old kernel. If it is the socket or the payload's
      // memory, the next send fails too.
      lending = result == -Errno.EFAULT;
      transmit();
    } else {
      onSent(result);
    }
  }

  // ---------------------------------------------------------------- helpers

  static int slotOf(int token) {
    return token >>> OPERATION_BITS;
  }

  private boolean alive() {
    return state == State.OPEN || state == State.HANDSHAKE;
  }

  private boolean room() {
    return uring().sqSpace() > 0 || reactor.makeRoom();
  }

  private void cancel(int operation) {
    // Without room the operation ends all the same: by the shutdown, or when its bytes have come.
    if (room() && uring().prepCancel(token(operation), token(CANCEL))) {
      operations++;
    }
  }

  private IoUring uring() {
    return reactor.uring();
  }

  private long token(int operation) {
    return Reactor.userData(network.client(), slot << OPERATION_BITS | operation);
  }
}
