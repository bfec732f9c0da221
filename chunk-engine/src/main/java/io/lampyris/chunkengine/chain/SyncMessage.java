package io.lampyris.chunkengine.chain;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.session.Session;
import io.lampyris.chunkengine.session.Sessions;
import io.lampyris.chunkengine.space.BadChunk;
import io.lampyris.chunkengine.store.RememberOp;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.protocol.sbe.ChunkAddressEncoder;
import io.lampyris.protocol.sbe.CompareChunksDecoder;
import io.lampyris.protocol.sbe.CompareChunksEncoder;
import io.lampyris.protocol.sbe.CompareChunksReplyDecoder;
import io.lampyris.protocol.sbe.CompareChunksReplyEncoder;
import io.lampyris.protocol.sbe.CopySessionsDecoder;
import io.lampyris.protocol.sbe.CopySessionsEncoder;
import io.lampyris.protocol.sbe.FinishSyncEncoder;
import io.lampyris.protocol.sbe.IdentityDecoder;
import io.lampyris.protocol.sbe.ListChunksDecoder;
import io.lampyris.protocol.sbe.ListChunksEncoder;
import io.lampyris.protocol.sbe.ListChunksReplyDecoder;
import io.lampyris.protocol.sbe.ListChunksReplyEncoder;
import io.lampyris.protocol.sbe.MessageHeaderDecoder;
import io.lampyris.protocol.sbe.MessageHeaderEncoder;
import io.lampyris.reactor.net.Call;
import java.util.List;

/** Writes and reads the pages by which two members compare what they hold. Owner: reactor. */
final class SyncMessage {
  /** Fits into a page's message with room to spare. */
  static final int PAGE_CHUNKS = 256;

  /** Slots that one message looks at: holes are passed over quickly, but not all at once. */
  private static final int PAGE_SLOTS = 4096;

  /** Likewise. */
  static final int PAGE_SESSIONS = 100;

  /** Of chunks that went bad; the rest is repaired when it serves. */
  private static final int QUARANTINED_MAX = 1024;

  private static final int HEADER = MessageHeaderEncoder.ENCODED_LENGTH;

  /** A page's keys. */
  final long[] inodes = new long[PAGE_CHUNKS];

  final int[] indices = new int[PAGE_CHUNKS];
  int count;

  private final ChunkState state = new ChunkState();
  private final MessageHeaderEncoder header = new MessageHeaderEncoder();
  private final MessageHeaderDecoder headerDecoder = new MessageHeaderDecoder();
  private final ListChunksEncoder list = new ListChunksEncoder();
  private final ListChunksReplyEncoder listReply = new ListChunksReplyEncoder();
  private final ListChunksReplyDecoder listed = new ListChunksReplyDecoder();
  private final CompareChunksEncoder compare = new CompareChunksEncoder();
  private final CompareChunksReplyEncoder compareReply = new CompareChunksReplyEncoder();
  private final CompareChunksReplyDecoder compared = new CompareChunksReplyDecoder();
  private final FinishSyncEncoder finish = new FinishSyncEncoder();
  private final CopySessionsEncoder sessions = new CopySessionsEncoder();

  private static void address(ChunkAddressEncoder chunk, ChainTarget from, ChainView.Peer to) {
    ForwardMessage.address(chunk, from, to, 0, 0);
  }

  // ---- what the other one has ----

  void list(PeerCall call, ChainTarget target, ChainView.Peer to, int fromSlot) {
    list.wrapAndApplyHeader(call.request, 0, header);
    address(list.chunk(), target, to);
    list.fromSlot(fromSlot).chunksMax(PAGE_CHUNKS);
    call.requestLength = HEADER + list.encodedLength();
  }

  void answerList(Call call, ListChunksDecoder request, TargetStore store) {
    int slot = Math.max(0, request.fromSlot());
    int slots = store.slots();
    int end = (int) Math.min(slots, (long) slot + PAGE_SLOTS);
    int max = Math.min(PAGE_CHUNKS, request.chunksMax());
    count = 0;
    for (; slot < end && count < max; slot++) {
      if (store.at(slot, state)) {
        inodes[count] = state.inode;
        indices[count] = state.chunkIndex;
        count++;
      }
    }
    listReply.wrapAndApplyHeader(call.reply, 0, header).nextSlot(slot >= slots ? -1 : slot);
    ListChunksReplyEncoder.ChunksEncoder group = listReply.chunksCount(count);
    for (int i = 0; i < count; i++) {
      group.next().inode(inodes[i]).chunkIndex(indices[i]);
    }
    call.replyLength = HEADER + listReply.encodedLength();
    call.reply(0);
  }

  /** Takes the keys of an answer; the next slot to ask for, -1 at the end. */
  int takeList(Call call) {
    listed.wrapAndApplyHeader(call.reply, 0, headerDecoder);
    int next = listed.nextSlot();
    count = 0;
    for (ListChunksReplyDecoder.ChunksDecoder chunk : listed.chunks()) {
      inodes[count] = chunk.inode();
      indices[count] = chunk.chunkIndex();
      count++;
    }
    return next;
  }

  // ---- what is different ----

