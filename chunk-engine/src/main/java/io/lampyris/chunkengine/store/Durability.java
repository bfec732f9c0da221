package io.lampyris.chunkengine.store;

/** When an update is acknowledged. */
public enum Durability {
  /** After its data and its log record are on stable storage: survives a power cut. */
  STRICT,
  /**
   * As soon as the operating system has it: survives a kill of the process. After a power cut,
   * updates that were acknowledged since the last write-back are lost, and a chunk that was
   * overwritten in that time may read as {@link io.lampyris.protocol.Status#DATA_CORRUPTION}.
   */
  NONE
}
