package io.lampyris.reactor;

import java.lang.foreign.MemorySegment;

/**
 * Who wants to know what memory is used for many transfers ({@link ReactorContext#expectMemory}),
 * to prepare it for a device. Owner: reactor.
 */
public interface TransferMemory {
  /** From now on there are transfers in this memory; it stays mapped until it is forgotten. */
  void onExpected(MemorySegment memory);

  /** No transfer begins there any more; it is unmapped once those under way are over. */
  void onForgotten(MemorySegment memory);
}
