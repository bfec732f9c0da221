package io.lampyris.reactor.net.verbs;

import java.lang.foreign.MemorySegment;

/** A message without a call of its own: a cancel, or an answer before the service's; pooled. */
final class Control implements Sendable {
  private static final byte[] EMPTY = new byte[0];

  private final VerbsNetwork network;
  private byte kind;
  private long id;
  private long result;
  private int takesBack;

  Control(VerbsNetwork network) {
    this.network = network;
  }

  /** A call of ours is given up. */
  Control cancel(long callId) {
    return set(Frame.CANCEL, callId, 0, 0);
  }

  /** A call of the peer's is answered; its memory is not reached any more. */
  Control answer(long callId, long status, int key) {
    return set(Frame.ANSWER, callId, status, key);
  }

  private Control set(byte what, long callId, long status, int key) {
    kind = what;
    id = callId;
    result = status;
    takesBack = key;
    return this;
  }

  @Override
  public int messageLength() {
    return 0;
  }

  @Override
  public byte[] message() {
    return EMPTY;
  }

  @Override
  public int entriesBefore() {
    return 0;
  }

  @Override
  public boolean prepare() {
    return true;
  }

  @Override
  public void fillBefore(Link link) {}

  @Override
  public void encode(MemorySegment into, long at) {
    into.set(Frame.BYTE, at + Frame.KIND_AT, kind);
    into.set(Frame.LONG, at + Frame.ID_AT, id);
    into.set(Frame.LONG, at + Frame.RESULT_AT, result);
  }

  @Override
  public int takesBack() {
    return takesBack;
  }

  @Override
  public boolean holds() {
    return false;
  }

  @Override
  public void onSent(boolean whole) {
    network.recycle(this);
  }
}
