package io.lampyris.reactor.net;

import io.lampyris.reactor.InboxTask;
import io.lampyris.reactor.ReactorContext;
import java.lang.foreign.MemorySegment;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/**
 * One request and its answer: a pooled state machine that the caller fills and sends, a service
 * answers, and the caller gets back in {@link #onReply}.
 *
 * <p>The message is SBE with its header at offset 0 of {@link #request}; the answer likewise in
 * {@link #reply}. File data is the payload: for a write the bytes to take, for a read the memory to
 * fill.
 */
public abstract class Call implements InboxTask {
  private enum Phase {
    IDLE,
    SENT,
    ANSWERED
  }

  private final @Nullable ReactorContext home;

  /** The message, SBE header first. */
  public final UnsafeBuffer request;

  /** The answer's message, SBE header first; empty when {@link #replyLength} is 0. */
  public final UnsafeBuffer reply;

  public int requestLength;
  public int replyLength;

  /** Memory that the payload lies in; {@link MemorySegment#NULL} without a payload. */
  public MemorySegment payload = MemorySegment.NULL;

  public long payloadOffset;
  public int payloadLength;

  /**
   * What the payload is for: false when the request carries it, true when it is room for the bytes
   * that the answer carries. Then a {@link #result} {@code >= 0} is how many bytes those are.
   */
  public boolean payloadIsRoom;

  /**
   * Others can shrink the payload's memory, or change what is in it, while the call is under way
   * ({@link io.lampyris.bindings.ShrinkableMemory}). Calls that came over a network have memory of
   * their own.
   */
  public boolean shrinkable;

  /** Monotonic; the caller is not interested in an answer after it. */
  public long deadlineNs = Long.MAX_VALUE;

  /** Goes with the call wherever it goes, and into logs. */
  public long traceId;

  /** Valid in {@link #onReply}: a value {@code >= 0} or a {@link io.lampyris.protocol.Status}. */
  public long result;

  private Phase phase = Phase.IDLE;
  private @Nullable Service service;

  /**
   * @param home the reactor on which the answer is wanted; null when {@link #onReply} may run on
   *     any thread
   */
  protected Call(@Nullable ReactorContext home, int requestCapacity, int replyCapacity) {
    this.home = home;
    this.request = new UnsafeBuffer(new byte[requestCapacity]);
    this.reply = new UnsafeBuffer(new byte[replyCapacity]);
  }

  /** The answer is here: {@link #result}, {@link #reply} and the payload are the caller's again. */
  protected abstract void onReply();

  /** Describes a payload that the request carries; none when {@code length} is 0. */
  public final void payload(MemorySegment memory, long offset, int length) {
    payload = memory;
    payloadOffset = offset;
    payloadLength = length;
    payloadIsRoom = false;
    shrinkable = false;
  }

  /** Describes memory that the answer's payload is to fill. */
  public final void payloadRoom(MemorySegment memory, long offset, int length) {
    payload(memory, offset, length);
    payloadIsRoom = true;
  }

  public final boolean isInFlight() {
    return phase != Phase.IDLE;
  }

  /** For services: answers the call. From the service's reactor. */
  public final void reply(long result) {
    assert phase == Phase.SENT : "a call is answered once: " + phase;
    this.result = result;
    phase = Phase.ANSWERED;
    service = null;
    if (home == null || home.inReactor()) {
      answered();
    } else {
      home.offer(this);
    }
  }

  /** For networks: marks the call sent and names who is to answer it. */
  public final void sending(Service to) {
    assert phase == Phase.IDLE : "a call is sent once at a time: " + phase;
    assert home == null || home.inReactor() : "a call is sent from its home";
    phase = Phase.SENT;
    replyLength = 0;
    service = to;
  }

  /** For networks: gives a sent call to who is to answer it, on that one's reactor. */
  public final void arrive() {
    Service to = service;
    assert to != null : "only a sent call arrives";
    to.onCall(this);
  }

  private void answered() {
    phase = Phase.IDLE;
    onReply();
  }

  /** Runs where the call was handed over to: at the service, or back home. */
  @Override
  public final void onReactor(long nowNs) {
    if (phase == Phase.ANSWERED) {
      answered();
    } else {
      arrive();
    }
  }
}
