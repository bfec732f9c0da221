package io.lampyris.cli.cluster;

import io.lampyris.cli.base.InputException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.tomlj.TomlInvalidTypeException;

/**
 * What processes of a cluster are told.
 *
 * @param managers address by node id, in the order of the file
 * @param metas address of the metadata services by node id, in the order of the file
 * @param secret what the cluster shares
 * @param rdma of storage nodes and of processes that mount
 * @param manager for the process that is one; null: the file does not say
 * @param storage for the process that is a storage node; null: the file does not say
 * @param meta for the process that is a metadata service; null: the file does not say
 * @param client for processes that mount
 */
public record ClusterFile(
    Map<Integer, Endpoint> managers,
    Map<Integer, Endpoint> metas,
    Secret secret,
    Rdma rdma,
    @Nullable Manager manager,
    @Nullable StorageSection storage,
    @Nullable MetaSection meta,
    ClientSection client) {

  /** Where a process listens. */
  public record Endpoint(String host, int port) {
    /** Asks the resolver, and waits for it. */
    InetSocketAddress resolved() {
      return new InetSocketAddress(host, port);
    }

    /** HOST:PORT, an IPv6 address in brackets; null when a text is something else. */
    static @Nullable Endpoint parse(String text) {
      int colon = text.lastIndexOf(':');
      if (colon < 1) {
        return null;
      }
      String host = text.substring(0, colon);
      boolean bracketed = host.startsWith("[") && host.endsWith("]");
      try {
        int port = Integer.parseInt(text.substring(colon + 1));
        boolean fits = port >= 0 && port <= 0xFFFF;
        return fits
            ? new Endpoint(bracketed ? host.substring(1, host.length() - 1) : host, port)
            : null;
      } catch (NumberFormatException e) {
        return null;
      }
    }

    Endpoint withPort(int other) {
      return new Endpoint(host, other);
    }

    @Override
    public String toString() {
      return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + port;
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
          "cluster.meta",
          "cluster.secret_file",
          Rdma.KEY,
          "mgmtd.node",
          "mgmtd.listen",
          "mgmtd.dir",
          "mgmtd.settings");

  public ClusterFile {
    managers = Collections.unmodifiableMap(new LinkedHashMap<>(managers));
    metas = Collections.unmodifiableMap(new LinkedHashMap<>(metas));
  }

  public List<Integer> managerIds() {
    return List.copyOf(managers.keySet());
  }

  /** Where nodes are that the file itself names: managers and metadata services. */
  public Map<Integer, Endpoint> named() {
    Map<Integer, Endpoint> all = new LinkedHashMap<>(managers);
    all.putAll(metas);
    return all;
  }

  /** Reads a file strictly (I1). */
  public static ClusterFile read(Path file) throws InputException {
    TomlSource source = TomlSource.read(file);
    Set<String> keys = new TreeSet<>(KEYS);
    keys.addAll(StorageSection.keys());
    keys.addAll(MetaSection.KEYS);
    keys.addAll(ClientSection.KEYS);
    source.checkKeys(keys, Set.of(SETTINGS, StorageSection.SETTINGS));
    try {
      return of(source);
    } catch (TomlInvalidTypeException e) {
      throw source.wrong(
          "wrong type of a value",
          String.valueOf(e.getMessage()),
          "as the documentation shows",
          "correct it");
    }
  }

  private static ClusterFile of(TomlSource source) throws InputException {
    Map<Integer, Endpoint> managers = source.nodes("cluster.managers");
    if (managers.isEmpty()) {
      throw source.wrong(
          "no managers",
          "cluster.managers is missing or empty",
          "[\"ID@HOST:PORT\", ...]",
          "name them");
    }
    Map<Integer, Endpoint> metas = source.nodes("cluster.meta");
    ClusterFile file =
        new ClusterFile(
            managers,
            metas,
            secret(source),
            Rdma.in(source),
            source.has("mgmtd") ? manager(source, managers) : null,
            source.has("storage") ? StorageSection.in(source) : null,
            source.has("meta") ? MetaSection.in(source, metas) : null,
            ClientSection.in(source));
    file.checkIds(source);
    return file;
  }

  /** Calls find a node by its number alone. */
  private void checkIds(TomlSource source) throws InputException {
    List<Integer> ids = new ArrayList<>(managers.keySet());
    ids.addAll(metas.keySet());
    if (storage != null) {
      ids.add(storage.nodeId());
    }
    Set<Integer> once = new TreeSet<>();
    for (Integer id : ids) {
      if (!once.add(id)) {
        throw source.wrong(
            "two processes have one node id", id, "an id for each", "give one of them another");
      }
    }
  }

  private static Secret secret(TomlSource source) throws InputException {
    String name = source.text("cluster.secret_file", "");
    if (name.isEmpty()) {
      throw source.wrong(
          "no secret",
          "cluster.secret_file is missing",
          "a file of at least %d bytes".formatted(SECRET_MIN_BYTES),
          "make one: head -c 32 /dev/urandom | base64 > secret; chmod 600 secret");
    }
    Path path = source.beside(name);
    try {
      byte[] bytes =
          Files.readString(path, StandardCharsets.ISO_8859_1)
              .strip()
              .getBytes(StandardCharsets.ISO_8859_1);
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

  private static Manager manager(TomlSource source, Map<Integer, Endpoint> managers)
      throws InputException {
    Endpoint known = source.self("mgmtd.node", managers);
    if (known == null) {
      throw source.wrong(
          "mgmtd.node is not one of the managers",
          source.toml().get("mgmtd.node"),
          managers.keySet(),
          "name it in cluster.managers");
    }
    String listen = source.text("mgmtd.listen", "");
    return new Manager(
        source.whole("mgmtd.node", 0, 1, Integer.MAX_VALUE),
        listen.isEmpty() ? known : source.endpoint(listen),
        source.beside(source.needed("mgmtd.dir", "a directory for the manager")),
        source.settings("mgmtd.settings"));
  }
}
