package io.lampyris.cli.sim;

import io.lampyris.chunkengine.chain.ChainService;
import io.lampyris.chunkengine.chain.ChainTarget;
import io.lampyris.chunkengine.chain.ServingRight;
import io.lampyris.protocol.sbe.ChunkAddressEncoder;
import io.lampyris.protocol.sbe.ChunkReplyEncoder;
import io.lampyris.protocol.sbe.CompareChunksDecoder;
import io.lampyris.protocol.sbe.CompareChunksEncoder;
import io.lampyris.protocol.sbe.CopySessionsDecoder;
import io.lampyris.protocol.sbe.CopySessionsEncoder;
import io.lampyris.protocol.sbe.FinishSyncDecoder;
import io.lampyris.protocol.sbe.FinishSyncEncoder;
import io.lampyris.protocol.sbe.ForwardUpdateDecoder;
import io.lampyris.protocol.sbe.ForwardUpdateEncoder;
import io.lampyris.protocol.sbe.ListChunksDecoder;
import io.lampyris.protocol.sbe.ListChunksEncoder;
import io.lampyris.protocol.sbe.MessageHeaderDecoder;
import io.lampyris.protocol.sbe.MessageHeaderEncoder;
import io.lampyris.protocol.sbe.QueryVersionDecoder;
import io.lampyris.protocol.sbe.QueryVersionEncoder;
import io.lampyris.protocol.sbe.ReadChunkDecoder;
import io.lampyris.protocol.sbe.ReadChunkEncoder;
import io.lampyris.protocol.sbe.RemoveChunksDecoder;
import io.lampyris.protocol.sbe.RemoveChunksEncoder;
import io.lampyris.protocol.sbe.TruncateChunkDecoder;
import io.lampyris.protocol.sbe.TruncateChunkEncoder;
import io.lampyris.protocol.sbe.WriteChunkDecoder;
import io.lampyris.protocol.sbe.WriteChunkEncoder;
import io.lampyris.reactor.cluster.NodeAgent;
import io.lampyris.reactor.device.IoRequest;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.sim.ForwardingDevice;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.SimClock;
import io.lampyris.reactor.sim.SimDevice;
import io.lampyris.reactor.sim.Simulation;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.agrona.MutableDirectBuffer;
import org.jspecify.annotations.Nullable;

/** How the planted defects work: at the seams, so that the product's code knows nothing of them. */
final class Tampering {
  private static final int BODY = MessageHeaderDecoder.ENCODED_LENGTH;

  /** From one member to another: what is committed there, whatever the tail has. */
  private static final int AS_COMMITTED = 1;

  private Tampering() {}

  private static int templateOf(Call call) {
    return new MessageHeaderDecoder().wrap(call.request, 0).templateId();
  }

  /** Makes a client's update somebody else's. */
  static void rename(Call call, Prng prng) {
    long other = prng.nextLong();
    switch (templateOf(call)) {
      case WriteChunkDecoder.TEMPLATE_ID ->
          new WriteChunkEncoder().wrap(call.request, BODY).identity().clientHigh(other);
      case TruncateChunkDecoder.TEMPLATE_ID ->
          new TruncateChunkEncoder().wrap(call.request, BODY).identity().clientHigh(other);
      case RemoveChunksDecoder.TEMPLATE_ID ->
          new RemoveChunksEncoder().wrap(call.request, BODY).identity().clientHigh(other);
      default -> {
        // Reads have no identity, and members pass on the one that they were told.
      }
    }
  }

  static void readAsCommitted(Call call) {
    if (templateOf(call) == ReadChunkDecoder.TEMPLATE_ID) {
      new ReadChunkEncoder().wrap(call.request, BODY).flags(AS_COMMITTED);
    }
  }

  /** Writes into a message what its receiver goes by. */
  static void takeAnyVersion(Call call, ChainService service) {
    ChunkAddressEncoder chunk = addressOf(call.request, templateOf(call));
    if (chunk == null) {
      return;
    }
    long targetId =
        chunk.buffer().getLong(chunk.offset() + ChunkAddressEncoder.targetIdEncodingOffset());
    for (ChainTarget target : service.targets()) {
      if (target.targetId() == targetId && target.chainVersion() != 0) {
        chunk.chainVersion(target.chainVersion());
      }
    }
  }

