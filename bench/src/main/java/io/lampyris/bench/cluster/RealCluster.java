package io.lampyris.bench.cluster;

import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.cluster.ClusterFile;
import io.lampyris.cli.cluster.ClusterLink;
import io.lampyris.protocol.Services;
import io.lampyris.protocol.cluster.AdminAnswer;
import io.lampyris.protocol.cluster.AdminCommand;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.LongPredicate;

/**
 * A manager, a metadata service, storage nodes and a mount, each a process of its own that {@code
 * bin/lampyris} runs, as a site would run them. Owner: one thread.
 */
final class RealCluster implements AutoCloseable {
  static final int MANAGER = 1001;
  static final int META = 2001;

  /** As without it in the file. */
  private static final int CLIENT_TIMEOUT_S = 30;

  private static final long COUNT_MAX_NS = TimeUnit.SECONDS.toNanos(120);

  /** How its processes reach each other. */
  interface Wiring {
    /** The address of everything that is no storage node. */
    String host();

    /** The address of a storage node. */
    String host(int node);

    /** What comes before the command of a storage node. */
    List<String> prefix(int node);

    /** What {@code cluster.rdma} says to a storage node; 0: to all others. */
    String rdma(int node);

    /** Takes the cable of a storage node out, or puts it in again. */
    void cable(int node, boolean in) throws IOException, InterruptedException;

    /** How many times as long as elsewhere everything may take: 1, or more where it is emulated. */
    default int patience() {
      return 1;
    }
  }

  /** Everything at 127.0.0.1. */
  static final Wiring LOOPBACK =
      new Wiring() {
        @Override
        public String host() {
          return "127.0.0.1";
        }

        @Override
        public String host(int node) {
          return "127.0.0.1";
        }

        @Override
        public List<String> prefix(int node) {
          return List.of();
        }

        @Override
        public String rdma(int node) {
          return "auto";
        }

        @Override
        public void cable(int node, boolean in) {
          throw new IllegalArgumentException(
              "there is no cable; observed=127.0.0.1, limit=--netns or --links; remedy:"
                  + " bench/cluster/trials --cut, or --rig");
        }
      };

  private final Path launcher;
  private final Path work;
  private final Wiring wiring;
  private final int disks;
  private final String targetSize;
  private final Path mountPoint;
  private final Path client;
  private final String common;
  final Role manager;
  final Role meta;
  final Role mount;
  final Map<Integer, Role> storage = new TreeMap<>();

  /** Where each role listens. */
  private final Map<Role, Port> addresses = new LinkedHashMap<>();

  /** Where a role listens, and as what. */
  record Port(InetSocketAddress address, int node, int service) {
    Port(String host, int port, int node, int service) {
      this(new InetSocketAddress(host, port), node, service);
    }
  }

