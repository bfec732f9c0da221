package io.lampyris.chunkengine.options;

import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.host.Keeper;

/**
 * How a target is run; nothing of it is stored with the target.
 *
 * @param durability when an update is acknowledged
 * @param host the file system that the target lives on
 * @param keepers who does what blocks while the target runs
 * @param log how its log lives
 * @param space how it deals with its space
 * @param integrity how it looks for bytes that went bad
 */
public record TargetOptions(
    Durability durability,
    Host host,
    Keeper.Factory keepers,
    LogOptions log,
    SpaceOptions space,
    IntegrityOptions integrity) {
  private static final TargetOptions DEFAULTS =
      new TargetOptions(
          Durability.STRICT,
          Host.posix(),
          Keeper::thread,
          LogOptions.DEFAULTS,
          SpaceOptions.defaults(),
          IntegrityOptions.defaults());

  /** What a target of a cluster runs with. */
  public static TargetOptions defaults() {
    return DEFAULTS;
  }

  public TargetOptions withDurability(Durability wanted) {
    return new TargetOptions(wanted, host, keepers, log, space, integrity);
  }

  public TargetOptions withHost(Host wanted) {
    return new TargetOptions(durability, wanted, keepers, log, space, integrity);
  }

  public TargetOptions withKeepers(Keeper.Factory wanted) {
    return new TargetOptions(durability, host, wanted, log, space, integrity);
  }

  /** A smaller log than usual, for many small targets. */
  public TargetOptions withLog(long reserveBytes, int mapBytes) {
    return withLog(log.withSizes(reserveBytes, mapBytes));
  }

  public TargetOptions withLog(LogOptions wanted) {
    return new TargetOptions(durability, host, keepers, wanted, space, integrity);
  }

  public TargetOptions withSpace(SpaceOptions wanted) {
    return new TargetOptions(durability, host, keepers, log, wanted, integrity);
  }

  public TargetOptions withIntegrity(IntegrityOptions wanted) {
    return new TargetOptions(durability, host, keepers, log, space, wanted);
  }
}
