package io.lampyris.cli.cluster;

import io.lampyris.cli.base.InputException;
import io.lampyris.cli.base.Sizes;
import io.lampyris.cli.cluster.ClusterFile.Endpoint;
import io.lampyris.cli.config.ConfigurationFile;
import io.lampyris.cli.config.NvmeSettings;
import io.lampyris.cli.config.StorageSettings;
import io.lampyris.mgmtd.config.ConfigLayer;
import io.lampyris.mgmtd.config.Merged;
import io.lampyris.mgmtd.config.MgmtdKeys;
import io.lampyris.protocol.lease.LeaseTerms;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * The part of a storage node.
 *
 * @param listen port 0: any that is free
 * @param address by which others reach it; port 0: the one that it listens on
 * @param domain what fails together with it; empty: nothing else
 * @param dir what the node remembers, its log and its control channel
 * @param disks what to make on each disk
 * @param settings how targets are run
 * @param terms of the node's lease: no longer than the manager's
 */
public record StorageSection(
    int nodeId,
    Endpoint listen,
    Endpoint address,
    String domain,
    Path dir,
    List<Disk> disks,
    int targetsPerDisk,
    long targetSizeBytes,
    StorageSettings settings,
    LeaseTerms terms) {
  /**
   * A directory on a disk.
   *
   * @param index by which the manager knows the disk: its place in the list
   */
  public record Disk(int index, Path path) {}

  private static final Set<String> KEYS =
      Set.of(
          "storage.node",
          "storage.listen",
          "storage.address",
          "storage.domain",
          "storage.dir",
          "storage.disks",
          "storage.targets_per_disk",
          "storage.target_size",
          "storage.settings");

  /** Keys of the cluster's configuration, of which the terms of leases matter here. */
  static final String SETTINGS = "storage.settings.";

  private static final Set<String> ANY_HOST = Set.of("0.0.0.0", "::");
  private static final int NODE_MAX = 999_999;
  private static final int DISKS_MAX = 999;
  private static final int TARGETS_MAX = 999;
  private static final long TARGET_MIN_BYTES = 256L << 20;
  private static final long TARGET_STEP_BYTES = 64L << 20;

  public StorageSection {
    disks = List.copyOf(disks);
  }

  static Set<String> keys() {
    Set<String> all = new TreeSet<>(KEYS);
    all.addAll(ConfigurationFile.storageKeys());
    return all;
  }

  /** Node, disk and number in one: no two targets of a cluster have the same. */
  long targetId(Disk disk, int number) {
    assert number >= 1 && number <= TARGETS_MAX && disk.index <= DISKS_MAX : "as was checked";
    return nodeId * 1_000_000L + disk.index * 1000L + number;
  }

  static Path targetDirectory(Disk disk, long targetId) {
    return disk.path.resolve("target-" + targetId);
  }

  static StorageSection in(TomlSource source) throws InputException {
    Endpoint listen = source.endpoint(source.needed("storage.listen", "HOST:PORT, port 0 for any"));
    String address = source.text("storage.address", "");
    if (address.isEmpty() && ANY_HOST.contains(listen.host())) {
      throw source.wrong(
          "no address by which others reach this node",
          "storage.listen = " + listen,
          "storage.address = HOST:PORT",
          "name one");
    }
    long size = source.size("storage.target_size", 0);
    if (size < TARGET_MIN_BYTES || size % TARGET_STEP_BYTES != 0) {
      throw source.wrong(
          "storage.target_size is no size that a target can have",
          size == 0 ? "nothing" : Sizes.exact(size),
          "at least 256MiB, a multiple of 64MiB",
          "correct it");
    }
    List<Disk> disks = disks(source);
    int targetsPerDisk = source.whole("storage.targets_per_disk", 1, 1, TARGETS_MAX);
    StorageSettings settings = ConfigurationFile.storageSettings(source.file(), source.toml());
    checkNamespaces(source, settings.nvme(), targetsPerDisk);
    return new StorageSection(
        source.whole("storage.node", 0, 1, NODE_MAX),
        listen,
        address.isEmpty() ? listen : source.endpoint(address),
        source.text("storage.domain", ""),
        source.beside(source.needed("storage.dir", "a directory for what the node remembers")),
        disks,
        targetsPerDisk,
        size,
        settings,
        terms(source));
  }

  private static void checkNamespaces(TomlSource source, NvmeSettings nvme, int targetsPerDisk)
      throws InputException {
    int disks = source.list("storage.disks").size();
    if (nvme.namespaces().size() > disks) {
      throw source.wrong(
          "storage.namespaces is longer than storage.disks",
          nvme.namespaces().size(),
          disks,
          "name a directory for each, where its target's log is");
    }
    if (nvme.named().findAny().isPresent() && targetsPerDisk != 1) {
      throw source.wrong(
          "a namespace has one target",
          "storage.targets_per_disk = " + targetsPerDisk,
          "1 with storage.namespaces",
          "make several namespaces of the device (nvme create-ns), or one target");
    }
  }

  private static LeaseTerms terms(TomlSource source) throws InputException {
    ConfigLayer layer = new ConfigLayer("storage.settings", 0, source.settings("storage.settings"));
    return switch (MgmtdKeys.registry().merge(List.of(layer))) {
      case Merged.Valid valid -> MgmtdKeys.leaseTerms(valid.config());
      case Merged.Invalid invalid ->
          throw source.wrong(
              "settings of the storage node are not valid",
              invalid.faults(),
              "what config get shows as admitted",
              "correct [storage.settings]");
    };
  }

  /** An empty name keeps the place of a disk that is gone, so that the others keep theirs. */
  private static List<Disk> disks(TomlSource source) throws InputException {
    List<String> names = source.list("storage.disks");
    List<Disk> disks = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      if (!names.get(i).isBlank()) {
        disks.add(new Disk(i, source.beside(names.get(i))));
      }
    }
    long distinct = disks.stream().map(Disk::path).distinct().count();
    if (disks.isEmpty() || distinct < disks.size() || names.size() > DISKS_MAX) {
      throw source.wrong(
          "storage.disks is empty, too long, or names a directory twice",
          names,
          "1 to %d directories, each once".formatted(DISKS_MAX),
          "correct it");
    }
    return disks;
  }
}
