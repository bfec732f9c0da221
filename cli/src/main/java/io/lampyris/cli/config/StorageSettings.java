package io.lampyris.cli.config;

import io.lampyris.chunkengine.options.Durability;
import io.lampyris.chunkengine.options.IntegrityOptions;
import io.lampyris.chunkengine.options.SpaceOptions;
import io.lampyris.chunkengine.options.TargetOptions;

/**
 * What a configuration file says of how targets are run: the keys of the table {@code storage}.
 *
 * @param durability when an update is acknowledged
 * @param integrity what reads verify, and the scrubber's period and rate
 * @param space compaction's rate, the reserve, discards
 * @param nvme which targets lie on NVMe namespaces
 */
public record StorageSettings(
    Durability durability, IntegrityOptions integrity, SpaceOptions space, NvmeSettings nvme) {
  /** What holds without a file: what the engine's options say. */
  public static final StorageSettings DEFAULT =
      new StorageSettings(
          Durability.STRICT,
          IntegrityOptions.defaults(),
          SpaceOptions.defaults(),
          NvmeSettings.NONE);

  /** These, for the engine. */
  public TargetOptions options() {
    return TargetOptions.defaults()
        .withDurability(durability)
        .withIntegrity(integrity)
        .withSpace(space);
  }
}