  /** Asks about the chunks from a slot on; the slot behind the last one that was looked at. */
  int compare(PeerCall call, ChainTarget target, ChainView.Peer to, int fromSlot) {
    int end = (int) Math.min(target.store.slots(), (long) fromSlot + PAGE_SLOTS);
    int slot = fromSlot;
    count = 0;
    for (; slot < end && count < PAGE_CHUNKS; slot++) {
      if (target.store.at(slot, state)) {
        inodes[count] = state.inode;
        indices[count] = state.chunkIndex;
        count++;
      }
    }
    compare.wrapAndApplyHeader(call.request, 0, header);
    address(compare.chunk(), target, to);
    CompareChunksEncoder.ChunksEncoder group = compare.chunksCount(count);
    for (int i = 0; i < count; i++) {
      boolean there = target.store.find(inodes[i], indices[i], state);
      assert there : "nothing changes while a page is made";
      group
          .next()
          .inode(state.inode)
          .chunkIndex(state.chunkIndex)
          .version(state.version)
          .length(state.lengthBytes)
          .crc32c(Integer.toUnsignedLong(state.crc32c))
          .maker(Integer.toUnsignedLong(state.maker()));
    }
    call.requestLength = HEADER + compare.encodedLength();
    return slot;
  }

  /** Ends what was left pending of the chunks that are asked about; false when nothing was. */
  static boolean settle(CompareChunksDecoder request, ChainTarget target) {
    boolean any = false;
    for (CompareChunksDecoder.ChunksDecoder chunk : request.chunks()) {
      if (target.hasLeft(chunk.inode(), chunk.chunkIndex())) {
        any = true;
        target.settle(
            chunk.inode(),
            chunk.chunkIndex(),
            new ChainTarget.Base(
                chunk.version(), chunk.length(), (int) chunk.crc32c(), (int) chunk.maker()));
      }
    }
    return any;
  }

  void answerCompare(Call call, CompareChunksDecoder request, TargetStore store) {
    int at = 0;
    count = 0;
    List<BadChunk> bad = store.quarantined(QUARANTINED_MAX);
    for (CompareChunksDecoder.ChunksDecoder chunk : request.chunks()) {
      boolean same =
          store.find(chunk.inode(), chunk.chunkIndex(), state)
              && state.isLike(
                  chunk.version(), chunk.length(), (int) chunk.crc32c(), (int) chunk.maker())
              && !isBad(bad, chunk.inode(), chunk.chunkIndex());
      if (!same && count < PAGE_CHUNKS) {
        indices[count++] = at;
      }
      at++;
    }
    compareReply.wrapAndApplyHeader(call.reply, 0, header);
    CompareChunksReplyEncoder.DifferentEncoder group = compareReply.differentCount(count);
    for (int i = 0; i < count; i++) {
      group.next().position(indices[i]);
    }
    call.replyLength = HEADER + compareReply.encodedLength();
    call.reply(0);
  }

  private static boolean isBad(List<BadChunk> bad, long inode, int chunkIndex) {
    for (BadChunk one : bad) {
      if (one.inode() == inode && one.chunkIndex() == chunkIndex) {
        return true;
      }
    }
    return false;
  }

  /** Keeps of the page what the answer calls different. */
  void takeDifferent(Call call) {
    compared.wrapAndApplyHeader(call.reply, 0, headerDecoder);
    int kept = 0;
    for (CompareChunksReplyDecoder.DifferentDecoder one : compared.different()) {
      int position = one.position();
      if (position < count && kept <= position) {
        inodes[kept] = inodes[position];
        indices[kept] = indices[position];
        kept++;
      }
    }
    count = kept;
  }

  // ---- what clients were answered ----

  /** Tells a page of sessions; how many. */
  int sessions(PeerCall call, ChainTarget target, ChainView.Peer to, int from) {
    Sessions all = target.sessions;
    int end = Math.min(all.count(), from + PAGE_SESSIONS);
    sessions.wrapAndApplyHeader(call.request, 0, header);
    address(sessions.chunk(), target, to);
    CopySessionsEncoder.SessionsEncoder group = sessions.sessionsCount(end - from);
    for (int i = from; i < end; i++) {
      Session last = all.at(i);
      group
          .next()
          .identity()
          .clientHigh(last.clientHigh)
          .clientLow(last.clientLow)
          .channel(last.channel)
          .sequence(last.sequence);
      group
          .inode(last.inode)
          .chunkIndex(last.chunkIndex)
          .answer(last.result)
          .version(last.version)
          .length(last.lengthBytes)
          .crc32c(Integer.toUnsignedLong(last.crc32c));
    }
    call.requestLength = HEADER + sessions.encodedLength();
    return end - from;
  }

  /** False when there are more than fit. */
  boolean takeSessions(CopySessionsDecoder message, RememberOp into) {
    into.clear();
    for (CopySessionsDecoder.SessionsDecoder one : message.sessions()) {
      if (into.isFull()) {
        return false;
      }
      IdentityDecoder identity = one.identity();
      Session session = into.add();
      session.name(
          identity.clientHigh(), identity.clientLow(), identity.channel(), identity.sequence());
      session.answer(
          one.inode(),
          one.chunkIndex(),
          one.answer(),
          one.version(),
          one.length(),
          (int) one.crc32c());
    }
    return true;
  }

  void finish(PeerCall call, ChainTarget target, ChainView.Peer to) {
    finish.wrapAndApplyHeader(call.request, 0, header);
    address(finish.chunk(), target, to);
    call.requestLength = HEADER + finish.encodedLength();
  }
}
