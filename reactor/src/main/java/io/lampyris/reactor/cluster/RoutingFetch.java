package io.lampyris.reactor.cluster;

import io.lampyris.bindings.NativeMemory;
import io.lampyris.protocol.cluster.ClusterCodec;
import io.lampyris.protocol.cluster.RoutingAnswer;
import io.lampyris.protocol.cluster.RoutingQuery;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.net.Call;
import java.lang.foreign.MemorySegment;
import org.agrona.concurrent.UnsafeBuffer;

/** Asks for newer routing, one question at a time. Owner: reactor. */
final class RoutingFetch {
  /** What becomes of a question. */
  interface Listener {
    void onRouting();

    /** The question was answered, or not; no other is under way. */
    void onDone(boolean answered);
  }

  private static final int REQUEST_MAX_BYTES = 1 << 10;
  private static final int REPLY_BYTES = 16 << 10;

  private final ReactorContext context;
  private final Managers managers;
  private final RoutingFollower follower;
  private final Listener listener;
  private final long clientHigh;
  private final long clientLow;
  private final String name;
  private final long timeoutNs;
  private final Question question;
  private MemorySegment room = MemorySegment.NULL;
  private boolean closed;

  RoutingFetch(
      ReactorContext context,
      Managers managers,
      RoutingFollower follower,
      RoutingQuery self,
      long timeoutNs,
      Listener listener) {
    this.context = context;
    this.managers = managers;
    this.follower = follower;
    this.listener = listener;
    this.timeoutNs = timeoutNs;
    clientHigh = self.clientHigh();
    clientLow = self.clientLow();
    name = self.name();
    question = new Question();
  }

  boolean isUnderWay() {
    return question.isInFlight();
  }

  /** Asks what is newer than what is known. */
  void ask() {
    assert !question.isInFlight() && !closed;
    RoutingQuery query =
        new RoutingQuery(follower.knownVersion(), REPLY_BYTES, clientHigh, clientLow, name);
    question.requestLength = ClusterCodec.encode(query, question.request);
    question.deadlineNs = context.nowNs() + timeoutNs;
    question.payloadRoom(room, 0, (int) room.byteSize());
    question.manager = managers.current();
    managers.connection(question.manager).send(question);
  }

  /** Nothing more is asked or told; memory goes once it is ours again. */
  void close() {
    closed = true;
    if (!question.isInFlight()) {
      free();
    }
  }

  private void free() {
    if (room.byteSize() > 0) {
      NativeMemory.unmap(room);
      room = MemorySegment.NULL;
    }
  }

  private void onAnswer() {
    if (closed) {
      free();
      return;
    }
    if (question.result < 0) {
      managers.failed(question.manager);
      listener.onDone(false);
      return;
    }
    try {
      take(ClusterCodec.routingAnswer(question.reply, question.replyLength));
    } catch (IllegalArgumentException malformed) {
      managers.failed(question.manager);
      listener.onDone(false);
    }
  }

  private void take(RoutingAnswer answer) {
    boolean newer =
        switch (answer.place()) {
          case NONE_NEEDED -> false;
          case BEHIND_MESSAGE -> {
            int length = Math.min(answer.deltaBytes(), question.replyLength);
            yield follower.onDelta(question.reply, question.replyLength - length, length);
          }
          case IN_PAYLOAD -> {
            UnsafeBuffer payload = new UnsafeBuffer(room.asByteBuffer());
            yield follower.onDelta(payload, 0, (int) question.result);
          }
          case NEEDS_ROOM -> {
            free();
            room = NativeMemory.allocateAligned(answer.deltaBytes() * 5L / 4);
            ask();
            yield false;
          }
        };
    if (newer) {
      listener.onRouting();
    }
    if (!question.isInFlight()) {
      listener.onDone(true);
    }
  }

  private final class Question extends Call {
    int manager;

    Question() {
      super(context, REQUEST_MAX_BYTES, REPLY_BYTES);
    }

    @Override
    protected void onReply() {
      onAnswer();
    }
  }
}
