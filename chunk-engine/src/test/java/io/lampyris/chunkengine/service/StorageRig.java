package io.lampyris.chunkengine.service;

import io.lampyris.bindings.Errno;
import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.options.Durability;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.protocol.Services;
import io.lampyris.protocol.Status;
import io.lampyris.protocol.sbe.ChunkReplyDecoder;
import io.lampyris.protocol.sbe.MessageHeaderDecoder;
import io.lampyris.protocol.sbe.MessageHeaderEncoder;
import io.lampyris.protocol.sbe.QueryChunksEncoder;
import io.lampyris.protocol.sbe.QueryChunksReplyDecoder;
import io.lampyris.protocol.sbe.QuerySpaceEncoder;
import io.lampyris.protocol.sbe.QuerySpaceReplyDecoder;
import io.lampyris.protocol.sbe.ReadChunkEncoder;
import io.lampyris.protocol.sbe.RemoveChunksEncoder;
import io.lampyris.protocol.sbe.RemoveChunksReplyDecoder;
import io.lampyris.protocol.sbe.TruncateChunkEncoder;
import io.lampyris.protocol.sbe.WriteChunkEncoder;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.device.Device;
import io.lampyris.reactor.device.IoRequest;
import io.lampyris.reactor.device.UringDevice;
import io.lampyris.reactor.net.BlockingCall;
import io.lampyris.reactor.net.Connection;
import io.lampyris.reactor.net.LocalNetwork;
import io.lampyris.reactor.sim.ForwardingDevice;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/** A storage service on a real reactor over real files, with blocking clients. */
final class StorageRig implements AutoCloseable {
  static final int CHAIN = 7;
  static final int CHAIN_VERSION = 3;
  private static final int NODE = 1;

  final TargetStore store;
  private final Reactor reactor;
  private final Connection connection;

  /** Requests of these kinds fail while this is set; any thread. */
  volatile java.util.Set<IoRequest.Kind> failing = java.util.Set.of();

  StorageRig(Path dir, Durability durability) throws StoreException {
    this(dir, TargetOptions.defaults().withDurability(durability));
  }

  StorageRig(Path dir, TargetOptions options) throws StoreException {
    store = TargetStore.open(dir, options);
    StorageService[] made = new StorageService[1];
    reactor = Reactor.builder("data-test").agent(on -> made[0] = service(on)).build();
    LocalNetwork network = new LocalNetwork();
    network.serve(NODE, Services.STORAGE, reactor, made[0]);
    connection = network.connect(NODE, Services.STORAGE);
    reactor.start();
  }

