package io.lampyris.client;

import io.lampyris.protocol.Status;
import io.lampyris.protocol.sbe.ChunkAddressDecoder;
import io.lampyris.protocol.sbe.ChunkReplyEncoder;
import io.lampyris.protocol.sbe.IdentityDecoder;
import io.lampyris.protocol.sbe.MessageHeaderDecoder;
import io.lampyris.protocol.sbe.MessageHeaderEncoder;
import io.lampyris.protocol.sbe.QueryChunksDecoder;
import io.lampyris.protocol.sbe.QueryChunksReplyEncoder;
import io.lampyris.protocol.sbe.QuerySpaceDecoder;
import io.lampyris.protocol.sbe.QuerySpaceReplyEncoder;
import io.lampyris.protocol.sbe.ReadChunkDecoder;
import io.lampyris.protocol.sbe.RemoveChunksDecoder;
import io.lampyris.protocol.sbe.RemoveChunksReplyEncoder;
import io.lampyris.protocol.sbe.TruncateChunkDecoder;
import io.lampyris.protocol.sbe.WriteChunkDecoder;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Service;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A storage service that keeps chunks in memory: speaks the real messages, is FIFO per chunk, knows
 * retries by their identity, and can be told to be late, busy, full or broken.
 */
final class TestStorage implements Service {
  /** Chunks are on the chain that the address names; asking another chain finds nothing. */
  private record ChunkKey(long inode, int chainId, int index) {}

  private record Channel(long clientHigh, long clientLow, int channel) {}

  private record Outcome(long sequence, long result) {}

  private final ReactorContext host;
  private final int chainVersion;
  private final Map<ChunkKey, byte[]> chunks = new HashMap<>();
  private final Map<Channel, Outcome> outcomes = new HashMap<>();
  private final Map<Long, ArrayDeque<Call>> queues = new HashMap<>();
  private final Set<String> identities = new HashSet<>();
  private final MessageHeaderDecoder header = new MessageHeaderDecoder();
  private final MessageHeaderEncoder replyHeader = new MessageHeaderEncoder();
  private final Random random;

  /** How many of the next calls are answered BUSY without effect. */
  final AtomicInteger busyNext = new AtomicInteger();

  /** How many of the next writes take effect and then look unreachable. */
  final AtomicInteger loseAnswerNext = new AtomicInteger();

  /** How many of the next calls are refused as of another chain version. */
  final AtomicInteger mismatchNext = new AtomicInteger();

  /** Fails every write with this; 0 when well. */
  volatile long writeFailure;

  /** Sees each write first. */
  volatile Consumer<Call> beforeWrite = call -> {};

  volatile long readFailure;
  volatile long removeFailure;
  volatile int chunksMax = Integer.MAX_VALUE;
  volatile long delayMaxNs;
  final AtomicInteger applied = new AtomicInteger();
  final AtomicInteger repeated = new AtomicInteger();
  final AtomicInteger calls = new AtomicInteger();
  final AtomicLong chunkCount = new AtomicLong();
  final AtomicInteger underWay = new AtomicInteger();
  final AtomicInteger underWayMax = new AtomicInteger();

  TestStorage(ReactorContext host, int chainVersion, long seed) {
    this.host = host;
    this.chainVersion = chainVersion;
    this.random = new Random(seed);
  }

  @Override
  public void onCall(Call call) {
    calls.incrementAndGet();
    underWayMax.accumulateAndGet(underWay.incrementAndGet(), Math::max);
    if (take(busyNext)) {
      answer(call, Status.BUSY.code());
      return;
    }
    if (delayMaxNs == 0) {
      answer(call, run(call));
      return;
    }
    ArrayDeque<Call> queue = queues.computeIfAbsent(chunkOf(call), key -> new ArrayDeque<>());
    queue.add(call);
    if (queue.size() == 1) {
      runLater(queue);
    }
  }

  private void answer(Call call, long result) {
    underWay.decrementAndGet();
    call.reply(result);
  }

  private void runLater(ArrayDeque<Call> queue) {
    long delayNs = delayMaxNs == 0 ? 0 : random.nextLong(delayMaxNs);
    host.timers()
        .schedule(
            host.nowNs() + delayNs,
            nowNs -> {
              Call call = queue.remove();
              long result = run(call);
              if (!queue.isEmpty()) {
                runLater(queue);
              }
              answer(call, result);
            });
  }

  private static boolean take(AtomicInteger counter) {
    return counter.getAndUpdate(value -> Math.max(0, value - 1)) > 0;
  }

