package io.lampyris.cli.cluster;

import io.lampyris.cli.base.Durations;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.base.Sizes;
import io.lampyris.cli.cluster.ClusterFile.Endpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.tomlj.Toml;
import org.tomlj.TomlArray;
import org.tomlj.TomlParseResult;
import org.tomlj.TomlTable;

/** A file of TOML, and its values as a cluster's processes want them. */
record TomlSource(Path file, TomlParseResult toml) {
  static TomlSource read(Path file) throws InputException {
    TomlParseResult toml;
    try {
      toml = Toml.parse(file);
    } catch (IOException e) {
      throw InputException.of(
          "cannot read the configuration", e, "a readable file " + file, "name another file");
    }
    if (toml.hasErrors()) {
      throw InputException.of(
          "%s: not TOML".formatted(file), toml.errors().getFirst(), "key = value", "correct it");
    }
    return new TomlSource(file, toml);
  }

  /**
   * Refuses keys that are not known.
   *
   * @param free tables whose keys are anything, with a dot at the end
   */
  void checkKeys(Set<String> known, Set<String> free) throws InputException {
    for (List<String> path : toml.keyPathSet()) {
      String key = String.join(".", path);
      if (!known.contains(key) && free.stream().noneMatch(key::startsWith)) {
        throw wrong(
            "there is no key '%s'".formatted(key),
            key,
            String.join(" ", new TreeSet<>(known)),
            "use one of these, or remove the line");
      }
    }
  }

  InputException wrong(String what, Object observed, Object limit, String remedy) {
    return InputException.of("%s: %s".formatted(file, what), observed, limit, remedy);
  }

  boolean has(String key) {
    return toml.contains(key);
  }

  String text(String key, String otherwise) {
    String value = toml.getString(key);
    return value == null ? otherwise : value;
  }

  /** A text that must be there. */
  String needed(String key, String limit) throws InputException {
    String value = toml.getString(key);
    if (value == null || value.isBlank()) {
      throw wrong(key + " is missing", "nothing", limit, "name it");
    }
    return value;
  }

  int whole(String key, int otherwise, int min, int max) throws InputException {
    Long value = toml.getLong(key);
    if (value == null && otherwise >= min) {
      return otherwise;
    }
    if (value == null || value < min || value > max) {
      throw wrong("wrong value of " + key, value, min + " to " + max, "correct it");
    }
    return value.intValue();
  }

  long size(String key, long otherwise) throws InputException {
    String value = toml.getString(key);
    return value == null ? otherwise : Sizes.parse("%s: %s".formatted(file, key), value);
  }

  /** A time in ns, written as {@link Durations} says. */
  long duration(String key, long otherwiseNs, long minNs, long maxNs) throws InputException {
    String value = toml.getString(key);
    OptionalLong ns = value == null ? OptionalLong.of(otherwiseNs) : Durations.parseNs(value);
    if (ns.isEmpty() || ns.getAsLong() < minNs || ns.getAsLong() > maxNs) {
      throw wrong(
          "wrong value of " + key,
          value,
          "%s to %s, as in 90s, 30m or 12h"
              .formatted(Durations.exact(minNs), Durations.exact(maxNs)),
          "correct it");
    }
    return ns.getAsLong();
  }

  /** Texts of a list; none when it is not there. */
  List<String> list(String key) {
    TomlArray listed = toml.getArray(key);
    return listed == null ? List.of() : listed.toList().stream().map(Object::toString).toList();
  }

  /** A path, from the directory of the file on. */
  Path beside(String name) {
    return file.toAbsolutePath().resolveSibling(name);
  }

  /** All keys of a table, with dots, and their values as texts. */
  Map<String, String> settings(String key) {
    Map<String, String> settings = new TreeMap<>();
    TomlTable table = toml.getTable(key);
    if (table != null) {
      for (List<String> path : table.keyPathSet()) {
        settings.put(String.join(".", path), String.valueOf(table.get(path)));
      }
    }
    return settings;
  }

  Endpoint endpoint(String text) throws InputException {
    Endpoint endpoint = Endpoint.parse(text);
    if (endpoint == null) {
      throw wrong("address is malformed", text, "HOST:PORT", "correct it");
    }
    return endpoint;
  }

  /** Nodes with their addresses, in the order of the file. */
  Map<Integer, Endpoint> nodes(String key) throws InputException {
    Map<Integer, Endpoint> nodes = new LinkedHashMap<>();
    for (String text : list(key)) {
      int at = text.indexOf('@');
      int id = at < 1 ? 0 : number(text.substring(0, at));
      if (id < 1 || nodes.put(id, endpoint(text.substring(at + 1))) != null) {
        throw wrong(
            "node of %s is malformed, or named twice".formatted(key),
            text,
            "ID@HOST:PORT, each id once",
            "correct it");
      }
    }
    return nodes;
  }

  /** The address of the process that a table of the file is for, as one of those named. */
  @Nullable Endpoint self(String key, Map<Integer, Endpoint> nodes) {
    Long node = toml.getLong(key);
    return node == null ? null : nodes.get(node.intValue());
  }

  private static int number(String text) {
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException e) {
      return 0;
    }
  }
}
