package io.lampyris.usrbio;

import io.lampyris.client.FileIo;
import io.lampyris.client.OpenInode;
import io.lampyris.protocol.Status;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** One claimed ring entry on its way; pooled. Owner: reactor. */
final class RingIo extends FileIo {
  /** Where it is; every I/O is in exactly one of these. */
  enum State {
    /** In the pool. Next: CLAIMED, by a ring that found an entry. */
    FREE,
    /** Copied from its ring. Next: SUBMITTED, or COMPLETED when its arguments are bad. */
    CLAIMED,
    /** The data path has it. Next: COMPLETED, or FREE when its ring is gone. */
    SUBMITTED,
    /** Waits for its completion to be written. Next: FREE. */
    COMPLETED
  }

  private final RingServer server;

  State state = State.FREE;
  @Nullable Ring ring;
  @Nullable Iov iov;
  @Nullable RingIo nextCompleted;

  /** By the clock of the cycle. */
  long claimedNs;

  /** As the program wrote them, unchecked. */
  int slot;

  long userdata;
  long idHigh;
  long idLow;
  long iovOffset;
  long inodeNumber;
  long length;

  /** Bytes or -errno. */
  long result;

  RingIo(RingServer server) {
    this.server = server;
  }

  Ring ring() {
    Ring owner = ring;
    assert owner != null : "an I/O outside the pool has a ring";
    return owner;
  }

  @Override
  protected void onComplete(long outcome) {
    server.onIoComplete(this, outcome >= 0 ? outcome : -Status.errnoOf(outcome));
  }

  /** Lets go of what the pool must not keep alive. */
  void clear() {
    state = State.FREE;
    ring = null;
    iov = null;
    nextCompleted = null;
    inode = OpenInode.NONE;
    memory = MemorySegment.NULL;
  }
}
