package io.lampyris.cli.sim;

import io.lampyris.protocol.sbe.MessageHeaderDecoder;
import io.lampyris.protocol.sbe.RemoveChunksDecoder;
import io.lampyris.protocol.sbe.RemoveChunksEncoder;
import io.lampyris.protocol.sbe.TruncateChunkDecoder;
import io.lampyris.protocol.sbe.TruncateChunkEncoder;
import io.lampyris.protocol.sbe.WriteChunkDecoder;
import io.lampyris.protocol.sbe.WriteChunkEncoder;
import io.lampyris.reactor.device.Device;
import io.lampyris.reactor.device.IoRequest;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Service;
import io.lampyris.reactor.sim.ForwardingDevice;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.SimDevice;

/** What is broken on purpose, to show that the simulator finds it. */
public enum Defect {
  NONE,
  /** A retry is not recognised: the record of who made the last update is forgotten. */
  FORGET_DEDUP {
    @Override
    Service around(Service service, Prng prng) {
      return call -> {
        rename(call, prng);
        service.onCall(call);
      };
    }
  },
  /** Flushes are acknowledged and not done, so updates are acknowledged before they are durable. */
  ACK_BEFORE_DURABLE {
    @Override
    Device around(SimDevice device) {
      return new FlushLiar(device);
    }
  };

  /** The service as a node with this defect has it. */
  Service around(Service service, Prng prng) {
    return service;
  }

  /** The device likewise. */
  Device around(SimDevice device) {
    return device;
  }

  /** Makes an update somebody else's. */
  private static void rename(Call call, Prng prng) {
    MessageHeaderDecoder header = new MessageHeaderDecoder();
    header.wrap(call.request, 0);
    int at = MessageHeaderDecoder.ENCODED_LENGTH;
    long other = prng.nextLong();
    switch (header.templateId()) {
      case WriteChunkDecoder.TEMPLATE_ID ->
          new WriteChunkEncoder().wrap(call.request, at).identity().clientHigh(other);
      case TruncateChunkDecoder.TEMPLATE_ID ->
          new TruncateChunkEncoder().wrap(call.request, at).identity().clientHigh(other);
      case RemoveChunksDecoder.TEMPLATE_ID ->
          new RemoveChunksEncoder().wrap(call.request, at).identity().clientHigh(other);
      default -> {
        // Reads have no identity.
      }
    }
  }

  /** Says that it has flushed. */
  private static final class FlushLiar extends ForwardingDevice {
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
}
