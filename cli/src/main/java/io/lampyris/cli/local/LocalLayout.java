package io.lampyris.cli.local;

import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.base.Sizes;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Properties;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a directory was made as.
 *
 * @param state how far it is (I3)
 * @param nodes how many storage nodes
 * @param ports of the manager, the metadata service and the storage nodes, in this order
 * @param mount where it is mounted; empty: nowhere
 */
record LocalLayout(
    State state,
    int nodes,
    int replicas,
    int targetsPerNode,
    long targetSizeBytes,
    List<Integer> ports,
    String mount) {
  /** How far the cluster of a directory is. */
  enum State {
    /** Its chains have not been made. */
    MAKING("making"),
    /** Nodes were added, and the chains have not been evened out over them. */
    GROWING("growing"),
    /** Everything is there. */
    READY("ready");

    private final String word;

    State(String word) {
      this.word = word;
    }

    static State of(String word) {
      for (State state : values()) {
        if (state.word.equals(word)) {
          return state;
        }
      }
      throw new IllegalArgumentException("no such state; observed=" + word);
    }
  }

  static final String FILE = "CLUSTER";
  static final int MANAGER = 1001;
  static final int META = 2001;
  private static final String FORMAT = "1";
  private static final int SECRET_BYTES = 32;

  LocalLayout {
    ports = List.copyOf(ports);
    assert ports.size() == 2 + nodes : "each process has a port";
  }

  /** With ports that are free now. */
  static LocalLayout withFreePorts(int nodes, int replicas, int targetsPerNode, long sizeBytes)
      throws IOException {
    List<Integer> ports = freePorts(2 + nodes);
    return new LocalLayout(State.MAKING, nodes, replicas, targetsPerNode, sizeBytes, ports, "");
  }

  private static List<Integer> freePorts(int count) throws IOException {
    List<ServerSocket> held = new ArrayList<>();
    List<Integer> ports = new ArrayList<>();
    try {
      for (int i = 0; i < count; i++) {
        ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        held.add(socket);
        ports.add(socket.getLocalPort());
      }
    } finally {
      for (ServerSocket socket : held) {
        socket.close();
      }
    }
    return ports;
  }

  /** With more storage nodes. */
  LocalLayout grownTo(int more) throws IOException {
    assert more > nodes : "it only grows";
    List<Integer> all = new ArrayList<>(ports);
    all.addAll(freePorts(more - nodes));
    State next = state == State.MAKING ? State.MAKING : State.GROWING;
    return new LocalLayout(next, more, replicas, targetsPerNode, targetSizeBytes, all, mount);
  }

  LocalLayout asReady() {
    return new LocalLayout(
        State.READY, nodes, replicas, targetsPerNode, targetSizeBytes, ports, mount);
  }

  LocalLayout withMount(String other) {
    return new LocalLayout(state, nodes, replicas, targetsPerNode, targetSizeBytes, ports, other);
  }

  static LocalLayout read(Path dir) throws InputException, IOException {
    Properties values = new Properties();
    try (var reader = Files.newBufferedReader(dir.resolve(FILE))) {
      values.load(reader);
    }
    try {
      if (values.getProperty("format", "").equals(FORMAT)) {
        return new LocalLayout(
            State.of(values.getProperty("state", "")),
            Integer.parseInt(values.getProperty("nodes", "")),
            Integer.parseInt(values.getProperty("replicas", "")),
            Integer.parseInt(values.getProperty("targets_per_node", "")),
            Long.parseLong(values.getProperty("target_size", "")),
            Stream.of(values.getProperty("ports", "").split(" ")).map(Integer::valueOf).toList(),
            values.getProperty("mount", ""));
      }
    } catch (IllegalArgumentException e) {
      // Said below.
    }
    throw InputException.of(
        "%s is damaged or of another release".formatted(dir.resolve(FILE)),
        values,
        "format=" + FORMAT,
        "restore it, or use another --dir");
  }

  /** Replaces the file; durable when this returns. */
  void write(Path dir) throws FailedException {
    String text =
        """
        # Written by lampyris when this directory was made. Do not edit.
        format=%s
        state=%s
        nodes=%d
        replicas=%d
        targets_per_node=%d
        target_size=%d
        ports=%s
        mount=%s
        """
            .formatted(
                FORMAT,
                state.word,
                nodes,
                replicas,
                targetsPerNode,
                targetSizeBytes,
                ports.stream().map(String::valueOf).collect(Collectors.joining(" ")),
                mount.replace("\\", "\\\\"));
    try {
      Host.posix().replace(dir.resolve(FILE), text.getBytes(StandardCharsets.UTF_8));
    } catch (StoreException e) {
      throw FailedException.because(e);
    }
  }

  /** Writes what the processes are told, where it is not there yet: it may have been changed. */
  void writeFiles(Path dir) throws IOException {
    Path secret = dir.resolve("secret");
    if (!Files.exists(secret)) {
      byte[] random = new byte[SECRET_BYTES];
      new SecureRandom().nextBytes(random);
      Files.createFile(
          secret,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      Files.writeString(secret, Base64.getEncoder().encodeToString(random) + "\n");
    }
    write(dir, "cluster", "");
    write(
        dir,
        "mgmtd",
        """
        [mgmtd]
        node = %d
        dir = "mgmtd"
        """
            .formatted(MANAGER));
    write(
        dir,
        "meta",
        """
        [meta]
        node = %d
        dir = "meta"
        """
            .formatted(META));
    for (int node = 1; node <= nodes; node++) {
      Files.createDirectories(dir.resolve(storageName(node)).resolve("disk"));
      write(dir, storageName(node), storage(node));
    }
  }

  static String storageName(int node) {
    return "storage-" + node;
  }

  private String storage(int node) {
    return """
    [storage]
    node = %d
    listen = "127.0.0.1:%d"
    dir = "%s"
    disks = ["%s/disk"]
    targets_per_disk = %d
    target_size = "%s"
    """
        .formatted(
            node,
            ports.get(1 + node),
            storageName(node),
            storageName(node),
            targetsPerNode,
            Sizes.exact(targetSizeBytes));
  }

  private void write(Path dir, String name, String section) throws IOException {
    Path file = dir.resolve(name + ".toml");
    if (!Files.exists(file)) {
      Files.writeString(
          file,
          """
          [cluster]
          managers = ["%d@127.0.0.1:%d"]
          meta = ["%d@127.0.0.1:%d"]
          secret_file = "secret"

          %s\
          """
              .formatted(MANAGER, ports.get(0), META, ports.get(1), section));
    }
  }
}
