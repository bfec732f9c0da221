package io.lampyris.client;

import io.lampyris.protocol.FileLayout;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.TimerTask;
import io.lampyris.reactor.net.Call;
import org.jspecify.annotations.Nullable;

/**
 * One message to one chain, sent again with the same identity until it has a final answer. Owner:
 * reactor.
 */
final class ChunkCall extends Call implements TimerTask {
  /** The largest storage request, header included, is 80 bytes. */
  private static final int REQUEST_BYTES = 128;

  /** The largest answer but QuerySpace's is 32 bytes. */
  private static final int REPLY_BYTES = 64;

  /** Which message this call is. */
  enum Kind {
    READ,
    WRITE,
    TRUNCATE,
    REMOVE,
    QUERY
  }

  /** A chain has no more members; who was asked beyond that may be asked again. */
  private static final int TRIED_MAX = 8;

  private final ChunkClient client;

  /** This call's alone, so at most one update is under way on it. */
  final int channel;

  @Nullable ChunkCall next;
  @Nullable Operation owner;

  Kind kind = Kind.READ;
  long inode;
  FileLayout layout = FileLayout.NONE;
  long chunkIndex;
  int chunkOffset;
  int lengthBytes;

  /** For REMOVE: {@link #chunkIndex} names the chain, this where removal begins. */
  long removeFromIndex;

  int removeMax;

  int crc32c;

  /** Names an update and with it its bytes: kept by retries as long as those are the same. */
  long sequence;

  /** When its operation has to be over. */
  long tryUntilNs;

  /** Attempts so far; the pauses between them grow with the rounds. */
  int attempts;

  int rounds;
  int damages;

  // The last attempt.
  @Nullable StorageNode node;
  boolean sent;
  boolean givenUp;
  long routesVersion;
  int chainVersion;
  @Nullable ChunkCall older;
  @Nullable ChunkCall younger;

  private final int[] tried = new int[TRIED_MAX];
  private int triedCount;

  ChunkCall(ReactorContext home, ChunkClient client, int channel) {
    super(home, REQUEST_BYTES, REPLY_BYTES);
    this.client = client;
    this.channel = channel;
  }

  void describe(Kind kind, long inode, FileLayout layout, long chunkIndex) {
    this.kind = kind;
    this.inode = inode;
    this.layout = layout;
    this.chunkIndex = chunkIndex;
  }

  boolean isTried(int nodeId) {
    for (int i = 0; i < triedCount; i++) {
      if (tried[i] == nodeId) {
        return true;
      }
    }
    return false;
  }

  void triedOne(int nodeId) {
    if (triedCount < TRIED_MAX && !isTried(nodeId)) {
      tried[triedCount++] = nodeId;
    }
  }

  void triedAll() {
    triedCount = 0;
  }

  boolean isUpdate() {
    return kind == Kind.WRITE || kind == Kind.TRUNCATE || kind == Kind.REMOVE;
  }

  @Override
  protected void onReply() {
    client.onReply(this);
  }

  /** The pause before a retry is over. */
  @Override
  public void onTimer(long nowNs) {
    client.resend(this);
  }
}