  private long chunkOf(Call call) {
    header.wrap(call.request, 0);
    // Every storage request but QuerySpace begins with the chunk's address: inode, index.
    return header.templateId() == QuerySpaceDecoder.TEMPLATE_ID
        ? -1
        : call.request.getLong(MessageHeaderDecoder.ENCODED_LENGTH)
            ^ ((long) call.request.getInt(MessageHeaderDecoder.ENCODED_LENGTH + 8) << 40);
  }

  private long run(Call call) {
    header.wrap(call.request, 0);
    return switch (header.templateId()) {
      case ReadChunkDecoder.TEMPLATE_ID -> read(call);
      case WriteChunkDecoder.TEMPLATE_ID -> write(call);
      case TruncateChunkDecoder.TEMPLATE_ID -> truncate(call);
      case RemoveChunksDecoder.TEMPLATE_ID -> remove(call);
      case QueryChunksDecoder.TEMPLATE_ID -> query(call);
      case QuerySpaceDecoder.TEMPLATE_ID -> space(call);
      default -> Status.NOT_IMPLEMENTED.code();
    };
  }

  private static ChunkKey key(ChunkAddressDecoder chunk) {
    return new ChunkKey(chunk.inode(), chunk.chainId(), chunk.chunkIndex());
  }

  private boolean isStale(ChunkAddressDecoder chunk) {
    return chunk.chainVersion() != chainVersion || take(mismatchNext);
  }

  private long read(Call call) {
    ReadChunkDecoder message = new ReadChunkDecoder().wrapAndApplyHeader(call.request, 0, header);
    if (isStale(message.chunk())) {
      return Status.CHAIN_VERSION_MISMATCH.code();
    }
    if (readFailure != 0) {
      return readFailure;
    }
    byte[] chunk = chunks.get(key(message.chunk()));
    if (chunk == null) {
      return Status.CHUNK_NOT_FOUND.code();
    }
    if (message.length() != call.payloadLength) {
      return Status.INVALID_ARGUMENT.code();
    }
    int present = Math.clamp(chunk.length - message.chunkOffset(), 0, message.length());
    MemorySegment.copy(
        chunk,
        Math.min(message.chunkOffset(), chunk.length),
        call.payload,
        ValueLayout.JAVA_BYTE,
        call.payloadOffset,
        present);
    chunkReply(call, chunk.length);
    return present;
  }

  private void chunkReply(Call call, int length) {
    ChunkReplyEncoder reply = new ChunkReplyEncoder();
    reply
        .wrapAndApplyHeader(call.reply, 0, replyHeader)
        .chunkLength(length)
        .payloadCrc32c(ChunkReplyEncoder.payloadCrc32cNullValue());
    call.replyLength = MessageHeaderEncoder.ENCODED_LENGTH + reply.encodedLength();
  }

  /** Answers the first outcome of an update that comes again; null for a new one. */
  private @Nullable Long known(IdentityDecoder identity) {
    Channel channel = new Channel(identity.clientHigh(), identity.clientLow(), identity.channel());
    Outcome outcome = outcomes.get(channel);
    if (outcome != null && outcome.sequence() == identity.sequence()) {
      repeated.incrementAndGet();
      return outcome.result();
    }
    if (outcome != null && outcome.sequence() > identity.sequence()) {
      return (long) Status.CHUNK_STALE_UPDATE.code();
    }
    String name = channel + "/" + identity.sequence();
    if (!identities.add(name)) {
      throw new AssertionError("an identity names one update: " + name);
    }
    return null;
  }

  private void remember(IdentityDecoder identity, long result) {
    applied.incrementAndGet();
    outcomes.put(
        new Channel(identity.clientHigh(), identity.clientLow(), identity.channel()),
        new Outcome(identity.sequence(), result));
  }

  private long write(Call call) {
    beforeWrite.accept(call);
    WriteChunkDecoder message = new WriteChunkDecoder().wrapAndApplyHeader(call.request, 0, header);
    if (isStale(message.chunk())) {
      return Status.CHAIN_VERSION_MISMATCH.code();
    }
    if (writeFailure != 0) {
      return writeFailure;
    }
    byte[] payload =
        call.payload.asSlice(call.payloadOffset, call.payloadLength).toArray(ValueLayout.JAVA_BYTE);
    CRC32C crc = new CRC32C();
    crc.update(payload);
    boolean checked = (message.flags() & 1) == 0;
    if ((checked && crc.getValue() != message.payloadCrc32c())
        || payload.length != message.length()) {
      return Status.CHECKSUM_MISMATCH.code();
    }
    if (message.chunkOffset() + message.length() > message.chunkSizeBytes()) {
      return Status.INVALID_ARGUMENT.code();
    }
    Long first = known(message.identity());
    if (first != null) {
      return first;
    }
    long result = store(key(message.chunk()), message.chunkOffset(), payload);
    if (result >= 0) {
      remember(message.identity(), result);
      if (take(loseAnswerNext)) {
        return Status.UNREACHABLE.code();
      }
    }
    return result;
  }

