package io.lampyris.reactor.net.verbs;

import io.lampyris.bindings.NativeException;
import io.lampyris.bindings.verbs.QueuePairAddress;
import io.lampyris.protocol.Services;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Service;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.Iterator;
import org.agrona.collections.Int2ObjectHashMap;
import org.jspecify.annotations.Nullable;

/** A node that is called: by RDMA when that works, else by TCP. Owner: the network's reactor. */
final class Peer implements Link.Sink {
  /** 4096 bytes, more than an interface carries that was left as it came. */
  private static final int LARGE = 5;

  /** 1024 bytes, which every interface carries. */
  private static final int SMALL = 3;

  private static final int SMALL_BYTES = 1024;

  private enum State {
    /** Calls go by TCP, until the next try; then TRYING. */
    TCP,
    /** Calls wait for the first try for a while, else they go by TCP; then MARKING or TCP. */
    TRYING,
    /** The way works. Calls wait until those before them have arrived by TCP; then OPEN or TCP. */
    MARKING,
    /** Calls go by RDMA; then TCP. */
    OPEN
  }

  /** A question to the node's network, over TCP. */
  private final class Question extends Call {
    private boolean isMark;
    private int epoch;

    Question() {
      super(network.context(), Greeting.BYTES, Greeting.BYTES);
    }

    void ask(@Nullable Link of, boolean mark) {
      isMark = mark;
      epoch = of == null ? -1 : of.epoch;
      requestLength =
          network
              .greeting()
              .encode(request, mark || of == null ? null : of.address().withMtuMax(packetMax));
      deadlineNs = network.nowNs() + network.options().attemptNs();
      sending(network.passage(nodeId, Services.VERBS));
      arrive();
    }

    @Override
    protected void onReply() {
      Link of = link;
      if (of != null && of.epoch == epoch) {
        onAnswer(of, this, isMark);
      }
    }
  }

  private final VerbsNetwork network;
  private final int nodeId;
  private final Int2ObjectHashMap<Service> passages = new Int2ObjectHashMap<>();
  private final ArrayDeque<Outgoing> waiting = new ArrayDeque<>();
  private final ArrayDeque<Outgoing> overdue = new ArrayDeque<>();
  private final ArrayDeque<Outgoing> pool = new ArrayDeque<>();

  /** Calls whose message the link has, by the low half of their id. */
  final @Nullable Outgoing[] slots;

  private final int[] freeSlots;
  private int freeCount;
  private int generation;
  private State state = State.TCP;
  private @Nullable Link link;
  private final Question question;
  private @Nullable InetSocketAddress triedAddress;
  private long patientUntilNs;
  private boolean triedOnce;
  private long retryAtNs = Long.MIN_VALUE;
  private long backoffNs;

  /** The largest packets that are tried, as enum ibv_mtu: small ones, once large were lost. */
  private int packetMax = LARGE;

  /** Small packets came where large ones had not; these are lost if that is so once more. */
  private boolean smallWorked;

  /** Both ends know each other, with packets of so many bytes; 0: they do not. */
  private int packetBytes;

  /** What both ends said that they can send. */
  private int agreedBytes;

  Peer(VerbsNetwork network, int nodeId) {
    this.network = network;
    this.nodeId = nodeId;
    question = new Question();
    slots = new Outgoing[network.options().callsMax()];
    freeSlots = new int[slots.length];
    for (int i = slots.length - 1; i >= 0; i--) {
      freeSlots[freeCount++] = i;
    }
    backoffNs = network.options().retryMinNs();
  }

  int nodeId() {
    return nodeId;
  }

  // ---------------------------------------------------------------- calls

  void submit(Call call, int serviceId) {
    if (state == State.TCP && network.nowNs() >= retryAtNs) {
      attempt();
    }
    boolean waits =
        switch (state) {
          case TCP -> false;
          case TRYING -> network.nowNs() < patientUntilNs;
          case MARKING, OPEN -> true;
        };
    boolean fits =
        call.requestLength <= Link.MESSAGE_MAX_BYTES
            && call.payloadLength <= network.payloadMaxBytes();
    if (!fits) {
      call.reply(Status.INVALID_ARGUMENT.code());
    } else if (call.deadlineNs <= network.nowNs()) {
      call.reply(Status.TIMEOUT.code());
    } else if (!waits) {
      byTcp(call, serviceId);
    } else {
      Outgoing made = pool.isEmpty() ? new Outgoing(this, network) : pool.remove();
      made.begin(call, serviceId);
      waiting.add(made);
      network.wantSweep(state == State.TRYING ? patientUntilNs : call.deadlineNs);
      network.wantSweep(call.deadlineNs);
      advance();
    }
  }

  private void byTcp(Call call, int serviceId) {
    Service passage = passages.get(serviceId);
    if (passage == null) {
      passage = network.passage(nodeId, serviceId);
      passages.put(serviceId, passage);
    }
    network.byTcp.increment();
    passage.onCall(call);
  }

