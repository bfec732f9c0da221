package io.lampyris.chunkengine.store;

/**
 * How a target is run; nothing of it is stored with the target.
 *
 * @param durability when an update is acknowledged
 * @param host the file system that the target lives on
 * @param logReserveBytes space that the log keeps reserved ahead of its end
 * @param logMapBytes one mapping of the log, and how far its file is extended at a time
 * @param space how it deals with its space
 * @param integrity how it looks for bytes that went bad
 */
public record TargetOptions(
    Durability durability,
    Host host,
    long logReserveBytes,
    int logMapBytes,
    SpaceOptions space,
    IntegrityOptions integrity) {
  private static final TargetOptions DEFAULTS =
      new TargetOptions(
          Durability.STRICT,
          Host.posix(),
          32 << 20,
          16 << 20,
          SpaceOptions.defaults(),
          IntegrityOptions.defaults());

  /** What a target of a cluster runs with. */
  public static TargetOptions defaults() {
    return DEFAULTS;
  }

  public TargetOptions withDurability(Durability wanted) {
    return new TargetOptions(wanted, host, logReserveBytes, logMapBytes, space, integrity);
  }

  public TargetOptions withHost(Host wanted) {
    return new TargetOptions(durability, wanted, logReserveBytes, logMapBytes, space, integrity);
  }

  /** A smaller log than usual, for many small targets. */
  public TargetOptions withLog(long reserveBytes, int mapBytes) {
    return new TargetOptions(durability, host, reserveBytes, mapBytes, space, integrity);
  }

  public TargetOptions withSpace(SpaceOptions wanted) {
    return new TargetOptions(durability, host, logReserveBytes, logMapBytes, wanted, integrity);
  }

  public TargetOptions withIntegrity(IntegrityOptions wanted) {
    return new TargetOptions(durability, host, logReserveBytes, logMapBytes, space, wanted);
  }
}
