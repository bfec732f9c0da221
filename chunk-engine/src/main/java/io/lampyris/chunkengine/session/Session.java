package io.lampyris.chunkengine.session;

import org.jspecify.annotations.Nullable;

/** A channel's last update and what it was answered. Owner: its table's. */
public final class Session {
  /** Of {@link #version}: a removal of chunks from an index on is done, and there are no more. */
  public static final int DONE = -1;

  /** The same, and more follow. */
  public static final int DONE_MORE = -2;

  public long clientHigh;
  public long clientLow;
  public int channel;
  public long sequence;

  public long inode;

  /** Of a removal that is done: where it began. */
  public int chunkIndex;

  public long result;

  /** What the chunk became; 0: it was removed. */
  public int version;

  public int lengthBytes;
  public int crc32c;

  private boolean logged;

  // Of the table.
  @Nullable Session sameBucket;
  @Nullable Session older;
  @Nullable Session younger;

  /** Whether the log has it, as it is. */
  public boolean isLogged() {
    return logged;
  }

  /** The log has it, in the open group or before. */
  public void setLogged() {
    logged = true;
  }

  /** Nobody in particular, and channel 0, which keeps no order, have no sessions. */
  public boolean isNamed() {
    return isNamed(clientHigh, clientLow, channel);
  }

  static boolean isNamed(long clientHigh, long clientLow, int channel) {
    return (clientHigh | clientLow) != 0 && channel != 0;
  }

  boolean isOf(long high, long low, int number) {
    return clientHigh == high && clientLow == low && channel == number;
  }

  /** Another update of the channel, whose answer is to be filled in. */
  void begin(long number) {
    if (sequence != number) {
      sequence = number;
      logged = false;
    }
  }

  /** Another channel's, whose sequence and answer are to be filled in. */
  void begin(long high, long low, int number) {
    name(high, low, number, 0);
    logged = false;
  }

  /** Says whose update it is. */
  public void name(long high, long low, int number, long ofChannel) {
    clientHigh = high;
    clientLow = low;
    channel = number;
    sequence = ofChannel;
  }

  /** Fills in the answer. */
  public void answer(
      long ofInode, int ofIndex, long answer, int made, int madeLength, int madeCrc32c) {
    logged &=
        inode == ofInode
            && chunkIndex == ofIndex
            && result == answer
            && version == made
            && lengthBytes == madeLength
            && crc32c == madeCrc32c;
    inode = ofInode;
    chunkIndex = ofIndex;
    result = answer;
    version = made;
    lengthBytes = madeLength;
    crc32c = madeCrc32c;
  }

  /** Fills in what another one was answered. */
  void answerAs(Session other) {
    answer(
        other.inode,
        other.chunkIndex,
        other.result,
        other.version,
        other.lengthBytes,
        other.crc32c);
  }

  public void copyFrom(Session other) {
    name(other.clientHigh, other.clientLow, other.channel, other.sequence);
    answerAs(other);
  }
}
