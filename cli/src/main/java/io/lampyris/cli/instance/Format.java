package io.lampyris.cli.instance;

import io.lampyris.cli.base.InputException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;

/**
 * The file FORMAT: what DIR was formatted as.
 *
 * @param ready false while DIR is being made
 * @param id of the instance
 * @param targetCount how many targets there are
 * @param targetSizeBytes of each
 */
public record Format(boolean ready, UUID id, int targetCount, long targetSizeBytes) {
  public static final int VERSION = 1;

  /** Reads the file and refuses what this release did not write. */
  static Format read(Path file) throws InputException, IOException {
    Map<String, String> values = new HashMap<>();
    for (String line : Files.readAllLines(file)) {
      int equals = line.indexOf('=');
      if (equals > 0 && !line.startsWith("#")) {
        values.put(line.substring(0, equals).strip(), line.substring(equals + 1).strip());
      }
    }
    String version = values.getOrDefault("format", "none");
    if (!version.equals(Integer.toString(VERSION))) {
      throw InputException.of(
          "%s is of another format version".formatted(file.getParent()),
          "format " + version,
          "format " + VERSION,
          "use the release that wrote it, or another --dir");
    }
    try {
      return new Format(
          "ready".equals(values.get("state")),
          UUID.fromString(values.getOrDefault("uuid", "")),
          Integer.parseInt(values.getOrDefault("targets", "")),
          Long.parseLong(values.getOrDefault("target_size", "")));
    } catch (IllegalArgumentException e) {
      throw InputException.of(
          "%s is damaged".formatted(file),
          values,
          "format, state, uuid, targets, target_size",
          "restore it, or use another --dir");
    }
  }

  /** Replaces the file; durable when this returns. */
  public void write(Path file) throws IOException {
    Path next = file.resolveSibling(file.getFileName() + ".next");
    Files.writeString(
        next,
        """
        # Written by lampyris when this directory was formatted. Do not edit.
        format=%d
        state=%s
        uuid=%s
        targets=%d
        target_size=%d
        """
            .formatted(VERSION, ready ? "ready" : "formatting", id, targetCount, targetSizeBytes));
    sync(next, StandardOpenOption.WRITE);
    Files.move(next, file, StandardCopyOption.ATOMIC_MOVE);
    sync(file.toAbsolutePath().getParent(), StandardOpenOption.READ);
  }

  /** The same, with everything made. */
  public Format asReady() {
    return new Format(true, id, targetCount, targetSizeBytes);
  }

  private static void sync(@org.jspecify.annotations.Nullable Path path, StandardOpenOption option)
      throws IOException {
    assert path != null : "FORMAT lies in a directory";
    try (FileChannel channel = FileChannel.open(path, option)) {
      channel.force(true);
    }
  }
}
