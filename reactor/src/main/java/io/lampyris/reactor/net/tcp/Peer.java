package io.lampyris.reactor.net.tcp;

import io.lampyris.protocol.Status;
import io.lampyris.reactor.Counter;
import io.lampyris.reactor.net.Call;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/**
 * A node that is called: one connection, made when there is a call and made again, not before the
 * backoff is over, when it was lost. Owner: the network's reactor.
 */
final class Peer implements Link.Sink {
  private final TcpNetwork network;
  private final int nodeId;
  private final TcpOptions options;
  private final ArrayDeque<Outgoing> waiting = new ArrayDeque<>();
  private final ArrayDeque<Outgoing> overdue = new ArrayDeque<>();
  private final ArrayDeque<Outgoing> pool = new ArrayDeque<>();
  private final @Nullable Outgoing[] slots;
  private final int[] freeSlots;
  private int freeCount;
  private int generation;
  private @Nullable Link link;
  private boolean ready;
  private boolean failing;
  private @Nullable Outgoing receiving;
  private long receivingResult;
  private long retryAtNs;
  private long backoffNs;
  private final Counter calls;
  private final Counter connects;
  private final Counter timeouts;
  private final Counter lateAnswers;

  Peer(TcpNetwork network, int nodeId, TcpOptions options) {
    this.network = network;
    this.nodeId = nodeId;
    this.options = options;
    slots = new Outgoing[options.windowMax()];
    freeSlots = new int[slots.length];
    for (int i = slots.length - 1; i >= 0; i--) {
      freeSlots[freeCount++] = i;
    }
    retryAtNs = Long.MIN_VALUE;
    backoffNs = options.backoffMinNs();
    calls = network.counter("peer" + nodeId + "_calls");
    connects = network.counter("peer" + nodeId + "_connects");
    timeouts = network.counter("peer" + nodeId + "_timeouts");
    lateAnswers = network.counter("peer" + nodeId + "_late_answers");
  }

  int nodeId() {
    return nodeId;
  }

  long nowNs() {
    return network.nowNs();
  }

  void submit(Call call, int serviceId) {
    calls.increment();
    if (call.requestLength > Link.MESSAGE_MAX_BYTES
        || call.payloadLength > network.payloadMaxBytes()) {
      call.reply(Status.INVALID_ARGUMENT.code());
      return;
    }
    if (call.deadlineNs <= nowNs()) {
      timeouts.increment();
      call.reply(Status.TIMEOUT.code());
      return;
    }
    if (link == null && !failing && (network.isClosed() || nowNs() < retryAtNs)) {
      call.reply(Status.UNREACHABLE.code());
      return;
    }
    Outgoing made = pool.isEmpty() ? new Outgoing(this) : pool.remove();
    made.begin(call, serviceId);
    waiting.add(made);
    network.wantSweep(call.deadlineNs);
    advance();
  }

  private void advance() {
    if (link == null && !failing && !waiting.isEmpty()) {
      connects.increment();
      link = network.connectTo(nodeId, this);
      if (link == null) {
        failAll(true);
      }
    }
    Link to = link;
    while (to != null && ready && freeCount > 0 && !waiting.isEmpty()) {
      Outgoing next = waiting.remove();
      int slot = freeSlots[--freeCount];
      slots[slot] = next;
      next.id = (long) ++generation << 32 | slot;
      next.hasSlot = true;
      next.state = Outgoing.State.QUEUED;
      to.enqueue(next);
    }
  }

  // ---------------------------------------------------------------- answers

  /** Decides a call's result; it is answered once the kernel has let go of its memory. */
  void complete(Outgoing of, long result) {
    assert !of.done : "a call has one result";
    of.done = true;
    of.result = result;
    if (of.hasSlot) {
      int slot = (int) of.id;
      slots[slot] = null;
      freeSlots[freeCount++] = slot;
      of.hasSlot = false;
    }
    if (of.state != Outgoing.State.SENDING) {
      settle(of);
    } else if (!of.apart) {
      // The frame was copied: only the link's list still knows it.
      Call call = of.call();
      of.call = null;
      call.reply(result);
    }
    if (!failing) {
      advance();
    }
  }

  /** Nothing refers to the call's memory: answers it, unless that was done, and recycles. */
  void settle(Outgoing of) {
    Call call = of.call;
    long result = of.result;
    of.call = null;
    of.state = Outgoing.State.FREE;
    pool.add(of);
    if (call != null) {
      call.reply(result);
    }
  }

  /**
   * What was sent to another address is answered UNREACHABLE, and goes to this one when retried.
   */
  void onAddress(@Nullable InetSocketAddress now) {
    Link open = link;
    if (open != null && now != null && !now.equals(open.connectedTo)) {
      open.close(CloseReason.MOVED);
    }
    if (now != null) {
      retryAtNs = Long.MIN_VALUE;
    }
  }

  @Override
  public void onOpen(Link opened) {
    ready = true;
    backoffNs = options.backoffMinNs();
    advance();
  }

