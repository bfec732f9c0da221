package io.lampyris.reactor.net.verbs;

import io.lampyris.bindings.ShrinkableMemory;
import io.lampyris.bindings.verbs.MemoryWindow;
import io.lampyris.reactor.Buffer;
import io.lampyris.reactor.net.Call;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** A call on its way to a peer by RDMA; pooled by it. Owner: the network's reactor. */
final class Outgoing implements Sendable {
  private static final long NANOS_PER_MICRO = 1000;

  enum State {
    /** In the pool. */
    FREE,
    /** No connection, or its window is full. */
    WAITING,
    /** The link has it; no operation of it is posted. */
    QUEUED,
    /** The answer is to come. */
    SENT,
    /** Answered; its keys are being taken back. */
    ANSWERED
  }

  private final Peer peer;
  private final VerbsNetwork network;
  State state = State.FREE;
  @Nullable Call call;
  int serviceId;
  long id;

  /** Given up; the peer was asked to let go. */
  boolean cancelled;

  /** When the connection ends if the peer did not. */
  long releaseByNs;

  long result;

  private final VerbsMemory.Pinned pinned = new VerbsMemory.Pinned();
  private final @Nullable MemoryWindow[] windows = new MemoryWindow[Frame.WINDOWS_MAX];

  /** In the place of memory that is not registered. */
  private @Nullable Buffer stage;

  Outgoing(Peer peer, VerbsNetwork network) {
    this.peer = peer;
    this.network = network;
  }

  void begin(Call of, int service) {
    assert state == State.FREE : "taken from the pool: " + state;
    call = of;
    serviceId = service;
    state = State.WAITING;
    cancelled = false;
  }

  Call call() {
    Call of = call;
    assert of != null : "an answered call is not asked about";
    return of;
  }

  // ---------------------------------------------------------------- windows

  MemoryWindow window(int index) {
    MemoryWindow window = windows[index];
    assert window != null : "a call has as many windows as pieces of memory";
    return window;
  }

  /** The index of the last window whose key the peer holds; -1 when there is none. */
  int lastBound() {
    int last = -1;
    for (int i = 0; i < pinned.count; i++) {
      MemoryWindow window = windows[i];
      last = window != null && window.isBound() ? i : last;
    }
    return last;
  }

  /** A message took a key back. */
  void onTakenBack(int key) {
    for (int i = 0; i < pinned.count; i++) {
      MemoryWindow window = windows[i];
      if (window != null && window.isBound() && window.remoteKey() == key) {
        window.invalidated();
      }
    }
  }

  /** All keys were taken back by operations of ours. */
  void onAllTakenBack() {
    for (int i = 0; i < pinned.count; i++) {
      MemoryWindow window = windows[i];
      if (window != null && window.isBound()) {
        window.invalidated();
      }
    }
  }

  /** The connection ends: windows that are open are destroyed. */
  void destroyWindows() {
    for (int i = 0; i < windows.length; i++) {
      MemoryWindow window = windows[i];
      if (window != null && window.isBound()) {
        windows[i] = null;
        window.close();
      }
    }
  }

  /**
   * The payload's memory is its owner's again.
   *
   * @return false when room that was staged is not there any more
   */
  boolean letGo(long filledBytes) {
    boolean there = true;
    Buffer staged = stage;
    if (staged != null) {
      Call of = call();
      if (of.payloadIsRoom && filledBytes > 0) {
        int bytes = (int) Math.min(filledBytes, of.payloadLength);
        there = ShrinkableMemory.copy(staged.segment(), 0, of.payload, of.payloadOffset, bytes);
        network.copied.add(bytes);
      }
      stage = null;
      staged.release();
    }
    for (int i = 0; i < windows.length; i++) {
      MemoryWindow window = windows[i];
      if (window != null) {
        windows[i] = null;
        network.giveBack(window);
      }
    }
    pinned.release(network.memory());
    return there;
  }