  private static @Nullable ChunkAddressEncoder addressOf(MutableDirectBuffer in, int template) {
    return switch (template) {
      case ReadChunkDecoder.TEMPLATE_ID -> new ReadChunkEncoder().wrap(in, BODY).chunk();
      case WriteChunkDecoder.TEMPLATE_ID -> new WriteChunkEncoder().wrap(in, BODY).chunk();
      case TruncateChunkDecoder.TEMPLATE_ID -> new TruncateChunkEncoder().wrap(in, BODY).chunk();
      case RemoveChunksDecoder.TEMPLATE_ID -> new RemoveChunksEncoder().wrap(in, BODY).chunk();
      case ForwardUpdateDecoder.TEMPLATE_ID -> new ForwardUpdateEncoder().wrap(in, BODY).chunk();
      case QueryVersionDecoder.TEMPLATE_ID -> new QueryVersionEncoder().wrap(in, BODY).chunk();
      case ListChunksDecoder.TEMPLATE_ID -> new ListChunksEncoder().wrap(in, BODY).chunk();
      case CompareChunksDecoder.TEMPLATE_ID -> new CompareChunksEncoder().wrap(in, BODY).chunk();
      case CopySessionsDecoder.TEMPLATE_ID -> new CopySessionsEncoder().wrap(in, BODY).chunk();
      case FinishSyncDecoder.TEMPLATE_ID -> new FinishSyncEncoder().wrap(in, BODY).chunk();
      default -> null;
    };
  }

  /** Answers a client's write as if it were done, and has it done. */
  static boolean answersAtOnce(Call call, ChainService service) {
    if (templateOf(call) != WriteChunkDecoder.TEMPLATE_ID) {
      return false;
    }
    Unanswered shadow = new Unanswered(call);
    shadow.sending(service);
    int length = call.payloadLength;
    new ChunkReplyEncoder()
        .wrapAndApplyHeader(call.reply, 0, new MessageHeaderEncoder())
        .committedVersion(0)
        .chunkLength(SimClient.LENGTH_UNKNOWN)
        .chunkCrc32c(0);
    call.replyLength = BODY + ChunkReplyEncoder.BLOCK_LENGTH;
    call.reply(length);
    shadow.arrive();
    return true;
  }

  /** A copy of a call whose answer nobody sees. */
  private static final class Unanswered extends Call {
    Unanswered(Call of) {
      super(null, of.requestLength, 256);
      request.putBytes(0, of.request, 0, of.requestLength);
      requestLength = of.requestLength;
      deadlineNs = of.deadlineNs;
      byte[] bytes =
          of.payload.asSlice(of.payloadOffset, of.payloadLength).toArray(ValueLayout.JAVA_BYTE);
      payload(MemorySegment.ofArray(bytes), 0, bytes.length);
    }

    @Override
    protected void onReply() {}
  }

  /** Says that it has flushed. */
  static final class FlushLiar extends ForwardingDevice {
    private final SimDevice disk;

    FlushLiar(SimDevice disk) {
      super(disk);
      this.disk = disk;
    }

    @Override
    public void submit(IoRequest request) {
      if (request.kind == IoRequest.Kind.FLUSH) {
        disk.pretend(request);
      } else {
        disk.submit(request);
      }
    }
  }

  /** Measures by the wall clock how much of a lease is left. */
  static final class WallClockRight implements ServingRight {
    private final NodeAgent agent;
    private final SimClock clock;
    private final Simulation simulation;
    private long grants;
    private long aheadNs;

    WallClockRight(NodeAgent agent, SimClock clock, Simulation simulation) {
      this.agent = agent;
      this.clock = clock;
      this.simulation = simulation;
    }

    @Override
    public boolean mayServe(long nowNs, long targetId) {
      long nowAheadNs = clock.wallNs(simulation.nowNs()) - nowNs;
      if (grants != agent.grants()) {
        grants = agent.grants();
        aheadNs = nowAheadNs;
      }
      return agent.mayServe(nowNs + nowAheadNs - aheadNs, targetId);
    }
  }
}