  /** What waits goes by TCP, in its order. */
  private void flushToTcp() {
    for (int left = waiting.size(); left > 0; left--) {
      Outgoing of = waiting.remove();
      Call call = of.call();
      free(of);
      byTcp(call, of.serviceId);
    }
  }

  private void free(Outgoing of) {
    of.call = null;
    of.state = Outgoing.State.FREE;
    pool.add(of);
  }

  private void advance() {
    Link to = link;
    while (to != null && state == State.OPEN && freeCount > 0 && !waiting.isEmpty()) {
      Outgoing next = waiting.remove();
      int slot = freeSlots[--freeCount];
      slots[slot] = next;
      next.id = (long) ++generation << 32 | slot;
      next.state = Outgoing.State.QUEUED;
      network.calls.increment();
      to.enqueue(next);
    }
  }

  // ---------------------------------------------------------------- connecting

  private void attempt() {
    assert link == null && state == State.TCP : "one connection at a time: " + state;
    if (question.isInFlight()) {
      return; // of an attempt that has ended
    }
    Link made = network.begin(this);
    if (made == null) {
      postpone();
      return;
    }
    link = made;
    state = State.TRYING;
    packetBytes = 0;
    triedAddress = network.addressOf(nodeId);
    patientUntilNs = triedOnce ? Long.MIN_VALUE : network.nowNs() + network.options().patienceNs();
    triedOnce = true;
    question.ask(made, false);
  }

  /** No RDMA with this node for now. */
  private void postpone() {
    retryAtNs = network.nowNs() + backoffNs;
    backoffNs = Math.min(2 * backoffNs, network.options().retryMaxNs());
    network.failedTries.increment();
  }

  private void onAnswer(Link of, Call answer, boolean isMark) {
    if (isMark) {
      if (state == State.MARKING && answer.result >= 0) {
        state = State.OPEN;
        backoffNs = network.options().retryMinNs();
        advance();
      } else {
        of.end(LinkEnd.UNTRIED);
      }
      return;
    }
    Greeting greeting = network.greeting();
    boolean understood =
        answer.result >= 0
            && greeting.decode(answer.reply, answer.replyLength)
            && !greeting.isMark()
            && state == State.TRYING;
    if (!understood) {
      of.end(LinkEnd.UNTRIED);
      return;
    }
    QueuePairAddress agreed = greeting.address().withMtuMax(of.address().mtu());
    QueuePairAddress tried = agreed.withMtuMax(packetMax);
    try {
      of.connect(tried, greeting.receives(), greeting.receiveBytes(), true);
      agreedBytes = agreed.mtuBytes();
      packetBytes = tried.mtuBytes();
    } catch (NativeException refused) {
      of.end(LinkEnd.LOCAL_ERROR);
    }
  }

  @Override
  public void onOpen(Link opened) {
    boolean isSmall = packetBytes < agreedBytes;
    if (isSmall && !smallWorked) {
      // The way may have been cut before, for packets of any size.
      smallWorked = true;
      packetMax = LARGE;
      opened.end(LinkEnd.SMALL_WORKED);
      return;
    }
    smallWorked = isSmall;
    if (isSmall) {
      network.tellOfLostPackets(nodeId, triedAddress, agreedBytes, packetBytes);
    }
    state = State.MARKING;
    question.ask(opened, true);
  }

  @Override
  public void onDrained(Link from) {
    for (Outgoing of : slots) {
      if (of != null) {
        of.destroyWindows();
      }
    }
  }

  @Override
  public boolean waits() {
    return freeCount < slots.length;
  }

  @Override
  public void onEnded(Link from, LinkEnd why) {
    boolean worked = state == State.OPEN;
    boolean unheard = state == State.TRYING && packetBytes > 0 && why == LinkEnd.UNTRIED;
    link = null;
    state = State.TCP;
    if (worked) {
      retryAtNs = network.nowNs() + network.options().retryMinNs();
    } else if (unheard && packetBytes > SMALL_BYTES) {
      packetMax = SMALL;
    } else if (why != LinkEnd.SMALL_WORKED) {
      if (unheard) {
        packetMax = LARGE;
        smallWorked = false;
        network.tellOfBlockedWay(nodeId, triedAddress);
      }
      postpone();
    }
    // What had begun may have been carried out; what waited goes by TCP.
    for (int i = 0; i < slots.length; i++) {
      Outgoing of = slots[i];
      if (of != null) {
        complete(of, of.cancelled ? Status.TIMEOUT.code() : Status.UNREACHABLE.code());
      }
    }
    flushToTcp();
  }

  /** A try is worth it again. */
  void retryNow() {
    packetMax = LARGE;
    retryAtNs = Long.MIN_VALUE;
    backoffNs = network.options().retryMinNs();
  }