  @Override
  public void onFrame(Link from, MemorySegment in, long at, int messageLength, int payloadLength) {
    long id = in.get(FrameLayout.LONG, at + FrameLayout.REQUEST_ID_AT);
    int slot = (int) id;
    boolean plausible =
        in.get(ValueLayout.JAVA_BYTE, at + FrameLayout.KIND_AT) == FrameLayout.ANSWER
            && slot >= 0
            && slot < slots.length;
    if (!plausible) {
      from.close(CloseReason.PROTOCOL);
      return;
    }
    Outgoing of = slots[slot];
    if (of == null || of.id != id) {
      lateAnswers.increment();
      return;
    }
    Call call = of.call();
    long result = in.get(FrameLayout.LONG, at + FrameLayout.RESULT_AT);
    boolean fits =
        messageLength <= call.reply.capacity()
            && (payloadLength == 0 || (call.payloadIsRoom && payloadLength <= call.payloadLength))
            && of.state.compareTo(Outgoing.State.SENDING) >= 0;
    if (!fits) {
      from.close(CloseReason.PROTOCOL);
      return;
    }
    MemorySegment.copy(
        in,
        ValueLayout.JAVA_BYTE,
        at + FrameLayout.HEADER_BYTES,
        call.reply.byteArray(),
        0,
        messageLength);
    call.replyLength = messageLength;
    if (payloadLength > 0) {
      receiving = of;
      receivingResult = result;
      from.expect(call.payload, call.payloadOffset);
    } else {
      complete(of, result);
    }
  }

  @Override
  public void onPayload(Link from, Link.Payload end) {
    Outgoing of = receiving;
    assert of != null : "a payload is of a call";
    receiving = null;
    if (of.expired) {
      complete(of, Status.TIMEOUT.code());
    } else {
      complete(
          of,
          switch (end) {
            case WHOLE -> receivingResult;
            case CUT -> Status.UNREACHABLE.code();
            case FAULT -> Status.MEMORY_FAULT.code();
          });
    }
  }

  @Override
  public void onEnding(Link from) {
    failing = true;
  }

  @Override
  public void onClosed(Link from, CloseReason reason) {
    boolean wasReady = ready;
    link = null;
    ready = false;
    failAll(!wasReady);
  }

  private void failAll(boolean backoff) {
    if (backoff) {
      retryAtNs = nowNs() + backoffNs;
      backoffNs = Math.min(backoffNs * 2, options.backoffMaxNs());
    }
    failing = true;
    for (int i = 0; i < slots.length; i++) {
      Outgoing of = slots[i];
      if (of != null) {
        complete(of, Status.UNREACHABLE.code());
      }
    }
    for (int left = waiting.size(); left > 0; left--) {
      complete(waiting.remove(), Status.UNREACHABLE.code());
    }
    failing = false;
    if (!waiting.isEmpty() && (backoff || network.isClosed())) {
      // What came while the others were answered: answered later, so that a caller which tries
      // again at once does not keep this loop going.
      network.later(this::failLate);
    } else {
      advance();
    }
  }

  private void failLate(long nowNs) {
    if (link == null) {
      for (int left = waiting.size(); left > 0; left--) {
        complete(waiting.remove(), Status.UNREACHABLE.code());
      }
    }
  }

  // ---------------------------------------------------------------- deadlines

  /** Answers a call as if its deadline were over. */
  void cancel(Call call) {
    for (Iterator<Outgoing> each = waiting.iterator(); each.hasNext(); ) {
      Outgoing of = each.next();
      if (of.call == call) {
        each.remove();
        timeouts.increment();
        complete(of, Status.TIMEOUT.code());
        return;
      }
    }
    for (Outgoing of : slots) {
      if (of != null && of.call == call) {
        timeouts.increment();
        expire(of);
        return;
      }
    }
  }

  /** Answers what is overdue; returns the earliest deadline that is left. */
  long sweep(long nowNs) {
    long earliestNs = Long.MAX_VALUE;
    for (Iterator<Outgoing> each = waiting.iterator(); each.hasNext(); ) {
      Outgoing of = each.next();
      if (of.call().deadlineNs <= nowNs) {
        each.remove();
        overdue.add(of);
      } else {
        earliestNs = Math.min(earliestNs, of.call().deadlineNs);
      }
    }
    while (!overdue.isEmpty()) {
      timeouts.increment();
      complete(overdue.remove(), Status.TIMEOUT.code());
    }
    for (Outgoing of : slots) {
      if (of != null && of.call().deadlineNs <= nowNs) {
        timeouts.increment();
        expire(of);
      } else if (of != null) {
        earliestNs = Math.min(earliestNs, of.call().deadlineNs);
      }
    }
    return earliestNs;
  }

  private void expire(Outgoing of) {
    Link over = link;
    assert over != null : "what has a slot has a link";
    if (of.state == Outgoing.State.QUEUED) {
      over.withdraw(of);
    }
    if (of == receiving) {
      of.expired = true;
      over.abandonPayload();
      return;
    }
    boolean stalled = of.state == Outgoing.State.SENDING && of.apart;
    complete(of, Status.TIMEOUT.code());
    if (stalled) {
      over.close(CloseReason.STALLED);
    }
  }
}
