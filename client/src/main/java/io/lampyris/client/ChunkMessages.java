package io.lampyris.client;

import io.lampyris.protocol.sbe.ChunkAddressEncoder;
import io.lampyris.protocol.sbe.IdentityEncoder;
import io.lampyris.protocol.sbe.MessageHeaderEncoder;
import io.lampyris.protocol.sbe.QueryChunksEncoder;
import io.lampyris.protocol.sbe.ReadChunkEncoder;
import io.lampyris.protocol.sbe.RemoveChunksEncoder;
import io.lampyris.protocol.sbe.TruncateChunkEncoder;
import io.lampyris.protocol.sbe.WriteChunkEncoder;

/** The requests of a {@link ChunkCall}. Owner: reactor. */
final class ChunkMessages {
  /** Of ReadChunk: its answer is to have the payload's checksum. */
  private static final int WANTS_CRC = 2;

  private final ClientIdentity identity;
  private final int readFlags;
  private final MessageHeaderEncoder header = new MessageHeaderEncoder();
  private final ReadChunkEncoder readEncoder = new ReadChunkEncoder();
  private final WriteChunkEncoder writeEncoder = new WriteChunkEncoder();
  private final TruncateChunkEncoder truncateEncoder = new TruncateChunkEncoder();
  private final RemoveChunksEncoder removeEncoder = new RemoveChunksEncoder();
  private final QueryChunksEncoder queryEncoder = new QueryChunksEncoder();

  ChunkMessages(ClientIdentity identity, boolean verifiesReads) {
    this.identity = identity;
    this.readFlags = verifiesReads ? WANTS_CRC : 0;
  }

  /** Writes the request and answers its length. */
  int encode(ChunkCall call, int chainId, int chainVersion) {
    int length =
        switch (call.kind) {
          case READ -> encodeRead(call, chainId, chainVersion);
          case WRITE -> encodeWrite(call, chainId, chainVersion);
          case TRUNCATE -> encodeTruncate(call, chainId, chainVersion);
          case REMOVE -> encodeRemove(call, chainId, chainVersion);
          case QUERY -> encodeQuery(call, chainId, chainVersion);
        };
    return length + MessageHeaderEncoder.ENCODED_LENGTH;
  }

  private int encodeRead(ChunkCall call, int chainId, int chainVersion) {
    readEncoder.wrapAndApplyHeader(call.request, 0, header);
    address(readEncoder.chunk(), call, chainId, chainVersion);
    readEncoder.chunkOffset(call.chunkOffset).length(call.lengthBytes).flags(readFlags);
    return readEncoder.encodedLength();
  }

  private int encodeWrite(ChunkCall call, int chainId, int chainVersion) {
    writeEncoder.wrapAndApplyHeader(call.request, 0, header);
    address(writeEncoder.chunk(), call, chainId, chainVersion);
    identify(writeEncoder.identity(), call);
    writeEncoder
        .chunkSizeBytes(call.layout.chunkSizeBytes())
        .chunkOffset(call.chunkOffset)
        .length(call.lengthBytes)
        .updateVersion(0)
        .payloadCrc32c(Integer.toUnsignedLong(call.crc32c))
        .flags(0);
    return writeEncoder.encodedLength();
  }

  private int encodeTruncate(ChunkCall call, int chainId, int chainVersion) {
    truncateEncoder.wrapAndApplyHeader(call.request, 0, header);
    address(truncateEncoder.chunk(), call, chainId, chainVersion);
    identify(truncateEncoder.identity(), call);
    truncateEncoder
        .chunkSizeBytes(call.layout.chunkSizeBytes())
        .length(call.lengthBytes)
        .updateVersion(0)
        .flags(0);
    return truncateEncoder.encodedLength();
  }

  private int encodeRemove(ChunkCall call, int chainId, int chainVersion) {
    removeEncoder.wrapAndApplyHeader(call.request, 0, header);
    address(removeEncoder.chunk(), call, chainId, chainVersion);
    removeEncoder.chunk().chunkIndex((int) call.removeFromIndex);
    identify(removeEncoder.identity(), call);
    removeEncoder.removeMax(call.removeMax);
    return removeEncoder.encodedLength();
  }

  private int encodeQuery(ChunkCall call, int chainId, int chainVersion) {
    queryEncoder.wrapAndApplyHeader(call.request, 0, header);
    address(queryEncoder.chunk(), call, chainId, chainVersion);
    return queryEncoder.encodedLength();
  }

  private static void address(
      ChunkAddressEncoder encoder, ChunkCall call, int chainId, int chainVersion) {
    encoder
        .inode(call.inode)
        .chunkIndex((int) call.chunkIndex)
        .chainId(chainId)
        .chainVersion(chainVersion);
  }

  private void identify(IdentityEncoder encoder, ChunkCall call) {
    encoder
        .clientHigh(identity.high())
        .clientLow(identity.low())
        .sequence(call.sequence)
        .channel(call.channel);
  }
}
