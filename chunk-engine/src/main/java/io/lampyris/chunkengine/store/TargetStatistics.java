package io.lampyris.chunkengine.store;

/**
 * What a target did since it was opened. Every number only grows. Written by the target's reactor;
 * others see recent values.
 */
public final class TargetStatistics {
  /** Reads that were answered with bytes, and how many bytes. */
  public long reads;

  public long readBytes;

  /** Reads that began again, because what they read was being overwritten. */
  public long readsRepeated;

  /** Writes that were committed or left pending, and the bytes of their payloads. */
  public long writes;

  public long writeBytes;

  /**
   * Of payloads, the bytes that went through a buffer of the target between the caller's memory and
   * the device. All others the device took from there, or put there, itself.
   */
  public long copiedBytes;

  /** Truncations that changed a chunk. */
  public long truncates;

  /** Chunks that were removed. */
  public long removes;

  /** Pending versions that were committed. */
  public long commits;

  /** Updates whose payload went through the log, to be written in place later. */
  public long redoUpdates;

  /** Of these, those that read the bytes that they replace, to know their checksum. */
  public long redoReads;

  /** Updates that wrote a new block. */
  public long copyUpdates;

  /** Updates that wrote behind the committed length. */
  public long appendUpdates;

  /** Updates without data: truncations to a smaller length. */
  public long metadataUpdates;

  /** Bytes read from and written to the device, whatever for. */
  public long deviceReadBytes;

  public long deviceWriteBytes;

  /** Bytes appended to the log. */
  public long logBytes;

  /** Groups of updates that the log took. */
  public long groups;

  public long deviceFlushes;
  public long logFlushes;

  /** Reads that the device failed, whoever asked for them. */
  public long readErrors;

  /** Units that did not have their checksum. */
  public long corruptions;

  /** Bytes to the device and the log for each byte of payload; 0 without payload. */
  public double writeAmplification() {
    return writeBytes == 0 ? 0 : (double) (deviceWriteBytes + logBytes) / writeBytes;
  }
}