  void onAddress(@Nullable InetSocketAddress now) {
    Link open = link;
    if (open != null && now != null && !now.equals(triedAddress)) {
      open.end(LinkEnd.MOVED);
    }
    if (now != null) {
      retryNow();
    }
  }

  // ---------------------------------------------------------------- answers

  @Override
  public void onMessage(Link from, MemorySegment in, long at, byte[] message, int length, int key) {
    long id = in.get(Frame.LONG, at + Frame.ID_AT);
    int slot = (int) id;
    boolean plausible =
        in.get(Frame.BYTE, at + Frame.KIND_AT) == Frame.ANSWER && slot >= 0 && slot < slots.length;
    if (!plausible) {
      from.end(LinkEnd.PROTOCOL);
      return;
    }
    Outgoing of = slots[slot];
    if (of == null || of.id != id || of.state == Outgoing.State.ANSWERED) {
      network.lateAnswers.increment();
      return;
    }
    Call call = of.call();
    long result = in.get(Frame.LONG, at + Frame.RESULT_AT);
    boolean fits = length <= call.reply.capacity() && of.state == Outgoing.State.SENT;
    if (!fits) {
      from.end(LinkEnd.PROTOCOL);
      return;
    }
    System.arraycopy(message, 0, call.reply.byteArray(), 0, length);
    call.replyLength = length;
    of.result = of.cancelled ? Status.TIMEOUT.code() : result;
    of.onTakenBack(key);
    if (of.lastBound() < 0) {
      complete(of, of.result);
    } else {
      of.state = Outgoing.State.ANSWERED;
      from.invalidate(of);
    }
  }

  @Override
  public void onInvalidated(Link from, Outgoing of, boolean whole) {
    if (whole) {
      of.onAllTakenBack();
      complete(of, of.result);
    }
  }

  /** Nothing refers to the call's memory. */
  private void complete(Outgoing of, long result) {
    Call call = of.call();
    int slot = (int) of.id;
    assert slots[slot] == of : "a call has one slot";
    slots[slot] = null;
    freeSlots[freeCount++] = slot;
    boolean there = of.letGo(result);
    if (!there) {
      network.faults.increment();
    }
    free(of);
    call.reply(there ? result : Status.MEMORY_FAULT.code());
    advance();
  }

  // ---------------------------------------------------------------- deadlines

  /** Answers a call as if its deadline were over; false when it is not here. */
  boolean cancel(Call call) {
    for (Iterator<Outgoing> each = waiting.iterator(); each.hasNext(); ) {
      Outgoing of = each.next();
      if (of.call == call) {
        each.remove();
        free(of);
        call.reply(Status.TIMEOUT.code());
        return true;
      }
    }
    for (Outgoing of : slots) {
      if (of != null && of.call == call) {
        giveUp(of);
        return true;
      }
    }
    return false;
  }

  /** Answers what is overdue; returns the earliest deadline that is left. */
  long sweep(long nowNs) {
    if (state == State.TRYING && nowNs >= patientUntilNs) {
      flushToTcp();
    }
    long earliestNs = state == State.TRYING && !waiting.isEmpty() ? patientUntilNs : Long.MAX_VALUE;
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
      Outgoing of = overdue.remove();
      Call call = of.call();
      free(of);
      call.reply(Status.TIMEOUT.code());
    }
    for (Outgoing of : slots) {
      if (of != null) {
        earliestNs = Math.min(earliestNs, sweep(of, nowNs));
      }
    }
    return earliestNs;
  }

  private long sweep(Outgoing of, long nowNs) {
    if (of.cancelled) {
      Link to = link;
      if (nowNs >= of.releaseByNs && to != null) {
        to.end(LinkEnd.STALLED);
        return Long.MAX_VALUE;
      }
      return of.releaseByNs;
    }
    if (of.call().deadlineNs > nowNs) {
      return of.call().deadlineNs;
    }
    giveUp(of);
    return of.cancelled ? of.releaseByNs : Long.MAX_VALUE;
  }

  /** A call without windows is answered at once, others when the peer has let go. */
  private void giveUp(Outgoing of) {
    network.timeouts.increment();
    Link to = link;
    if (of.state == Outgoing.State.QUEUED && to != null && to.withdraw(of)) {
      complete(of, Status.TIMEOUT.code());
    } else if (of.lastBound() < 0 && of.state == Outgoing.State.SENT) {
      complete(of, Status.TIMEOUT.code());
    } else if (!of.cancelled) {
      of.cancelled = true;
      of.result = Status.TIMEOUT.code();
      of.releaseByNs = network.nowNs() + network.options().releaseNs();
      network.wantSweep(of.releaseByNs);
      if (to != null && of.state == Outgoing.State.SENT) {
        to.enqueue(network.control().cancel(of.id));
      }
    }
  }
}
