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

  private static final int UNCHECKED = 1;

  private final ClientIdentity identity;
  private final int readFlags;
  private final int writeFlags;
  private final MessageHeaderEncoder header = new MessageHeaderEncoder();
  private final ReadChunkEncoder readEncoder = new ReadChunkEncoder();
  private final WriteChunkEncoder writeEncoder = new WriteChunkEncoder();
  private final TruncateChunkEncoder truncateEncoder = new TruncateChunkEncoder();
  private final RemoveChunksEncoder removeEncoder = new RemoveChunksEncoder();
  private final QueryChunksEncoder queryEncoder = new QueryChunksEncoder();

  ChunkMessages(ClientIdentity identity, boolean checksums) {
    this.identity = identity;
    this.readFlags = checksums ? WANTS_CRC : 0;
    this.writeFlags = checksums ? 0 : UNCHECKED;
  }

  /** Writes the request and answers its length. */
  int encode(ChunkCall call, int chainId, int chainVersion, long targetId) {
    int length =
        switch (call.kind) {
          case READ -> encodeRead(call, chainId, chainVersion, targetId);
          case WRITE -> encodeWrite(call, chainId, chainVersion, targetId);
          case TRUNCATE -> encodeTruncate(call, chainId, chainVersion, targetId);
          case REMOVE -> encodeRemove(call, chainId, chainVersion, targetId);
          case QUERY -> encodeQuery(call, chainId, chainVersion, targetId);
        };
    return length + MessageHeaderEncoder.ENCODED_LENGTH;
  }

  private int encodeRead(ChunkCall call, int chainId, int chainVersion, long targetId) {
    readEncoder.wrapAndApplyHeader(call.request, 0, header);
    address(readEncoder.chunk(), call, chainId, chainVersion, targetId);
    readEncoder.chunkOffset(call.chunkOffset).length(call.lengthBytes).flags(readFlags);
    return readEncoder.encodedLength();
  }

  private int encodeWrite(ChunkCall call, int chainId, int chainVersion, long targetId) {
    writeEncoder.wrapAndApplyHeader(call.request, 0, header);
    address(writeEncoder.chunk(), call, chainId, chainVersion, targetId);
    identify(writeEncoder.identity(), call);
    writeEncoder
        .chunkSizeBytes(call.layout.chunkSizeBytes())
        .chunkOffset(call.chunkOffset)
        .length(call.lengthBytes)
        .updateVersion(0)
        .payloadCrc32c(Integer.toUnsignedLong(call.crc32c))
        .flags(writeFlags);
    return writeEncoder.encodedLength();
  }

  private int encodeTruncate(ChunkCall call, int chainId, int chainVersion, long targetId) {
    truncateEncoder.wrapAndApplyHeader(call.request, 0, header);
    address(truncateEncoder.chunk(), call, chainId, chainVersion, targetId);
    identify(truncateEncoder.identity(), call);
    truncateEncoder
        .chunkSizeBytes(call.layout.chunkSizeBytes())
        .length(call.lengthBytes)
        .updateVersion(0)
        .flags(0);
    return truncateEncoder.encodedLength();
  }

  private int encodeRemove(ChunkCall call, int chainId, int chainVersion, long targetId) {
    removeEncoder.wrapAndApplyHeader(call.request, 0, header);
    address(removeEncoder.chunk(), call, chainId, chainVersion, targetId);
    removeEncoder.chunk().chunkIndex((int) call.removeFromIndex);
    identify(removeEncoder.identity(), call);
    removeEncoder.removeMax(call.removeMax);
    return removeEncoder.encodedLength();
  }

  private int encodeQuery(ChunkCall call, int chainId, int chainVersion, long targetId) {
    queryEncoder.wrapAndApplyHeader(call.request, 0, header);
    address(queryEncoder.chunk(), call, chainId, chainVersion, targetId);
    return queryEncoder.encodedLength();
  }

  private static void address(
      ChunkAddressEncoder encoder, ChunkCall call, int chainId, int chainVersion, long targetId) {
    encoder
        .inode(call.inode)
        .chunkIndex((int) call.chunkIndex)
        .chainId(chainId)
        .chainVersion(chainVersion)
        .targetId(targetId);
  }

  private void identify(IdentityEncoder encoder, ChunkCall call) {
    encoder
        .clientHigh(identity.high())
        .clientLow(identity.low())
        .sequence(call.sequence)
        .channel(call.channel);
  }
}
