package io.lampyris.cli.host;

import io.lampyris.cli.instance.Mounts;
import io.lampyris.reactor.device.Signatures;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What a disk and its partitions are used for: by the kernel's tables of mounts, swap and holders,
 * by what udev found, and by their first bytes.
 *
 * @param uses what is on it, in words; empty when nothing is
 * @param target whether a Lampyris target is on it, which is no use in that sense
 * @param known false when something could not be looked at (I5)
 */
record BlockUse(List<String> uses, boolean target, boolean known) {
  private static final String BLOCKS = "/sys/class/block/";

  /** Mounts may hide from us in a container, or from init in a service. */
  private static final List<String> MOUNT_TABLES =
      List.of("/proc/self/mountinfo", "/proc/1/mountinfo");

  /** What a disk like {@code nvme0n1} is used for. */
  static BlockUse of(HostFiles files, String disk) {
    List<String> uses = new ArrayList<>();
    boolean target = false;
    boolean known = true;
    List<Mounts.Mount> mounts =
        MOUNT_TABLES.stream().flatMap(table -> Mounts.parse(files.lines(table)).stream()).toList();
    for (String name : withPartitions(files, disk)) {
      kernelUses(files, name, mounts, uses);
      Optional<String> content = udevContent(files, name);
      // A device file that ends early, or leads to no disk in a container, says nothing.
      Optional<byte[]> head =
          files
              .head("/dev/" + name, Signatures.HEAD_BYTES)
              .filter(bytes -> bytes.length == Signatures.HEAD_BYTES);
      Optional<String> what = content.or(() -> head.flatMap(Signatures::of));
      known &= content.isPresent() || head.isPresent();
      target |= what.equals(Optional.of(Signatures.TARGET));
      what.filter(each -> !each.equals(Signatures.TARGET))
          .ifPresent(each -> uses.add("%s holds %s".formatted(name, each)));
    }
    return new BlockUse(List.copyOf(uses), target, known);
  }

  private static List<String> withPartitions(HostFiles files, String disk) {
    return Stream.concat(
            Stream.of(disk),
            files.names(BLOCKS + disk).stream()
                .filter(name -> files.exists(BLOCKS + disk + "/" + name + "/partition")))
        .toList();
  }

  private static void kernelUses(
      HostFiles files, String name, List<Mounts.Mount> mounts, List<String> uses) {
    String device = files.text(BLOCKS + name + "/dev").orElse("none");
    mounts.stream()
        // btrfs mounts have a device number of their own, but name the device.
        .filter(m -> m.device().equals(device) || m.source().equals("/dev/" + name))
        .map(Mounts.Mount::point)
        .distinct()
        .limit(3)
        .forEach(point -> uses.add("%s is mounted on %s".formatted(name, point)));
    if (files.lines("/proc/swaps").stream()
        .anyMatch(line -> line.startsWith("/dev/" + name + " "))) {
      uses.add(name + " is swap");
    }
    for (String holder : files.names(BLOCKS + name + "/holders")) {
      String known = files.text(BLOCKS + holder + "/dm/name").map(" (%s)"::formatted).orElse("");
      uses.add("%s is part of %s%s".formatted(name, holder, known));
    }
  }

  /** What udev found when the device appeared; who may not read disks may read that. */
  private static Optional<String> udevContent(HostFiles files, String name) {
    Optional<String> device = files.text(BLOCKS + name + "/dev");
    List<String> lines =
        device.map(number -> files.lines("/run/udev/data/b" + number)).orElse(List.of());
    // A partition inherits the type of the table that it is in.
    boolean whole = !files.exists(BLOCKS + name + "/partition");
    return udevValue(lines, "ID_FS_TYPE")
        .or(() ->
            udevValue(lines, "ID_PART_TABLE_TYPE")
                .filter(table -> whole)
                .map("a %s partition table"::formatted));
  }

  private static Optional<String> udevValue(List<String> lines, String key) {
    String start = "E:" + key + "=";
    return lines.stream()
        .filter(line -> line.startsWith(start))
        .map(line -> line.substring(start.length()))
        .findFirst();
  }
}