  // ---------------------------------------------------------------- sending

  @Override
  public int messageLength() {
    return call().requestLength;
  }

  @Override
  public byte[] message() {
    return call().request.byteArray();
  }

  @Override
  public int entriesBefore() {
    return pinned.count;
  }

  @Override
  public boolean prepare() {
    Call of = call();
    int length = of.payloadLength;
    if (length == 0 || pinned.count > 0) {
      return true;
    }
    MemorySegment memory = of.payload;
    boolean reached =
        memory.isNative()
            && network.memory().pin(memory.address() + of.payloadOffset, length, pinned);
    if (!reached && !stage(of, length)) {
      return false;
    }
    for (int i = 0; i < pinned.count; i++) {
      windows[i] = network.window();
    }
    return true;
  }

  private boolean stage(Call of, int length) {
    Buffer buffer = network.acquire(length);
    if (buffer == null) {
      return false;
    }
    stage = buffer;
    MemorySegment memory = buffer.segment();
    if (!of.payloadIsRoom) {
      if (!ShrinkableMemory.copy(of.payload, of.payloadOffset, memory, 0, length)) {
        // Its checksum tells the receiver.
        memory.asSlice(0, length).fill((byte) 0);
        network.faults.increment();
      }
      network.copied.add(length);
    }
    boolean reached = network.memory().pin(memory.address(), length, pinned);
    assert reached : "the reactor's buffers are registered";
    return true;
  }

  @Override
  public void fillBefore(Link link) {
    for (int i = 0; i < pinned.count; i++) {
      link.fillBind(window(i), pinned, i, call().payloadIsRoom);
    }
  }

  @Override
  public void encode(MemorySegment into, long at) {
    Call of = call();
    int replyRoom = Math.min(of.reply.capacity(), Link.MESSAGE_MAX_BYTES);
    into.set(Frame.BYTE, at + Frame.KIND_AT, Frame.REQUEST);
    into.set(Frame.BYTE, at + Frame.WINDOWS_AT, (byte) pinned.count);
    into.set(Frame.SHORT, at + Frame.MESSAGE_ROOM_AT, (short) replyRoom);
    into.set(Frame.LONG, at + Frame.ID_AT, id);
    into.set(Frame.LONG, at + Frame.TRACE_ID_AT, of.traceId);
    into.set(Frame.INT, at + Frame.BUDGET_AT, (int) budgetUs(of.deadlineNs));
    into.set(Frame.INT, at + Frame.PAYLOAD_AT, of.payloadLength);
    into.set(Frame.INT, at + Frame.NODE_ID_AT, peer.nodeId());
    into.set(Frame.SHORT, at + Frame.SERVICE_ID_AT, (short) serviceId);
    into.set(Frame.SHORT, at + Frame.FLAGS_AT, of.payloadIsRoom ? Frame.PAYLOAD_IS_ROOM : 0);
    for (int i = 0; i < pinned.count; i++) {
      into.set(Frame.LONG, at + Frame.windowAt(i), pinned.addresses[i]);
      into.set(Frame.INT, at + Frame.windowLengthAt(i), pinned.lengths[i]);
      into.set(Frame.INT, at + Frame.windowKeyAt(i), window(i).remoteKey());
    }
  }

  private long budgetUs(long deadlineNs) {
    if (deadlineNs == Long.MAX_VALUE) {
      return Frame.BUDGET_NONE;
    }
    long us = (deadlineNs - network.nowNs()) / NANOS_PER_MICRO;
    return Math.clamp(us, 0, Frame.BUDGET_NONE - 1);
  }

  @Override
  public int takesBack() {
    return 0;
  }

  @Override
  public boolean holds() {
    return false;
  }

  /** The message was copied; or the connection ended, which the peer hears of by itself. */
  @Override
  public void onSent(boolean whole) {
    if (whole) {
      state = State.SENT;
    }
  }
}
