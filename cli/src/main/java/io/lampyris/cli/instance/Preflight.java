package io.lampyris.cli.instance;

import io.lampyris.cli.base.InputException;
import io.lampyris.cli.base.Sizes;
import io.lampyris.cli.config.Configuration;
import io.lampyris.cli.config.ConfigurationFile;
import io.lampyris.cli.config.NvmeSettings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Everything that can be wrong with what {@code up} was asked for, found before anything is done
 * (I1).
 */
public final class Preflight {
  private static final long ALIGNMENT_BYTES = 64L << 20;
  private static final long TARGET_MIN_BYTES = 256L << 20;
  private static final long TARGET_DEFAULT_MAX_BYTES = 16L << 30;

  /** What meta, logs and the other users of the file system need beside the targets. */
  private static final long RESERVE_BYTES = 256L << 20;

  /** sun_path of a Unix domain socket, with its terminating zero. */
  private static final int SOCKET_PATH_MAX = 107;

  /** What a first start may have made before FORMAT. */
  private static final Set<String> MAY_PRECEDE = Set.of("lock", "log", "FORMAT.next");

  private final Request request;
  private final InstanceDirectory dir;

  private Preflight(Request request) {
    this.request = request;
    this.dir = request.dir();
  }

  /**
   * What the user asked for.
   *
   * @param targetCount empty when not given
   * @param targetSizeBytes empty when not given
   * @param configuration null when not given
   */
  public record Request(
      InstanceDirectory dir,
      Path mount,
      OptionalInt targetCount,
      OptionalLong targetSizeBytes,
      @Nullable Path configuration) {}

  /**
   * What is to be done.
   *
   * @param format what DIR is, or is to be formatted as
   * @param firstUse whether it has to be formatted
   * @param staleMount whether a dead mount lies on the mount point
   */
  public record Plan(
      InstanceDirectory dir,
      Path mount,
      Format format,
      Configuration configuration,
      boolean firstUse,
      boolean staleMount) {}

  /**
   * Checks a request and changes nothing.
   *
   * @param locked whether this process holds the lock of DIR
   */
  public static Plan check(Request request, boolean locked) throws InputException, IOException {
    return new Preflight(request).plan(locked);
  }

  private Plan plan(boolean locked) throws InputException, IOException {
    checkGivenTargets();
    checkSocketPath();
    if (Files.exists(dir.root()) && !Files.isDirectory(dir.root())) {
      throw InputException.of("--dir is no directory", dir, "a directory", "name another --dir");
    }
    if (!locked && Files.isDirectory(dir.root())) {
      OptionalLong holder = InstanceLock.holder(dir);
      if (holder.isPresent()) {
        throw InstanceLock.inUse(dir, holder.getAsLong());
      }
    }
    Optional<Format> existing = existingFormat();
    Configuration configuration = readConfiguration();
    Format format =
        existing.isPresent() ? agreeing(existing.get(), configuration) : newFormat(configuration);
    boolean stale = checkMount();
    if (existing.isPresent() && format.ready()) {
      checkSuperblocks(format, configuration.storage().nvme());
    }
    return new Plan(
        dir,
        mountPoint(),
        format,
        configuration.withTargets(format.targetCount(), format.targetSizeBytes()),
        existing.isEmpty() || !format.ready(),
        stale);
  }

  private void checkGivenTargets() throws InputException {
    if (request.targetCount().isPresent()) {
      int count = request.targetCount().getAsInt();
      if (count < 1 || count > ConfigurationFile.TARGET_COUNT_MAX) {
        throw InputException.of(
            "--targets is out of range",
            count,
            "1 to " + ConfigurationFile.TARGET_COUNT_MAX,
            "leave it out for one target");
      }
    }
    if (request.targetSizeBytes().isPresent()) {
      checkTargetSize("--target-size", request.targetSizeBytes().getAsLong());
    }
  }

  private static void checkTargetSize(String name, long bytes) throws InputException {
    if (bytes < TARGET_MIN_BYTES || bytes % ALIGNMENT_BYTES != 0) {
      long nearest = Math.max(TARGET_MIN_BYTES, (bytes + ALIGNMENT_BYTES / 2) & -ALIGNMENT_BYTES);
      throw InputException.of(
          name + " is no size that a target can have",
          Sizes.exact(bytes),
          "at least 256MiB, a multiple of 64MiB",
          "use " + Sizes.exact(nearest));
    }
  }

  private void checkSocketPath() throws InputException {
    String path = dir.controlSocket().toString();
    int length = path.getBytes(StandardCharsets.UTF_8).length;
    if (length > SOCKET_PATH_MAX) {
      throw InputException.of(
          "the path of --dir is too long for a socket in it",
          length + " bytes with /control.sock",
          SOCKET_PATH_MAX,
          "use a shorter --dir");
    }
  }

