package io.lampyris.chunkengine.chain;

import io.lampyris.chunkengine.format.ChunkState;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The last update of each client's channel that passed through here, and its result. A chunk's own
 * record has the last update of the chunk alone: when another client has updated it since, a retry
 * is recognised by this. Every member keeps it, so that the next head has it too. Owner: reactor.
 */
final class Sessions {
  /** As many channels as a thousand clients keep busy; about 5 MiB. */
  static final int CHANNELS_MAX = 32 << 10;

  /** A channel's last update. */
  static final class Last {
    long sequence;
    long inode;
    int chunkIndex;
    long result;
    int version;
    int lengthBytes;
    int crc32c;
  }

  /** Whose updates come one after another. What is a key of {@link #channels} does not change. */
  static final class Channel {
    private long clientHigh;
    private long clientLow;
    private int channel;

    private Channel set(long high, long low, int number) {
      clientHigh = high;
      clientLow = low;
      channel = number;
      return this;
    }

    long clientHigh() {
      return clientHigh;
    }

    long clientLow() {
      return clientLow;
    }

    int channel() {
      return channel;
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Channel that
          && clientHigh == that.clientHigh
          && clientLow == that.clientLow
          && channel == that.channel;
    }

    @Override
    public int hashCode() {
      return Long.hashCode((clientHigh * 31 + clientLow) * 31 + channel);
    }
  }

  /** Whom to look for: a key made for each look would be garbage for each update. */
  private final Channel wanted = new Channel();

  private final Map<Channel, Last> channels =
      new LinkedHashMap<>(64, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Channel, Last> eldest) {
          return size() > CHANNELS_MAX;
        }
      };

  /** Nobody in particular, and channel 0, which keeps no order, have no sessions. */
  private static boolean isNamed(long clientHigh, long clientLow, int channel) {
    return (clientHigh | clientLow) != 0 && channel != 0;
  }

  @Nullable Last find(long clientHigh, long clientLow, int channel) {
    return isNamed(clientHigh, clientLow, channel)
        ? channels.get(wanted.set(clientHigh, clientLow, channel))
        : null;
  }

  /** What to fill in for an update that is done; null when it is none to remember. */
  @Nullable Last record(long clientHigh, long clientLow, int channel, long sequence) {
    if (!isNamed(clientHigh, clientLow, channel)) {
      return null;
    }
    Last last = channels.get(wanted.set(clientHigh, clientLow, channel));
    if (last == null) {
      last = new Last();
      channels.put(new Channel().set(clientHigh, clientLow, channel), last);
    } else if (last.sequence > sequence) {
      return null;
    }
    last.sequence = sequence;
    return last;
  }

  /** A chunk's own record is about to be overwritten by that of its next update. */
  void remember(ChunkState made) {
    Last last = record(made.clientHigh, made.clientLow, made.channel, made.sequence);
    if (last != null) {
      last.inode = made.inode;
      last.chunkIndex = made.chunkIndex;
      last.result = made.result;
      last.version = made.version;
      last.lengthBytes = made.lengthBytes;
      last.crc32c = made.crc32c;
    }
  }

  /** All of them as they are now, for a member that has none. Allocates. */
  List<Map.Entry<Channel, Last>> all() {
    return List.copyOf(channels.entrySet());
  }
}