  private StorageService service(Reactor on) {
    try {
      return new StorageService(
          on,
          (path, direct) -> new FaultyDevice(on, UringDevice.open(on, path, direct)),
          List.of(new StorageService.Hosted(store, CHAIN_VERSION)));
    } catch (StoreException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Asks on the reactor, whose the store is. */
  <T> T ask(Supplier<T> question) {
    CompletableFuture<T> answer = new CompletableFuture<>();
    reactor.offer(nowNs -> answer.complete(question.get()));
    return answer.join();
  }

  /** Comes back when it is so; the test's own time limit is what ends a wait that is in vain. */
  void await(BooleanSupplier condition) {
    while (!ask(condition::getAsBoolean)) {
      Thread.onSpinWait();
    }
  }

  @Override
  public void close() {
    reactor.close();
    store.close();
  }

  /** A real device that fails when it is told to. */
  private final class FaultyDevice extends ForwardingDevice {
    private final Reactor on;

    FaultyDevice(Reactor on, Device real) {
      super(real);
      this.on = on;
    }

    @Override
    public void submit(IoRequest request) {
      if (failing.contains(request.kind)) {
        on.offer(nowNs -> IoRequest.complete(request, Status.DEVICE_ERROR.code(), Errno.EIO));
      } else {
        real.submit(request);
      }
    }
  }

  /** One caller with memory of its own; one thread at a time. */
  Client client(long id) {
    return new Client(id);
  }

  final class Client {
    private final BlockingCall call = new BlockingCall(256, 256);
    private final MessageHeaderEncoder header = new MessageHeaderEncoder();
    private final MessageHeaderDecoder replyHeader = new MessageHeaderDecoder();
    private final Crc32c crc = new Crc32c();
    final MemorySegment memory = Arena.ofAuto().allocate(64 << 20, 4096);
    final long id;
    long sequence;

    /** Where in {@link #memory} payloads start: anything but a multiple of 4096 is unaligned. */
    long payloadOffset;

    int chainVersion = CHAIN_VERSION;
    int channel = 1;

    /** Spoils the checksums that writes name. */
    int crcFlip;

    /** Writes say that they have no checksum. */
    boolean unchecked;

    final ChunkReplyDecoder chunkReply = new ChunkReplyDecoder();
    final RemoveChunksReplyDecoder removeReply = new RemoveChunksReplyDecoder();
    final QueryChunksReplyDecoder queryReply = new QueryChunksReplyDecoder();
    final QuerySpaceReplyDecoder spaceReply = new QuerySpaceReplyDecoder();

    Client(long id) {
      this.id = id;
    }

    private long send(int encodedLength) {
      call.requestLength = MessageHeaderEncoder.ENCODED_LENGTH + encodedLength;
      long result = call.send(connection);
      assert result < 0 || call.replyLength > 0 : "answers carry a message";
      return result;
    }

    long write(long inode, int index, int chunkSize, int offset, byte[] bytes) {
      sequence++;
      return writeAgain(inode, index, chunkSize, offset, bytes);
    }

    long writeAgain(long inode, int index, int chunkSize, int offset, byte[] bytes) {
      MemorySegment.copy(MemorySegment.ofArray(bytes), 0, memory, payloadOffset, bytes.length);
      return writeMemory(inode, index, chunkSize, offset, bytes.length, 0);
    }

    long writeMemory(
        long inode, int index, int chunkSize, int offset, int length, int updateVersion) {
      int found = crc.of(memory, payloadOffset, length);
      call.payload(memory, payloadOffset, length);
      return sendWrite(inode, index, chunkSize, offset, length, updateVersion, found);
    }

    /** From memory that others change or shrink meanwhile. */
    long writeFrom(MemorySegment from, long at, long inode, int chunkSize, int offset, int length) {
      sequence++;
      long found = crc.ofShrinkable(from, at, length);
      call.payload(from, at, length);
      call.shrinkable = true;
      return sendWrite(inode, 0, chunkSize, offset, length, 0, (int) found);
    }

    private long sendWrite(
        long inode, int index, int chunkSize, int offset, int length, int version, int payloadCrc) {
      WriteChunkEncoder message = new WriteChunkEncoder();
      message.wrapAndApplyHeader(call.request, 0, header);
      message.chunk().inode(inode).chunkIndex(index).chainId(CHAIN).chainVersion(chainVersion);
      message.identity().clientHigh(id).clientLow(1).sequence(sequence).channel(channel);
      message
          .chunkSizeBytes(chunkSize)
          .chunkOffset(offset)
          .length(length)
          .updateVersion(version)
          .payloadCrc32c(Integer.toUnsignedLong(payloadCrc ^ crcFlip))
          .flags(unchecked ? 1 : 0);
      long result = send(message.encodedLength());
      if (result >= 0) {
        chunkReply.wrapAndApplyHeader(call.reply, 0, replyHeader);
      }
      return result;
    }

    long read(long inode, int index, int offset, int length) {
      return read(inode, index, offset, length, length);
    }

    long read(long inode, int index, int offset, int length, int capacity) {
      ReadChunkEncoder message = new ReadChunkEncoder();
      message.wrapAndApplyHeader(call.request, 0, header);
      message.chunk().inode(inode).chunkIndex(index).chainId(CHAIN).chainVersion(chainVersion);
      message.chunkOffset(offset).length(length).flags(0);
      memory.asSlice(payloadOffset, Math.max(1, capacity)).fill((byte) 0x5A);
      call.payload(memory, payloadOffset, capacity);
      long result = send(message.encodedLength());
      if (result >= 0) {
        chunkReply.wrapAndApplyHeader(call.reply, 0, replyHeader);
      }
      return result;
    }

    /** Fills memory that is not the client's own, and is not touched before. */
    long readInto(MemorySegment into, long inode, int index, int offset, int length) {
      ReadChunkEncoder message = new ReadChunkEncoder();
      message.wrapAndApplyHeader(call.request, 0, header);
      message.chunk().inode(inode).chunkIndex(index).chainId(CHAIN).chainVersion(chainVersion);
      message.chunkOffset(offset).length(length).flags(0);
      call.payload(into, 0, length);
      return send(message.encodedLength());
    }

    byte[] bytes(int length) {
      return memory.asSlice(payloadOffset, length).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
    }

    long truncate(long inode, int index, int chunkSize, int length, boolean extendOnly) {
      sequence++;
      TruncateChunkEncoder message = new TruncateChunkEncoder();
      message.wrapAndApplyHeader(call.request, 0, header);
      message.chunk().inode(inode).chunkIndex(index).chainId(CHAIN).chainVersion(chainVersion);
      message.identity().clientHigh(id).clientLow(1).sequence(sequence).channel(channel);
      message.chunkSizeBytes(chunkSize).length(length).updateVersion(0).flags(extendOnly ? 1 : 0);
      return send(message.encodedLength());
    }

    /** Negative for a failure, else how many were removed. */
    long remove(long inode, int fromIndex, int max) {
      sequence++;
      RemoveChunksEncoder message = new RemoveChunksEncoder();
      message.wrapAndApplyHeader(call.request, 0, header);
      message.chunk().inode(inode).chunkIndex(fromIndex).chainId(CHAIN).chainVersion(chainVersion);
      message.identity().clientHigh(id).clientLow(1).sequence(sequence).channel(channel);
      message.removeMax(max);
      long result = send(message.encodedLength());
      if (result >= 0) {
        removeReply.wrapAndApplyHeader(call.reply, 0, replyHeader);
      }
      return result;
    }

    long sendTemplate(int templateId) {
      header.wrap(call.request, 0).blockLength(0).templateId(templateId).schemaId(76).version(0);
      return send(0);
    }

    long query(long inode) {
      QueryChunksEncoder message = new QueryChunksEncoder();
      message.wrapAndApplyHeader(call.request, 0, header);
      message.chunk().inode(inode).chunkIndex(0).chainId(CHAIN).chainVersion(chainVersion);
      long result = send(message.encodedLength());
      queryReply.wrapAndApplyHeader(call.reply, 0, replyHeader);
      return result;
    }

    long space() {
      QuerySpaceEncoder message = new QuerySpaceEncoder();
      message.wrapAndApplyHeader(call.request, 0, header);
      long result = send(message.encodedLength());
      spaceReply.wrapAndApplyHeader(call.reply, 0, replyHeader);
      return result;
    }
  }
}
