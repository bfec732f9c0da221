package io.lampyris.cli.config;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Optional;

/** Every key that a configuration file may have, in the order in which they are written. */
enum Key {
  TARGET_COUNT(
      "targets.count",
      "1",
      "How many targets; each has a device file of its own. Fixed once DIR is formatted."),
  TARGET_SIZE(
      "targets.size",
      "\"\"",
      "Size of one target's device file, a multiple of 64MiB. Fixed once DIR is formatted.",
      "Empty: a quarter of the free space, 16GiB at most."),
  CHUNK_SIZE(
      "layout.chunk_size",
      "\"1MiB\"",
      "Chunk size of new files, a power of two from 64KiB to 64MiB."),
  STORAGE_DURABILITY(
      "storage.durability",
      "\"strict\"",
      "When an update is acknowledged: strict (when it is on stable storage: nothing is ever lost),",
      "interval:MS (at once; a power cut takes back up to MS milliseconds and the flush that",
      "followed, MS from 1 to 60000), none (at once; a power cut takes back what the system had not",
      "written by itself). A killed process loses nothing with any of them."),
  STORAGE_VERIFY(
      "storage.verify",
      "\"strict\"",
      "What a read verifies before it answers: strict (all of it; the first small read of a",
      "unit, a sixteenth of a chunk, reads it whole), normal (the units that it covers whole:",
      "the rest may have gone bad)."),
  STORAGE_SCRUB_PERIOD(
      "storage.scrub_period",
      "\"7d\"",
      "All data is read and verified once in this time, like 12h or 7d; 0: never."),
  STORAGE_SCRUB_RATE(
      "storage.scrub_rate",
      "\"64MiB\"",
      "That reads no faster than this in a second, even when the period is over."),
  STORAGE_COMPACTION_RATE(
      "storage.compaction_rate",
      "\"64MiB\"",
      "How much data is moved in a second to empty sparse extents; 0: never."),
  STORAGE_RESERVE_LOW(
      "storage.reserve_low", "5", "Status warns when less than this percentage is free ..."),
  STORAGE_RESERVE_REJECT(
      "storage.reserve_reject",
      "2",
      "... and this percentage is kept free: new data is refused then. Not above reserve_low."),
  STORAGE_DISCARD(
      "storage.discard",
      "\"auto\"",
      "Whether the device is told of space that became free: auto (block devices alone), on, off."),
  STORAGE_NAMESPACES(
      "storage.namespaces",
      "[]",
      "NVMe namespaces that SPDK drives from this process instead of files, one for each target, or",
      "for each of storage.disks; \"\" for one that stays a file. As SPDK's programs name them:",
      "\"trtype:PCIe traddr:0000:01:00.0 ns:1\", or trtype:TCP, RDMA or VFIOUSER with traddr:, subnqn:.",
      "One that carries something else is refused, unless overwrite:yes is added."),
  STORAGE_SPDK_HOME(
      "storage.spdk_home",
      "\"\"",
      "Where SPDK is; empty: $SPDK_HOME, else where pkg-config or the loader finds it."),
  STORAGE_SPDK_MEMORY(
      "storage.spdk_memory", "\"512MiB\"", "Memory of SPDK, the reactor's buffers included ..."),
  STORAGE_SPDK_HUGE_PAGES(
      "storage.spdk_huge_pages",
      "true",
      "... of huge pages, which controllers on PCIe need; false for fabrics and VFIOUSER alone."),
  REACTOR_IDLE(
      "reactor.idle",
      "\"block\"",
      "What a reactor does when there is nothing to do: block (sleeps, uses next to no CPU),",
      "backoff (sleeps after a while), spin (never sleeps: for dedicated cores)."),
  LOG_LEVEL(
      "log.level", "\"info\"", "trace, debug, info, warn or error, for DIR/log/lampyris.log."),
  LOG_FILE_SIZE("log.file_size", "\"16MiB\"", "A log file is rolled over at this size ..."),
  LOG_FILES("log.files", "4", "... and this many rolled files are kept.");

  final String path;
  final String defaultText;
  final String comment;

  Key(String path, String defaultText, String... comment) {
    this.path = path;
    this.defaultText = defaultText;
    this.comment = String.join("\n", comment);
  }

  String table() {
    return path.substring(0, path.indexOf('.'));
  }

  String lastName() {
    return path.substring(path.indexOf('.') + 1);
  }

  static Optional<Key> named(String path) {
    return Arrays.stream(values()).filter(key -> key.path.equals(path)).findFirst();
  }

  /** The key whose path takes the fewest edits to reach. */
  static Key nearest(String path) {
    return Arrays.stream(values())
        .min(Comparator.comparingInt(key -> edits(key, path)))
        .orElseThrow();
  }

  /** The last part of the path alone may be what was meant. */
  private static int edits(Key key, String path) {
    String last = path.substring(path.lastIndexOf('.') + 1);
    return Math.min(distance(key.path, path), distance(key.lastName(), last));
  }

  private static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    Arrays.setAll(row, i -> i);
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int substituted = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(substituted, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[b.length()];
  }
}
