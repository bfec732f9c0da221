package io.lampyris.chunkengine.chain;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.store.UpdateOp;
import io.lampyris.protocol.Status;
import io.lampyris.protocol.sbe.ChunkReplyDecoder;
import io.lampyris.protocol.sbe.MessageHeaderDecoder;
import io.lampyris.protocol.sbe.MessageHeaderEncoder;
import io.lampyris.protocol.sbe.ReadChunkEncoder;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Takes a chunk whose bytes went bad from another member that has the same version, in the chunk's
 * turn, so that it stays the version that it is. A member that is being copied to may have it too:
 * what counts is the checksum that was recorded here. Rare, so it allocates. Owner: reactor.
 */
final class Repair extends ChunkTask implements PeerCall.User {
  /** Told when the chunk is good again, or why it is not. */
  interface Owner {
    void onRepaired(Repair repair, long result);
  }

  /** What every network carries at once. */
  private static final int PART_BYTES = 1 << 20;

  /** From one member to another: what is committed there. */
  static final int AS_COMMITTED = 1;

  private final ChainTarget target;
  private final Owner owner;
  private final ChunkState state = new ChunkState();
  private final MessageHeaderEncoder header = new MessageHeaderEncoder();
  private final MessageHeaderDecoder replyHeader = new MessageHeaderDecoder();
  private final ReadChunkEncoder read = new ReadChunkEncoder();
  private final ChunkReplyDecoder reply = new ChunkReplyDecoder();
  private final Write write = new Write();
  private @Nullable Arena arena;
  private MemorySegment memory = MemorySegment.NULL;
  private int viewVersion;
  private List<ChainView.Peer> sources = List.of();
  private int source;
  private int at;

  Repair(ChainTarget target, Owner owner) {
    this.target = target;
    this.owner = owner;
  }

  private final class Write extends UpdateOp {
    @Override
    protected void onComplete(long result) {
      finish(result);
    }
  }

  void start(long ofInode, int ofIndex) {
    inode = ofInode;
    chunkIndex = ofIndex;
    viewVersion = target.view().version();
    target.turns.take(this);
  }

  @Override
  void onGranted() {
    long refused = target.admits(viewVersion);
    if (refused != 0 || !target.store.find(inode, chunkIndex, state)) {
      finish(refused != 0 ? refused : Status.CHUNK_NOT_FOUND.code());
      return;
    }
    if (target.store.pendingVersion(inode, chunkIndex) != 0) {
      // Its bytes may lie over those that are bad.
      finish(Status.BUSY.code());
      return;
    }
    Arena own = Arena.ofShared();
    arena = own;
    memory = own.allocate(Math.max(1, state.lengthBytes), 4096);
    sources = target.view().sources();
    source = -1;
    nextSource();
  }

  private void nextSource() {
    ChainView view = target.view();
    source++;
    if (view.version() != viewVersion || source == sources.size()) {
      finish(Status.DATA_CORRUPTION.code());
    } else {
      at = 0;
      ask();
    }
  }

  private void ask() {
    PeerCall call = target.peers.call();
    int part = Math.min(PART_BYTES, state.lengthBytes - at);
    read.wrapAndApplyHeader(call.request, 0, header);
    ChainView.Peer from = sources.get(source);
    ForwardMessage.address(read.chunk(), target, from, inode, chunkIndex);
    read.chunkOffset(at).length(part).flags(AS_COMMITTED);
    call.requestLength = MessageHeaderEncoder.ENCODED_LENGTH + read.encodedLength();
    call.payloadRoom(memory, at, part);
    target.peers.send(call, from.nodeId(), this, target.options.forwardTimeoutNs());
  }

  @Override
  public void onPeerReply(PeerCall call) {
    int part = Math.min(PART_BYTES, state.lengthBytes - at);
    if (call.result != part || !isSame(call) || target.view().version() != viewVersion) {
      nextSource();
      return;
    }
    at += part;
    if (at < state.lengthBytes) {
      ask();
    } else {
      writeBack();
    }
  }

  private boolean isSame(PeerCall call) {
    if (call.replyLength < MessageHeaderEncoder.ENCODED_LENGTH + ChunkReplyDecoder.BLOCK_LENGTH) {
      return false;
    }
    reply.wrapAndApplyHeader(call.reply, 0, replyHeader);
    return reply.committedVersion() == state.version
        && reply.chunkLength() == state.lengthBytes
        && (int) reply.chunkCrc32c() == state.crc32c;
  }

  /** The store takes it only if it has the checksum that was recorded here. */
  private void writeBack() {
    write.kind = UpdateOp.Kind.REPLACE;
    write.stage = UpdateOp.Stage.AT_ONCE;
    write.inode = inode;
    write.chunkIndex = chunkIndex;
    write.chainVersion = state.chainVersion;
    write.chunkSizeBytes = state.chunkSizeBytes;
    write.chunkOffset = 0;
    write.lengthBytes = state.lengthBytes;
    write.updateVersion = state.version;
    write.payloadCrc32c = state.crc32c;
    write.clientHigh = state.clientHigh;
    write.clientLow = state.clientLow;
    write.sequence = state.sequence;
    write.channel = state.channel;
    write.wholeBytes = state.lengthBytes;
    write.wholeCrc32c = state.crc32c;
    write.copiedResult = state.result;
    write.payload = memory;
    write.payloadOffset = 0;
    target.store.submit(write);
  }

  private void finish(long result) {
    Arena own = arena;
    if (own != null) {
      arena = null;
      write.payload = MemorySegment.NULL;
      memory = MemorySegment.NULL;
      own.close();
    }
    if (result >= 0) {
      target.counters.repairs++;
    } else {
      target.counters.repairFailures++;
    }
    target.turns.giveBack(inode, chunkIndex);
    owner.onRepaired(this, result);
  }
}