  /**
   * @param work an empty directory
   * @param disks of each storage node
   */
  RealCluster(Path launcher, Path work, Wiring wiring, int disks, String targetSize)
      throws IOException {
    this.launcher = launcher;
    this.work = work;
    this.wiring = wiring;
    this.disks = disks;
    this.targetSize = targetSize;
    Files.createDirectories(work);
    Files.writeString(work.resolve("secret"), UUID.randomUUID().toString());
    mountPoint = Files.createDirectories(work.resolve("mnt"));
    int managerPort = freePort();
    int metaPort = freePort();
    common =
        """
        [cluster]
        managers = ["%d@%s:%d"]
        meta = ["%d@%s:%d"]
        secret_file = "secret"
        """
            .formatted(MANAGER, wiring.host(), managerPort, META, wiring.host(), metaPort);
    String timeout = "timeout = \"%ds\"\n".formatted(CLIENT_TIMEOUT_S * wiring.patience());
    client = write("client", 0, "[client]\n" + timeout);
    Path managerFile =
        write("mgmtd", 0, "[mgmtd]\nnode = %d\ndir = \"mgmtd\"\n".formatted(MANAGER));
    Path metaFile = write("meta", 0, "[meta]\nnode = %d\ndir = \"meta\"\n".formatted(META));
    manager = role("mgmtd", List.of(), List.of("mgmtd", "--config", managerFile.toString()));
    meta = role("meta", List.of(), List.of("meta", "--config", metaFile.toString()));
    addresses.put(manager, new Port(wiring.host(), managerPort, MANAGER, Services.MGMTD));
    addresses.put(meta, new Port(wiring.host(), metaPort, META, Services.META));
    mount =
        role(
            "mount",
            List.of(),
            List.of(
                "mount",
                "--config",
                client.toString(),
                "--mount",
                mountPoint.toString(),
                "--dir",
                work.resolve("mount").toString()));
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private Path write(String name, int node, String sections) throws IOException {
    String rdma = "rdma = \"%s\"\n".formatted(wiring.rdma(node));
    return Files.writeString(work.resolve(name + ".toml"), common + rdma + sections);
  }

  private Role role(String name, List<String> prefix, List<String> arguments) {
    List<String> command = new ArrayList<>(prefix);
    command.add(launcher.toString());
    command.addAll(arguments);
    return new Role(
        name, command, work.resolve(name + ".out"), work.resolve(name), wiring.patience());
  }

  Wiring wiring() {
    return wiring;
  }

  Path mountPoint() {
    return mountPoint;
  }

  /** Starts manager and storage nodes, makes the chains, then metadata and the mount. */
  void start(int nodes, int replicas, int targetsPerDisk)
      throws IOException, InterruptedException, InputException, FailedException {
    manager.start();
    for (int node = 1; node <= nodes; node++) {
      addNode(node, targetsPerDisk);
    }
    awaitTargets(nodes * disks * targetsPerDisk);
    ask(AdminCommand.CHAIN_CREATE, Map.of("replicas", String.valueOf(replicas)));
    meta.start();
    awaitHealthy();
    mount.start();
  }

  /** Starts a storage node that the cluster does not know. */
  Role addNode(int node, int targetsPerDisk) throws IOException, InterruptedException {
    List<String> directories = new ArrayList<>();
    for (int disk = 0; disk < disks; disk++) {
      directories.add("\"" + Files.createDirectories(disk(node, disk)) + "\"");
    }
    int port = freePort();
    Path file =
        write(
            "storage-" + node,
            node,
            """
            [storage]
            node = %d
            listen = "%s:%d"
            dir = "storage-%d"
            disks = [%s]
            targets_per_disk = %d
            target_size = "%s"
            """
                .formatted(
                    node,
                    wiring.host(node),
                    port,
                    node,
                    String.join(", ", directories),
                    targetsPerDisk,
                    targetSize));
    Role made =
        role(
            "storage-" + node,
            wiring.prefix(node),
            List.of("storage", "--config", file.toString()));
    storage.put(node, made);
    addresses.put(made, new Port(wiring.host(node), port, node, Services.STORAGE));
    made.start();
    return made;
  }

  /** Where those that run listen. */
  Map<Role, Port> listening() {
    Map<Role, Port> running = new LinkedHashMap<>(addresses);
    running.keySet().removeIf(role -> !role.isRunning());
    return running;
  }

  /** What the cluster shares. */
  byte[] secret() throws IOException {
    return Files.readString(work.resolve("secret"), StandardCharsets.ISO_8859_1)
        .getBytes(StandardCharsets.ISO_8859_1);
  }

  /** The file of somebody who knows where the cluster is and not its secret. */
  Path stranger() throws IOException {
    Path other = Files.createDirectories(work.resolve("stranger"));
    Files.writeString(other.resolve("secret"), UUID.randomUUID().toString());
    return Files.writeString(other.resolve("client.toml"), common);
  }

  Path disk(int node, int disk) {
    return work.resolve("node-%d-disk-%d".formatted(node, disk));
  }

  Role node(int node) {
    Role role = storage.get(node);
    if (role == null) {
      throw new IllegalArgumentException("no such node; observed=" + node);
    }
    return role;
  }

  /** The file that operators name. */
  Path config() {
    return client;
  }

  // ---- what the manager says ----

  AdminAnswer ask(AdminCommand command, Map<String, String> arguments)
      throws InputException, FailedException {
    try (ClusterLink link = ClusterLink.open(ClusterFile.read(client))) {
      return link.ask(command, arguments);
    }
  }

  /** Its rows as maps by column. */
  List<Map<String, String>> rows(AdminCommand command, Map<String, String> arguments)
      throws InputException, FailedException {
    AdminAnswer answer = ask(command, arguments);
    List<Map<String, String>> rows = new ArrayList<>();
    for (List<String> row : answer.rows()) {
      Map<String, String> named = new TreeMap<>();
      for (int i = 0; i < row.size(); i++) {
        named.put(answer.columns().get(i), row.get(i));
      }
      rows.add(named);
    }
    return rows;
  }

  /** The nodes of a chain's members, head first. */
  List<Integer> nodesOf(int chain) throws InputException, FailedException {
    List<Integer> nodes = new ArrayList<>();
    for (Map<String, String> row :
        rows(AdminCommand.CHAIN_SHOW, Map.of("chain", String.valueOf(chain)))) {
      nodes.add(Integer.valueOf(row.get("node")));
    }
    return nodes;
  }

  /** The chain of each target that is a member of one. */
  Map<Long, Integer> chainOfTargets() throws InputException, FailedException {
    Map<Long, Integer> chains = new TreeMap<>();
    for (Map<String, String> row : rows(AdminCommand.TARGET_LIST, Map.of())) {
      String chain = row.getOrDefault("chain", "");
      if (!chain.isEmpty()) {
        chains.put(Long.valueOf(row.get("target")), Integer.valueOf(chain));
      }
    }
    return chains;
  }

  /** A line of health; never throws: a manager that is not there is an answer too. */
  String health() {
    try {
      AdminAnswer answer = ask(AdminCommand.STATUS, Map.of());
      StringBuilder text = new StringBuilder(answer.text());
      answer.rows().forEach(row -> text.append("; ").append(String.join(" ", row)));
      return text.toString();
    } catch (InputException | FailedException e) {
      return String.valueOf(e.getMessage());
    }
  }

  void awaitHealthy() throws IOException, InterruptedException {
    String[] last = {""};
    boolean came =
        VerifiedLoad.await(
            120_000L * wiring.patience(),
            () -> {
              last[0] = health();
              return last[0].startsWith("HEALTH_OK");
            });
    if (!came) {
      throw new IOException("the cluster is not HEALTH_OK; observed=" + last[0]);
    }
  }

  private static boolean isThere(Map<String, String> target) {
    String local = target.getOrDefault("local", "");
    return !local.isEmpty() && !local.equals("OFFLINE");
  }

  /** Returns when so many targets are reported and work. */
  void awaitTargets(int count)
      throws IOException, InterruptedException, InputException, FailedException {
    List<?>[] last = {List.of()};
    boolean came =
        VerifiedLoad.await(
            60_000L * wiring.patience(),
            () -> {
              try {
                List<Map<String, String>> rows = rows(AdminCommand.TARGET_LIST, Map.of());
                last[0] = rows;
                return rows.stream().filter(RealCluster::isThere).count() >= count;
              } catch (InputException | FailedException e) {
                last[0] = List.of(e);
                return false;
              }
            });
    if (!came) {
      throw new IOException("not all targets are there; observed=" + last[0]);
    }
  }

  // ---- what its processes count ----

  /** What the mount and all storage nodes have counted by a name, together; all of them run. */
  long counted(String name) throws IOException {
    long all = mount.counters().getOrDefault(name, 0L);
    for (Role role : storage.values()) {
      all += role.counters().getOrDefault(name, 0L);
    }
    return all;
  }

  /** Waits until that is so; false when it did not become so. */
  boolean awaitCount(String name, LongPredicate holds) throws IOException, InterruptedException {
    long untilNs = System.nanoTime() + COUNT_MAX_NS;
    while (!holds.test(counted(name))) {
      if (System.nanoTime() - untilNs > 0) {
        return false;
      }
      TimeUnit.MILLISECONDS.sleep(100);
    }
    return true;
  }

  // ---- the end ----

  /** Lets every process end by itself, the mount first. */
  void stop() throws IOException, InterruptedException {
    List<Role> all = new ArrayList<>(List.of(mount, meta));
    all.addAll(storage.values());
    all.add(manager);
    for (Role role : all) {
      if (role.isRunning()) {
        role.stop();
      }
    }
  }

  @Override
  public void close() throws IOException {
    try {
      mount.end();
      // A mount whose process was killed is still there, and no look at the directory succeeds.
      if (Files.readString(Path.of("/proc/self/mountinfo")).contains(" " + mountPoint + " ")) {
        Cli.run(List.of("umount", "-l", mountPoint.toString()));
      }
      meta.end();
      for (Role role : storage.values()) {
        role.end();
      }
      manager.end();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while processes end", e);
    }
  }
}
