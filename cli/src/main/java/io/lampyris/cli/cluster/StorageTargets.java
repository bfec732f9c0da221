package io.lampyris.cli.cluster;

import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.base.Sizes;
import io.lampyris.cli.embedded.Namespaces;
import io.lampyris.cli.embedded.Parts;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The targets of a node: made on first use, opened on every other. One whose disk does not give it
 * back is left out, and the others serve: the manager fills another in its place.
 */
final class StorageTargets {
  private static final Logger LOG = LoggerFactory.getLogger(StorageTargets.class);

  private final StorageSection section;
  private final Namespaces devices;
  private final List<TargetStore> stores = new ArrayList<>();
  private final Map<Long, Integer> diskOf = new HashMap<>();
  private final List<String> missing = new ArrayList<>();

  /** Those whose devices are not there. */
  private final Set<Long> gone = new HashSet<>();

  private StorageTargets(StorageSection section, Namespaces devices) {
    this.section = section;
    this.devices = devices;
  }

  /** Opens all; blocks. What is opened is closed with {@code parts}. */
  static StorageTargets open(StorageSection section, Namespaces devices, Parts parts)
      throws InputException, FailedException {
    StorageTargets targets = new StorageTargets(section, devices);
    targets.place();
    for (StorageSection.Disk disk : section.disks()) {
      if (!Files.isDirectory(disk.path())) {
        throw InputException.of(
            "a disk's directory is missing",
            disk.path(),
            "a directory on the disk",
            "mount the disk and make the directory, or correct storage.disks");
      }
      for (int number = 1; number <= section.targetsPerDisk(); number++) {
        if (!targets.gone.contains(section.targetId(disk, number))) {
          targets.openOne(disk, number, parts);
        }
      }
    }
    if (targets.stores.isEmpty()) {
      throw FailedException.of(
          "none of the node's targets opens",
          targets.missing,
          "at least one",
          "look at the disks; see the log");
    }
    return targets;
  }

  /** What is wrong with a namespace is found before a target is made. */
  private void place() throws InputException {
    for (StorageSection.Disk disk : section.disks()) {
      long id = section.targetId(disk, 1);
      Path dir = StorageSection.targetDirectory(disk, id);
      boolean there = isThere(dir);
      try {
        devices.place(
            dir,
            section.settings().nvme().namespaceOf(disk.index()),
            there ? 0 : section.targetSizeBytes());
      } catch (StoreException e) {
        if (!there) {
          throw InputException.because(e);
        }
        leaveOut(id, e);
        gone.add(id);
      }
    }
  }

  private static boolean isThere(Path dir) {
    return (Files.exists(dir.resolve("device")) || Files.exists(dir.resolve("log")))
        && !Files.exists(dir.resolve("unfinished"));
  }

  private void openOne(StorageSection.Disk disk, int number, Parts parts)
      throws InputException, FailedException {
    long id = section.targetId(disk, number);
    Path dir = StorageSection.targetDirectory(disk, id);
    try {
      TargetStore store = parts.add("target " + id, opened(dir, id));
      check(dir, id, store);
      stores.add(store);
      diskOf.put(id, disk.index());
    } catch (StoreException e) {
      switch (e.reason()) {
        case INVALID_ARGUMENT, EXISTS, OTHER_FORMAT_VERSION -> throw InputException.because(e);
        case IN_USE, NO_SPACE -> throw FailedException.because(e);
        case UNFINISHED, CORRUPT_SUPERBLOCK, SIZE_MISMATCH, LOG_CORRUPT, IO -> leaveOut(id, e);
      }
    }
  }

  private void leaveOut(long id, StoreException e) {
    LOG.error("target {} is left out: {}", id, e.getMessage(), e);
    missing.add("target %d: %s".formatted(id, e.getMessage()));
  }

  private TargetStore opened(Path dir, long id) throws StoreException {
    TargetOptions options = section.settings().options().withHost(devices.host(dir));
    if (!isThere(dir)) {
      LOG.info("formatting target {} in {}", id, dir);
      // Which chain it is in says routing.
      TargetStore.format(dir, new TargetSpec(id, 0, section.targetSizeBytes()), options);
    }
    return TargetStore.open(dir, options);
  }

  private void check(Path dir, long id, TargetStore store) throws InputException {
    if (store.targetId() != id) {
      throw InputException.of(
          "a directory holds another target",
          "target %d in %s".formatted(store.targetId(), dir),
          "target " + id,
          "name the disks in the order in which they were formatted, each by its own node");
    }
    long observed = store.deviceSizeBytes();
    if (observed != section.targetSizeBytes()) {
      throw InputException.of(
          "target %d was made with another size".formatted(id),
          Sizes.exact(observed),
          Sizes.exact(section.targetSizeBytes()),
          "leave storage.target_size as it was");
    }
  }

  List<TargetStore> stores() {
    return stores;
  }

  int diskOf(long targetId) {
    Integer disk = diskOf.get(targetId);
    assert disk != null : "one of these";
    return disk;
  }

  /** Why targets that should be there are not. */
  List<String> missing() {
    return missing;
  }
}
