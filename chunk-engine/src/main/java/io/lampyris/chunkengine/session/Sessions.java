package io.lampyris.chunkengine.session;

import io.lampyris.chunkengine.format.ChunkState;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The last update of each client's channel that passed through here. Allocates for a channel that
 * it has not had before, as long as there are not too many. Owner: as the package says.
 */
public final class Sessions {
  /** As many channels as a thousand clients keep busy; about 5 MiB. */
  public static final int CHANNELS_MAX = 32 << 10;

  private static final int SLOTS_MIN = 64;

  private final int channelsMax;

  /** A channel stays in its slot until another one takes its place. */
  private Session[] slots = new Session[SLOTS_MIN];

  private int count;
  private @Nullable Session[] buckets = new Session[2 * SLOTS_MIN];

  // By when they were looked at last.
  private @Nullable Session oldest;
  private @Nullable Session youngest;

  public Sessions() {
    this(CHANNELS_MAX);
  }

  Sessions(int channelsMax) {
    this.channelsMax = channelsMax;
  }

  /** How many channels it has; their slots are from 0 to below this. */
  public int count() {
    return count;
  }

  /** The channel in a slot. */
  public Session at(int slot) {
    assert slot < count : "slot " + slot + " of " + count;
    return slots[slot];
  }

  // ---- what was answered ----

  /** The last update of a channel; null when nothing is known of it. */
  public @Nullable Session find(long clientHigh, long clientLow, int channel) {
    Session session = look(clientHigh, clientLow, channel);
    if (session != null) {
      touch(session);
    }
    return session;
  }

  /** What to fill in for an update that is done; null when it is none to remember. */
  public @Nullable Session record(long clientHigh, long clientLow, int channel, long sequence) {
    if (!Session.isNamed(clientHigh, clientLow, channel)) {
      return null;
    }
    Session session = find(clientHigh, clientLow, channel);
    if (session == null) {
      session = add(clientHigh, clientLow, channel);
    } else if (session.sequence > sequence) {
      return null;
    }
    session.begin(sequence);
    return session;
  }

  /**
   * A chunk's own record is about to be overwritten by that of its next update.
   *
   * @return its session; null when its client has gone on, or needs none
   */
  public @Nullable Session remember(ChunkState made) {
    Session session = record(made.clientHigh, made.clientLow, made.channel, made.sequence);
    if (session != null) {
      session.answer(
          made.inode, made.chunkIndex, made.result, made.version, made.lengthBytes, made.crc32c);
    }
    return session;
  }

  /** The session that tells of the very update that a chunk's record has; null without one. */
  public @Nullable Session of(ChunkState made) {
    Session session = look(made.clientHigh, made.clientLow, made.channel);
    boolean same =
        session != null
            && session.sequence == made.sequence
            && session.inode == made.inode
            && session.chunkIndex == made.chunkIndex;
    return same ? session : null;
  }

  /** Takes over what another one has. */
  public @Nullable Session take(Session other) {
    Session session = record(other.clientHigh, other.clientLow, other.channel, other.sequence);
    if (session != null) {
      session.answerAs(other);
    }
    return session;
  }

  // ---- the table ----

  private int bucket(long clientHigh, long clientLow, int channel) {
    long mixed = (clientHigh * 31 + clientLow) * 31 + channel;
    mixed *= 0x9E37_79B9_7F4A_7C15L;
    return (int) (mixed >>> 32) & (buckets.length - 1);
  }

  private @Nullable Session look(long clientHigh, long clientLow, int channel) {
    if (!Session.isNamed(clientHigh, clientLow, channel)) {
      return null;
    }
    Session at = buckets[bucket(clientHigh, clientLow, channel)];
    while (at != null && !at.isOf(clientHigh, clientLow, channel)) {
      at = at.sameBucket;
    }
    return at;
  }

  private Session add(long clientHigh, long clientLow, int channel) {
    Session session;
    if (count < channelsMax) {
      session = new Session();
      grow();
      slots[count++] = session;
    } else {
      session = forgetOldest();
    }
    session.begin(clientHigh, clientLow, channel);
    putIntoBucket(session);
    putYoungest(session);
    return session;
  }

  private void grow() {
    if (count < slots.length) {
      return;
    }
    slots = Arrays.copyOf(slots, 2 * count);
    buckets = new Session[4 * count];
    for (int slot = 0; slot < count; slot++) {
      putIntoBucket(slots[slot]);
    }
  }

  private void putIntoBucket(Session session) {
    int bucket = bucket(session.clientHigh, session.clientLow, session.channel);
    session.sameBucket = buckets[bucket];
    buckets[bucket] = session;
  }

  /** Takes it out of everything but its slot. */
  private Session forgetOldest() {
    Session forgotten = oldest;
    assert forgotten != null : "a full table has one";
    takeOut(forgotten);
    int bucket = bucket(forgotten.clientHigh, forgotten.clientLow, forgotten.channel);
    Session before = buckets[bucket];
    if (before == forgotten) {
      buckets[bucket] = forgotten.sameBucket;
      return forgotten;
    }
    while (before != null && before.sameBucket != forgotten) {
      before = before.sameBucket;
    }
    assert before != null : "each channel is in its bucket";
    before.sameBucket = forgotten.sameBucket;
    return forgotten;
  }

  private void touch(Session session) {
    if (session != youngest) {
      takeOut(session);
      putYoungest(session);
    }
  }

  private void takeOut(Session session) {
    Session older = session.older;
    Session younger = session.younger;
    if (older == null) {
      oldest = younger;
    } else {
      older.younger = younger;
    }
    if (younger == null) {
      youngest = older;
    } else {
      younger.older = older;
    }
  }

  private void putYoungest(Session session) {
    Session before = youngest;
    session.older = before;
    session.younger = null;
    youngest = session;
    if (before == null) {
      oldest = session;
    } else {
      before.younger = session;
    }
  }
}
