package io.lampyris.chunkengine.chain;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.store.ReadOp;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.Buffer;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Sends one version of a chunk, whole, to the member that is being copied to, in parts that fit
 * into a buffer. Whoever runs it has the chunk's turn. Owner: reactor.
 */
final class ChunkCopy implements PeerCall.User {
  /** Told when the copy is there, whole, or why it is not: DATA_CORRUPTION for bad bytes here. */
  interface Owner {
    void onCopied(ChunkCopy copy, long result);
  }

  /** The version to send; set before the start. */
  final ChunkState version = new ChunkState();

  private final Owner owner;
  private final ForwardMessage message = new ForwardMessage();
  private final Read read = new Read();
  private final Crc32c crc = new Crc32c();
  private @Nullable ChainTarget from;
  private ChainView.@Nullable Peer successor;
  private @Nullable Buffer buffer;
  private boolean pending;
  private int at;
  private int part;
  private long order;

  ChunkCopy(Owner owner) {
    this.owner = owner;
  }

  private final class Read extends ReadOp {
    @Override
    protected void onComplete(long result) {
      onRead(result);
    }
  }

  /** Starts from the beginning; {@link #version} is pending or committed. */
  void start(ChainTarget target, ChainView.Peer to, boolean isPending) {
    from = target;
    successor = to;
    pending = isPending;
    at = 0;
    int bytes = Math.min(version.lengthBytes, target.options.copyPartBytes());
    buffer = target.context.buffers().acquire(Math.max(1, bytes));
    if (buffer == null) {
      owner.onCopied(this, Status.BUSY.code());
      return;
    }
    next(buffer);
  }

  private ChainTarget target() {
    ChainTarget current = from;
    assert current != null : "a copy under way has its source";
    return current;
  }

  private void next(Buffer into) {
    int most = Math.min(target().options.copyPartBytes(), into.capacityBytes());
    part = Math.min(version.lengthBytes - at, most);
    if (part == 0) {
      send(into.segment());
      return;
    }
    read.inode = version.inode;
    read.chunkIndex = version.chunkIndex;
    read.version = pending ? ReadOp.Version.PENDING : ReadOp.Version.COMMITTED;
    read.chunkOffset = at;
    read.lengthBytes = part;
    read.payload = into.segment();
    read.payloadOffset = 0;
    read.payloadCapacityBytes = into.capacityBytes();
    target().store.submit(read);
  }

  private void onRead(long result) {
    Buffer held = buffer;
    assert held != null : "parts go through a buffer";
    if (result < 0) {
      finish(result);
    } else if (result != part || read.state.version != version.version) {
      finish(Status.BUSY.code());
    } else {
      send(held.segment());
    }
  }

  private void send(MemorySegment memory) {
    ChainTarget target = target();
    ChainView.Peer to = successor;
    assert to != null : "a copy under way has its destination";
    PeerCall call = target.peers.call();
    order = target.forwards.begin();
    message.copyPart(call, target, to, version, at, part, crc.of(memory, 0, part), order);
    call.payload(part == 0 ? MemorySegment.NULL : memory, 0, part);
    target.peers.send(call, to.nodeId(), this, target.options.forwardTimeoutNs());
  }

  @Override
  public void onPeerReply(PeerCall call) {
    ChainTarget target = target();
    target.forwards.end(order);
    if (call.result < 0) {
      finish(call.result);
      return;
    }
    target.counters.bytesCopied += part;
    at += part;
    if (at < version.lengthBytes) {
      Buffer held = buffer;
      assert held != null : "parts go through a buffer";
      next(held);
      return;
    }
    boolean same = message.isLike(call, version);
    finish(same ? 0 : Status.CHECKSUM_MISMATCH.code());
  }

  private void finish(long result) {
    Buffer held = buffer;
    if (held != null) {
      buffer = null;
      held.release();
    }
    read.payload = MemorySegment.NULL;
    owner.onCopied(this, result);
  }
}
