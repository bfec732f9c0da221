package io.lampyris.cli.instance;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What is mounted where, as the kernel says; looks at no mount itself, for a dead one may hang. */
public final class Mounts {
  /** The type that programs look for. */
  public static final String TYPE = "fuse.hf3fs";

  private static final Path TABLE = Path.of("/proc/self/mountinfo");

  private Mounts() {}

  /** One mount. */
  public record Mount(Path point, String type, String source) {}

  /** What is mounted on exactly this directory; the topmost one. */
  public static Optional<Mount> at(Path point) throws IOException {
    Path absolute = point.toAbsolutePath().normalize();
    return all().stream().filter(m -> m.point.equals(absolute)).reduce((below, above) -> above);
  }

  private static List<Mount> all() throws IOException {
    List<Mount> mounts = new ArrayList<>();
    for (String line : Files.readAllLines(TABLE)) {
      // 36 35 98:0 /root /point options [optional ...] - type source super-options
      String[] halves = line.split(" - ", 2);
      String[] left = halves[0].split(" ", -1);
      String[] right = halves[1].split(" ", -1);
      mounts.add(new Mount(Path.of(unescape(left[4])), right[0], unescape(right[1])));
    }
    return mounts;
  }

  private static String unescape(String text) {
    return text.replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\");
  }
}