  private long store(ChunkKey key, int offset, byte[] payload) {
    byte[] old = chunks.get(key);
    if (old == null && chunks.size() >= chunksMax) {
      return Status.NO_SPACE.code();
    }
    byte[] base = old == null ? new byte[0] : old;
    byte[] chunk = Arrays.copyOf(base, Math.max(base.length, offset + payload.length));
    System.arraycopy(payload, 0, chunk, offset, payload.length);
    chunks.put(key, chunk);
    chunkCount.set(chunks.size());
    return payload.length;
  }

  private long truncate(Call call) {
    TruncateChunkDecoder message =
        new TruncateChunkDecoder().wrapAndApplyHeader(call.request, 0, header);
    if (isStale(message.chunk())) {
      return Status.CHAIN_VERSION_MISMATCH.code();
    }
    byte[] chunk = chunks.get(key(message.chunk()));
    if (chunk == null) {
      return Status.CHUNK_NOT_FOUND.code();
    }
    Long first = known(message.identity());
    if (first != null) {
      return first;
    }
    chunks.put(key(message.chunk()), Arrays.copyOf(chunk, message.length()));
    remember(message.identity(), 0);
    return 0;
  }

  private NavigableMap<Integer, ChunkKey> chunksOf(ChunkAddressDecoder address, int from) {
    TreeMap<Integer, ChunkKey> found = new TreeMap<>();
    for (ChunkKey key : chunks.keySet()) {
      if (key.inode() == address.inode()
          && key.chainId() == address.chainId()
          && key.index() >= from) {
        found.put(key.index(), key);
      }
    }
    return found;
  }

  private long remove(Call call) {
    RemoveChunksDecoder message =
        new RemoveChunksDecoder().wrapAndApplyHeader(call.request, 0, header);
    if (isStale(message.chunk())) {
      return Status.CHAIN_VERSION_MISMATCH.code();
    }
    if (removeFailure != 0) {
      return removeFailure;
    }
    // Small turns, so that "more" is answered in tests too.
    int max = Math.min(3, message.removeMax());
    int removed = 0;
    NavigableMap<Integer, ChunkKey> found = chunksOf(message.chunk(), message.chunk().chunkIndex());
    for (ChunkKey key : found.values()) {
      if (removed == max) {
        break;
      }
      chunks.remove(key);
      removed++;
    }
    chunkCount.set(chunks.size());
    RemoveChunksReplyEncoder reply = new RemoveChunksReplyEncoder();
    reply.wrapAndApplyHeader(call.reply, 0, replyHeader);
    reply.removed(removed).more((short) (found.size() > removed ? 1 : 0));
    call.replyLength = MessageHeaderEncoder.ENCODED_LENGTH + reply.encodedLength();
    return removed;
  }

  private long query(Call call) {
    QueryChunksDecoder message =
        new QueryChunksDecoder().wrapAndApplyHeader(call.request, 0, header);
    NavigableMap<Integer, ChunkKey> found = chunksOf(message.chunk(), 0);
    QueryChunksReplyEncoder reply = new QueryChunksReplyEncoder();
    reply.wrapAndApplyHeader(call.reply, 0, replyHeader).chunkCount(found.size());
    reply.lastChunkIndex(-1).lastChunkLength(0);
    if (!found.isEmpty()) {
      byte[] last = chunks.get(found.lastEntry().getValue());
      reply.lastChunkIndex(found.lastKey()).lastChunkLength(last == null ? 0 : last.length);
    }
    call.replyLength = MessageHeaderEncoder.ENCODED_LENGTH + reply.encodedLength();
    return 0;
  }

  private long space(Call call) {
    QuerySpaceReplyEncoder reply = new QuerySpaceReplyEncoder();
    reply.wrapAndApplyHeader(call.reply, 0, replyHeader);
    reply.capacityBytes(1000).freeBytes(1000 - chunks.size()).chunkCount(chunks.size());
    call.replyLength = MessageHeaderEncoder.ENCODED_LENGTH + reply.encodedLength();
    return 0;
  }
}
