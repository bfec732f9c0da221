package io.lampyris.client;

import io.lampyris.bindings.ShrinkableCrc32c;
import io.lampyris.reactor.net.Call;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * CRC32C of payloads without garbage: {@code CRC32C} wants a byte buffer, and making one of a
 * segment allocates, so views are kept for the segments seen last. Write windows and registered
 * memory are few and live long. Owner: reactor.
 */
final class PayloadCrc {
  /** The memory is not there any more. */
  static final long GONE = ShrinkableCrc32c.GONE;

  private static final int VIEWS = 64;

  private final CRC32C crc = new CRC32C();
  private final ShrinkableCrc32c shrinkableCrc = new ShrinkableCrc32c();
  private final @Nullable MemorySegment[] segments = new MemorySegment[VIEWS];
  private final @Nullable ByteBuffer[] views = new ByteBuffer[VIEWS];

  /**
   * Of the first bytes of a call's payload.
   *
   * @return the checksum as an unsigned number, or {@link #GONE}
   */
  long compute(Call call, int lengthBytes) {
    return call.shrinkable
        ? shrinkableCrc.of(call.payload, call.payloadOffset, lengthBytes)
        : Integer.toUnsignedLong(compute(call.payload, call.payloadOffset, lengthBytes));
  }

  int compute(MemorySegment memory, long offset, int lengthBytes) {
    crc.reset();
    crc.update(view(memory, offset, lengthBytes));
    return (int) crc.getValue();
  }

  private ByteBuffer view(MemorySegment memory, long offset, int lengthBytes) {
    if (memory.byteSize() > Integer.MAX_VALUE) {
      return memory.asSlice(offset, lengthBytes).asByteBuffer();
    }
    int slot = (int) (memory.address() >>> 12 ^ memory.address() >>> 20) & (VIEWS - 1);
    ByteBuffer view = views[slot];
    if (view == null || !isSame(memory, segments[slot])) {
      view = memory.asByteBuffer();
      views[slot] = view;
      segments[slot] = memory;
    }
    return view.limit((int) offset + lengthBytes).position((int) offset);
  }

  /** Segments are equal when they begin at the same address, whatever their sizes and lives. */
  private static boolean isSame(MemorySegment memory, @Nullable MemorySegment known) {
    return known != null
        && memory.equals(known)
        && memory.byteSize() == known.byteSize()
        && memory.scope().equals(known.scope());
  }
}
