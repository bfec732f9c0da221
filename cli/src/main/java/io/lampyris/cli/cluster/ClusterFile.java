package io.lampyris.cli.cluster;

import io.lampyris.cli.base.InputException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.tomlj.Toml;
import org.tomlj.TomlArray;
import org.tomlj.TomlInvalidTypeException;
import org.tomlj.TomlParseResult;
import org.tomlj.TomlTable;

/**
 * What processes of a cluster are told.
 *
 * @param managers address by node id, in the order of the file
 * @param secret what the cluster shares
 * @param manager for the process that is one; null: the file does not say
 */
public record ClusterFile(
    Map<Integer, Endpoint> managers, Secret secret, @Nullable Manager manager) {

  /** Where a manager listens. */
  public record Endpoint(String host, int port) {
    InetSocketAddress resolved() {
      return new InetSocketAddress(host, port);
    }

    @Override
    public String toString() {
      return host + ":" + port;
    }
  }

  /** Bytes that never show (I2). */
  public static final class Secret {
    private final byte[] bytes;

    Secret(byte[] bytes) {
      this.bytes = bytes.clone();
    }

    byte[] bytes() {
      return bytes.clone();
    }

    @Override
    public String toString() {
      return "withheld";
    }
  }

  /**
   * The part of one manager.
   *
   * @param dir of its store
   * @param settings over those of the cluster
   */
  public record Manager(int nodeId, Endpoint listen, Path dir, Map<String, String> settings) {}

  private static final int SECRET_MIN_BYTES = 16;
  private static final String SETTINGS = "mgmtd.settings.";
  private static final Set<String> KEYS =
      Set.of(
          "cluster.managers",
          "cluster.secret_file",
          "mgmtd.node",
          "mgmtd.listen",
          "mgmtd.dir",
          "mgmtd.settings");

  public ClusterFile {
    managers = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(managers));
  }

  public List<Integer> managerIds() {
    return List.copyOf(managers.keySet());
  }

  /** Reads a file strictly (I1). */
  public static ClusterFile read(Path file) throws InputException {
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
    checkKeys(file, toml);
    try {
      Map<Integer, Endpoint> managers = managers(file, toml);
      return new ClusterFile(managers, secret(file, toml), manager(file, toml, managers));
    } catch (TomlInvalidTypeException e) {
      throw InputException.of(
          "%s: wrong type of a value".formatted(file),
          String.valueOf(e.getMessage()),
          "as the documentation shows",
          "correct it");
    }
  }

  private static void checkKeys(Path file, TomlParseResult toml) throws InputException {
    for (List<String> path : toml.keyPathSet()) {
      String key = String.join(".", path);
      if (!KEYS.contains(key) && !key.startsWith(SETTINGS)) {
        throw InputException.of(
            "%s: there is no key '%s'".formatted(file, key),
            key,
            String.join(" ", KEYS.stream().sorted().toList()),
            "use one of these, or remove the line");
      }
    }
  }

  private static Map<Integer, Endpoint> managers(Path file, TomlParseResult toml)
      throws InputException {
    TomlArray listed = toml.getArray("cluster.managers");
    Map<Integer, Endpoint> managers = new LinkedHashMap<>();
    List<Object> entries = listed == null ? List.of() : listed.toList();
    for (Object entry : entries) {
      String text = entry.toString();
      int at = text.indexOf('@');
      int id = at < 1 ? 0 : number(text.substring(0, at), Integer.MAX_VALUE);
      if (id < 1 || managers.put(id, endpoint(file, text.substring(at + 1))) != null) {
        throw InputException.of(
            "%s: manager is malformed, or named twice".formatted(file),
            text,
            "ID@HOST:PORT, each id once",
            "correct it");
      }
    }
    if (managers.isEmpty()) {
      throw InputException.of(
          "%s: no managers".formatted(file),
          "cluster.managers is missing or empty",
          "[\"ID@HOST:PORT\", ...]",
          "name them");
    }
    return managers;
  }

  private static Endpoint endpoint(Path file, String text) throws InputException {
    int colon = text.lastIndexOf(':');
    int port = colon < 1 ? -1 : number(text.substring(colon + 1), 0xFFFF);
    if (port < 0) {
      throw InputException.of(
          "%s: address is malformed".formatted(file), text, "HOST:PORT", "correct it");
    }
    String host = text.substring(0, colon);
    boolean bracketed = host.startsWith("[") && host.endsWith("]");
    return new Endpoint(bracketed ? host.substring(1, host.length() - 1) : host, port);
  }

  private static int number(String text, int max) {
    try {
      int number = Integer.parseInt(text);
      return number <= max ? number : -1;
    } catch (NumberFormatException e) {
      return -1;
    }
  }

  private static Secret secret(Path file, TomlParseResult toml) throws InputException {
    String name = toml.getString("cluster.secret_file");
    if (name == null) {
      throw InputException.of(
          "%s: no secret".formatted(file),
          "cluster.secret_file is missing",
          "a file of at least %d bytes".formatted(SECRET_MIN_BYTES),
          "make one: head -c 32 /dev/urandom | base64 > secret; chmod 600 secret");
    }
    Path path = beside(file, name);
    try {
      byte[] bytes =
          Files.readString(path, java.nio.charset.StandardCharsets.ISO_8859_1)
              .strip()
              .getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
      if (bytes.length < SECRET_MIN_BYTES) {
        throw InputException.of(
            "secret in %s is too short".formatted(path),
            bytes.length + " bytes",
            SECRET_MIN_BYTES,
            "make a longer one");
      }
      return new Secret(bytes);
    } catch (IOException e) {
      throw InputException.of("cannot read the secret", e, "a readable file " + path, "correct it");
    }
  }

  private static @Nullable Manager manager(
      Path file, TomlParseResult toml, Map<Integer, Endpoint> managers) throws InputException {
    if (!toml.contains("mgmtd")) {
      return null;
    }
    Long node = toml.getLong("mgmtd.node");
    Endpoint known = node == null ? null : managers.get(node.intValue());
    if (node == null || known == null) {
      throw InputException.of(
          "%s: mgmtd.node is not one of the managers".formatted(file),
          String.valueOf(node),
          managers.keySet(),
          "name it in cluster.managers");
    }
    String dir = toml.getString("mgmtd.dir");
    if (dir == null) {
      throw InputException.of(
          "%s: no directory for the manager".formatted(file),
          "mgmtd.dir is missing",
          "a directory",
          "name it");
    }
    String listen = toml.getString("mgmtd.listen");
    Map<String, String> settings = new TreeMap<>();
    TomlTable table = toml.getTable("mgmtd.settings");
    if (table != null) {
      for (List<String> path : table.keyPathSet()) {
        settings.put(String.join(".", path), String.valueOf(table.get(path)));
      }
    }
    return new Manager(
        node.intValue(),
        listen == null ? known : endpoint(file, listen),
        beside(file, dir),
        settings);
  }

  private static Path beside(Path file, String name) {
    return file.toAbsolutePath().resolveSibling(name);
  }
}