  private Optional<Format> existingFormat() throws InputException, IOException {
    if (Files.exists(dir.format())) {
      return Optional.of(Format.read(dir.format()));
    }
    if (Files.isDirectory(dir.root())) {
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(dir.root())) {
        for (Path entry : entries) {
          if (!MAY_PRECEDE.contains(entry.getFileName().toString())) {
            throw InputException.of(
                "--dir holds something else",
                entry,
                "an empty directory, or one that lampyris has formatted",
                "name another --dir");
          }
        }
      }
    }
    return Optional.empty();
  }

  private Configuration readConfiguration() throws InputException {
    Path given = request.configuration();
    if (given != null) {
      return ConfigurationFile.read(given);
    }
    return Files.exists(dir.configuration())
        ? ConfigurationFile.read(dir.configuration())
        : Configuration.DEFAULT;
  }

  private Format agreeing(Format format, Configuration configuration) throws InputException {
    long count =
        request.targetCount().orElse(configuration.targetCount().orElse(format.targetCount()));
    if (count != format.targetCount()) {
      throw disagrees("targets", count, format.targetCount());
    }
    long size =
        request
            .targetSizeBytes()
            .orElse(configuration.targetSizeBytes().orElse(format.targetSizeBytes()));
    if (size != format.targetSizeBytes()) {
      throw disagrees("target size", Sizes.exact(size), Sizes.exact(format.targetSizeBytes()));
    }
    return format;
  }

  private InputException disagrees(String what, Object observed, Object limit) {
    return InputException.of(
        "%s was formatted with another %s".formatted(dir, what),
        observed,
        limit,
        "leave it as it was formatted, or use another --dir");
  }

  private Format newFormat(Configuration configuration) throws InputException, IOException {
    int count = request.targetCount().orElse(configuration.targetCount().orElse(1));
    long free = freeBytes();
    OptionalLong asked =
        request.targetSizeBytes().isPresent()
            ? request.targetSizeBytes()
            : configuration.targetSizeBytes();
    long size =
        asked.isPresent()
            ? asked.getAsLong()
            : Math.max(TARGET_MIN_BYTES, defaultSize(free, count));
    checkTargetSize("targets.size", size);
    checkNamespaces(configuration.storage().nvme(), count, asked.isPresent());
    long files = count - configuration.storage().nvme().named().count();
    if (files > 0 && size > (free - RESERVE_BYTES) / files) {
      throw InputException.of(
          "the targets do not fit on the disk that holds " + dir,
          "%d x %s and %s of reserve"
              .formatted(files, Sizes.exact(size), Sizes.exact(RESERVE_BYTES)),
          Sizes.human(free) + " free",
          "choose a smaller --target-size or fewer --targets, free some space, or use another"
              + " --dir");
    }
    return new Format(false, UUID.randomUUID(), count, size);
  }

  private static void checkNamespaces(NvmeSettings nvme, int count, boolean sized)
      throws InputException {
    if (nvme.namespaces().size() > count) {
      throw InputException.of(
          "more namespaces than targets",
          nvme.namespaces().size() + " in storage.namespaces",
          count,
          "set targets.count");
    }
    if (nvme.named().findAny().isPresent() && !sized) {
      throw InputException.of(
          "targets on NVMe namespaces have no default size",
          "no targets.size",
          "a multiple of 64MiB that every namespace has",
          "set targets.size, or --target-size");
    }
  }

  private static long defaultSize(long free, int count) {
    return Math.min(TARGET_DEFAULT_MAX_BYTES, free / 4 / count) & -ALIGNMENT_BYTES;
  }

  private long freeBytes() throws IOException {
    Path existing = dir.root();
    while (!Files.exists(existing)) {
      Path parent = existing.getParent();
      if (parent == null) {
        break;
      }
      existing = parent;
    }
    return Files.getFileStore(existing).getUsableSpace();
  }

  /** Those on namespaces are looked at when SPDK runs, in the instance itself. */
  private void checkSuperblocks(Format format, NvmeSettings nvme)
      throws InputException, IOException {
    for (int id = 1; id <= format.targetCount(); id++) {
      boolean isFile = nvme.namespaceOf(id - 1) == null;
      TargetFiles.check(dir.target(id), format.targetSizeBytes(), isFile);
    }
  }

  private Path mountPoint() throws IOException {
    return Mounts.canonical(request.mount());
  }

  private boolean checkMount() throws InputException, IOException {
    Path point = mountPoint();
    Optional<Mounts.Mount> mounted = Mounts.at(point);
    if (mounted.isPresent()) {
      if (mounted.get().type().equals(Mounts.TYPE) && Mounts.isDead(point)) {
        return true;
      }
      throw busy(point, mounted.get().type() + " is mounted there");
    }
    if (!Files.isDirectory(point)) {
      throw InputException.of(
          "the mount point is missing",
          Files.exists(point) ? point + " is no directory" : "no " + point,
          "an empty directory",
          "mkdir -p " + point);
    }
    if (point.startsWith(dir.root()) || dir.root().startsWith(point)) {
      throw InputException.of(
          "--dir and --mount lie inside each other",
          "%s and %s".formatted(dir, point),
          "two separate directories",
          "name another --mount");
    }
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(point)) {
      if (entries.iterator().hasNext()) {
        throw busy(point, "it is not empty");
      }
    }
    return false;
  }

  private static InputException busy(Path point, String observed) {
    return InputException.of(
        "the mount point is busy: " + point,
        observed,
        "an empty directory with nothing mounted on it",
        "umount it, or name another --mount");
  }
}
