package io.lampyris.reactor;

import io.lampyris.bindings.NativeMemory;
import java.lang.foreign.MemorySegment;

/** Where a reactor's buffers come from. */
public interface BufferMemory {
  /** The process's own, of huge pages where there are any. */
  BufferMemory ANONYMOUS =
      new BufferMemory() {
        @Override
        public NativeMemory.HugeAllocation allocate(long sizeBytes) {
          return NativeMemory.allocateHuge(sizeBytes);
        }

        @Override
        public void free(MemorySegment memory) {
          NativeMemory.unmap(memory);
        }
      };

  /** Zeroed memory, page-aligned, of at least this size. */
  NativeMemory.HugeAllocation allocate(long sizeBytes);

  /** Takes back what {@link #allocate} gave. */
  void free(MemorySegment memory);
}
