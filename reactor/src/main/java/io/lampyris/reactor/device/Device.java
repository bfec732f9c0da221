package io.lampyris.reactor.device;

/** A block address space. Owner: reactor. */
public interface Device extends AutoCloseable {
  /** What logs and errors call it: a path, a PCIe address. */
  String name();

  long sizeBytes();

  /** Every offset, length and address is a multiple of this; a power of two, at most 4096. */
  int alignmentBytes();

  /** Whether it gains from hearing of space that became free: a disk does, a file does not. */
  boolean wantsDiscards();

  /** Takes a request; it completes later, never inside this call (I1). */
  void submit(IoRequest request);

  /** How many requests are submitted and not yet complete. */
  int inFlight();

  @Override
  void close();
}
