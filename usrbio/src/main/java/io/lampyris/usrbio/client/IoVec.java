package io.lampyris.usrbio.client;

import io.lampyris.usrbio.IovId;
import io.lampyris.usrbio.RegistrationKey;
import io.lampyris.usrbio.RegistrationKey.Kind;
import io.lampyris.usrbio.RegistrationKey.Priority;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/**
 * Memory that the daemon reads files into, and writes them from, without a copy. Page aligned; its
 * pages are there from the start. Any thread.
 */
public final class IoVec implements AutoCloseable {
  private final IovId id;
  private final SharedMemory memory;
  private boolean closed;

  private IoVec(IovId id, SharedMemory memory) {
    this.id = id;
    this.memory = memory;
  }

  static IoVec create(Registrar registrar, long sizeBytes) throws IOException {
    if (sizeBytes <= 0) {
      throw new IllegalArgumentException(
          "no memory; observed=%d bytes, limit=> 0; remedy: ask for more".formatted(sizeBytes));
    }
    IovId id = SharedMemory.newId();
    RegistrationKey key = new RegistrationKey(id, 0, Kind.MEMORY, 0, Priority.NORMAL, 0, 0);
    SharedMemory memory = SharedMemory.create(registrar, key, sizeBytes);
    return new IoVec(id, memory);
  }

  IovId id() {
    return id;
  }

  /** All of it, usable until {@link #close}; touching it after that ends the process. */
  public MemorySegment segment() {
    return memory.segment;
  }

  public long sizeBytes() {
    return memory.segment.byteSize();
  }

  /** Gives it back; nothing of it may be in a ring any more. */
  @Override
  public void close() throws IOException {
    if (!closed) {
      closed = true;
      memory.close();
    }
  }
}
