package io.lampyris.fuse;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What /proc/self/mountinfo says (proc(5)). */
final class MountTable {
  static final String TYPE = "fuse.hf3fs";
  static final String SOURCE_PREFIX = "lampyris.";

  private static final Path MOUNTINFO = Path.of("/proc/self/mountinfo");
  private static final int DEVICE_FIELD = 2;
  private static final int POINT_FIELD = 4;

  private MountTable() {}

  /** One mount; {@code deviceMinor} is the number of its connection when it is FUSE. */
  record Mount(String point, int deviceMinor, String type, String source) {
    /** Whether a daemon of this system made it. */
    boolean isOurs() {
      return type.equals(TYPE) && source.startsWith(SOURCE_PREFIX);
    }
  }

  /** What is mounted exactly at {@code point}, the topmost last. */
  static List<Mount> at(String point) throws IOException {
    List<Mount> found = new ArrayList<>();
    for (String line : Files.readAllLines(MOUNTINFO, StandardCharsets.ISO_8859_1)) {
      Mount mount = parse(line);
      if (mount.point().equals(point)) {
        found.add(mount);
      }
    }
    return found;
  }

  /** Fields before " - " vary in number, the three behind it do not. */
  static Mount parse(String line) {
    int separator = line.indexOf(" - ");
    String[] head = line.substring(0, separator).split(" ", -1);
    String[] tail = line.substring(separator + 3).split(" ", -1);
    String device = head[DEVICE_FIELD];
    int minor = Integer.parseInt(device.substring(device.indexOf(':') + 1));
    return new Mount(unescape(head[POINT_FIELD]), minor, tail[0], unescape(tail[1]));
  }

  /** Blank, tab, newline and backslash are written as backslash and three octal digits. */
  private static String unescape(String field) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(field.length());
    for (int i = 0; i < field.length(); i++) {
      char c = field.charAt(i);
      if (c == '\\' && i + 3 < field.length()) {
        bytes.write(Integer.parseInt(field.substring(i + 1, i + 4), 8));
        i += 3;
      } else {
        bytes.write(c);
      }
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
