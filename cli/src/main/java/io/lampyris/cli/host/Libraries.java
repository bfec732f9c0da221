package io.lampyris.cli.host;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;

/** Libraries where the loader finds them, in its order: ld.so(8). */
final class Libraries {
  private static final String CACHE = "/etc/ld.so.cache";
  private static final int CACHE_MAX_BYTES = 64 << 20;

  /** Those of 64-bit systems, with the one that Debian adds. */
  private static final List<String> DEFAULTS =
      List.of(
          "/lib/x86_64-linux-gnu",
          "/usr/lib/x86_64-linux-gnu",
          "/lib64",
          "/usr/lib64",
          "/lib",
          "/usr/lib");

  // glibc, sysdeps/generic/dl-cache.h: struct cache_file_new and struct file_entry_new.
  private static final byte[] MAGIC = "glibc-ld.so.cache1.1".getBytes(StandardCharsets.ISO_8859_1);
  private static final int COUNT_AT = 20;
  private static final int HEADER_BYTES = 48;
  private static final int ENTRY_BYTES = 24;
  private static final int NAME_AT = 4;
  private static final int PATH_AT = 8;
  private static final int FLAGS_MASK = 0xFFFF;

  /** A library for glibc of x86-64. */
  private static final int FLAGS_X86_64 = 0x0303;

  private final HostFiles files;
  private final List<String> asked = new ArrayList<>();
  private final Map<String, String> cached;

  Libraries(Host host) {
    files = host.files();
    for (String directory : host.environment().getOrDefault("LD_LIBRARY_PATH", "").split(":", -1)) {
      if (directory.startsWith("/")) {
        asked.add(directory);
      }
    }
    cached = files.head(CACHE, CACHE_MAX_BYTES).map(Libraries::parse).orElse(Map.of());
  }

  /**
   * A library.
   *
   * @param version what its file name says behind {@code .so.}; empty when nothing
   */
  record Library(String path, String version) {}

  /** The library that a program gets by this name. */
  Optional<Library> find(String name) {
    return find(name::equals);
  }

  /** The same, whatever the version behind {@code NAME.so}. */
  Optional<Library> findAnyVersion(String name) {
    return find(each -> each.equals(name + ".so") || each.startsWith(name + ".so."));
  }

  private Optional<Library> find(Predicate<String> name) {
    return in(asked, name)
        .or(() ->
            cached.entrySet().stream()
                .filter(entry -> name.test(entry.getKey()) && files.exists(entry.getValue()))
                .map(entry -> describe(entry.getValue()))
                .findFirst())
        .or(() -> in(DEFAULTS, name));
  }

  private Optional<Library> in(List<String> directories, Predicate<String> name) {
    for (String directory : directories) {
      for (String file : files.names(directory)) {
        if (name.test(file) && files.exists(directory + "/" + file)) {
          return Optional.of(describe(directory + "/" + file));
        }
      }
    }
    return Optional.empty();
  }

  private Library describe(String path) {
    String real = files.real(path).orElse(path);
    int at = real.indexOf(".so.");
    return new Library(path, at < 0 ? "" : real.substring(at + 4));
  }

  /** Names to paths, of libraries for this architecture; nothing when the format is another. */
  static Map<String, String> parse(byte[] cache) {
    int start = indexOf(cache, MAGIC);
    if (start < 0 || cache.length - start < HEADER_BYTES) {
      return Map.of();
    }
    // Offsets of strings count from the header's beginning, which an older cache may precede.
    ByteBuffer bytes =
        ByteBuffer.wrap(cache, start, cache.length - start).slice().order(ByteOrder.LITTLE_ENDIAN);
    int count = Math.clamp(bytes.getInt(COUNT_AT), 0, (bytes.limit() - HEADER_BYTES) / ENTRY_BYTES);
    Map<String, String> paths = new TreeMap<>();
    for (int i = 0; i < count; i++) {
      int at = HEADER_BYTES + i * ENTRY_BYTES;
      if ((bytes.getInt(at) & FLAGS_MASK) == FLAGS_X86_64) {
        String name = string(bytes, bytes.getInt(at + NAME_AT));
        String path = string(bytes, bytes.getInt(at + PATH_AT));
        if (!name.isEmpty() && path.startsWith("/")) {
          paths.putIfAbsent(name, path);
        }
      }
    }
    return paths;
  }

  private static String string(ByteBuffer bytes, int at) {
    StringBuilder text = new StringBuilder();
    for (int i = at; i >= 0 && i < bytes.limit() && bytes.get(i) != 0; i++) {
      text.append((char) (bytes.get(i) & 0xFF));
    }
    return text.toString();
  }

  private static int indexOf(byte[] bytes, byte[] wanted) {
    for (int at = 0; at + wanted.length <= bytes.length; at++) {
      if (ByteBuffer.wrap(bytes, at, wanted.length).equals(ByteBuffer.wrap(wanted))) {
        return at;
      }
    }
    return -1;
  }
}
