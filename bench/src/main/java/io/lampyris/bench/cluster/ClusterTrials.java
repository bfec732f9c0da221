package io.lampyris.bench.cluster;

import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.cluster.ClusterFile;
import io.lampyris.cli.cluster.ClusterLink;
import io.lampyris.protocol.cluster.AdminCommand;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lets things happen to a cluster of processes under load; nothing acknowledged may be lost. */
@Command(
    name = "trials",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Starts a manager, a metadata service, storage nodes and a mount, each a process, writes and",
      "reads with verification through the mount, and lets things happen meanwhile.",
      "Then every block is read once more, and the replicas are compared. With --links the counters",
      "of both sides have to show before that payloads go one-sided, those of rings without a copy."
    },
    footerHeading = "%nTrials:%n",
    footer = {
      "  head middle tail    kill -9 of that member of a random chain",
      "  two all             kill -9 of two storage nodes at once, of all",
      "  mgmtd meta          kill -9 of the manager, of the metadata service",
      "  stop                SIGSTOP for 6 s: a zombie must not serve what is old",
      "  cut                 its link down for 6 s (with --netns or --links)",
      "  flip                bytes of a target are changed under the running process",
      "  shorten             the file under a target loses its end; then the target is made anew",
      "  garbage             1,000 connections to every port that send rubbish, replay what a rightful",
      "                      client said, or stay half open; a wrong secret",
      "  restart             every process but the mount is restarted by SIGTERM, one by one",
      "  grow                two nodes more, chains rebalanced; one node drained, one disk replaced:",
      "                      each with one command"
    })
public final class ClusterTrials implements Callable<Integer> {
  private static final long PAUSE_MS = 2_000;
  private static final long AWAY_MS = 6_000;
  private static final long NS_PER_MS = 1_000_000;

  /** Trials after which writes go on without what was killed; in `all` they cannot. */
  private static final Set<String> KILLS = Set.of("head", "middle", "tail", "two", "mgmtd", "meta");

  private static final int GARBAGE_CONNECTIONS = 1_000;
  private static final long GROWN_MAX_KIB = 48 << 10;
  private static final long DIRECT_MAX_BYTES = 4 << 20;
  private static final int DESCRIPTORS_MAX = 16;

  /** The timeout of a handshake, and as much again for a machine that is busy. */
  private static final long HANDSHAKE_MAX_MS = 6_000;

  @Option(names = "--launcher", required = true, description = "bin/lampyris")
  private Path launcher = Path.of("bin/lampyris");

  @Option(names = "--work", required = true, description = "an empty directory for everything")
  private Path work = Path.of(".");

  @Option(names = "--nodes", defaultValue = "3", description = "default: ${DEFAULT-VALUE}")
  private int nodes;

  @Option(names = "--replicas", defaultValue = "3", description = "default: ${DEFAULT-VALUE}")
  private int replicas;

  @Option(names = "--disks", defaultValue = "1", description = "per node (${DEFAULT-VALUE})")
  private int disks;

  @Option(
      names = "--targets-per-disk",
      defaultValue = "3",
      description = "default: ${DEFAULT-VALUE}")
  private int targetsPerDisk;

  @Option(names = "--target-size", defaultValue = "512MiB", description = "${DEFAULT-VALUE}")
  private String targetSize = "";

  @Option(names = "--threads", defaultValue = "4", description = "default: ${DEFAULT-VALUE}")
  private int threads;

  @Option(
      names = "--file-mib",
      defaultValue = "" + VerifiedLoad.FILE_MIB,
      description = "of each of a thread's four files, a multiple of 3 (${DEFAULT-VALUE})")
  private int fileMib;

  @Option(
      names = "--trials",
      split = ",",
      defaultValue = "head,middle,tail,mgmtd,meta,stop,two,all,flip,restart",
      description = "in this order: ${DEFAULT-VALUE}")
  private List<String> trials = List.of();

  @Option(names = "--rounds", defaultValue = "1", description = "of all trials")
  private int rounds;

  @Option(names = "--seed", description = "replays the choices of a run; default: the clock")
  private long seed = System.nanoTime();

  @Option(
      names = "--netns",
      paramLabel = "PREFIX",
      description =
          "The network namespaces PREFIX-hub (this one, 10.77.0.1) and PREFIX-1 … (10.77.0.11 …) are"
              + " there, with links PREFIX-1 … in the hub.")
  private String netns = "";

  @Option(
      names = "--links",
      paramLabel = "DEVICE=ADDRESS ...",
      description =
          "RDMA devices, as LAMPYRIS_RIG_LINKS lists them in the virtual rig: the second one is"
              + " the first storage node's, the first one is for all else.")
  private String links = "";

  /** The longest write stall of each trial that killed processes and left replicas. */
  private final Map<String, List<Long>> killStallsNs = new LinkedHashMap<>();

  private final List<String> failures = new ArrayList<>();
  private SplittableRandom random = new SplittableRandom(0);

  public static void main(String[] args) {
    CommandLine command = new CommandLine(new ClusterTrials()).setOverwrittenOptionsAllowed(true);
    System.exit(command.execute(args));
  }

  @Override
  public Integer call() throws Exception {
    System.out.printf("cluster trials seed=%d%n", seed);
    random = new SplittableRandom(seed);
    try (RealCluster cluster =
        new RealCluster(launcher, work.resolve("cluster"), wiring(), disks, targetSize)) {
      cluster.start(nodes, replicas, targetsPerDisk);
      System.out.println("up: " + cluster.health());
      try (LoadProcess load =
          new LoadProcess(cluster.mountPoint().resolve("load"), threads, fileMib, seed)) {
        for (int round = 0; round < rounds; round++) {
          for (String trial : trials) {
            trial(trial, cluster, load);
          }
        }
        failures.addAll(load.end());
      }
      if (!links.isEmpty()) {
        failures.addAll(new RdmaProof(cluster, replicas, seed).run());
      }
      Map<Long, Integer> chains = cluster.chainOfTargets();
      cluster.stop();
      compare(cluster, chains);
    }
    report();
    return failures.isEmpty() ? 0 : 1;
  }

  private RealCluster.Wiring wiring() {
    if (!links.isEmpty()) {
      return RigLinks.of(links);
    }
    return netns.isEmpty() ? RealCluster.LOOPBACK : new Namespaces(netns);
  }

  private void compare(RealCluster cluster, Map<Long, Integer> chains) throws Exception {
    List<Path> directories = new ArrayList<>();
    for (int node : cluster.storage.keySet()) {
      for (int disk = 0; disk < disks; disk++) {
        directories.add(cluster.disk(node, disk));
      }
    }
    List<String> differences = Replicas.differences(directories, chains);
    differences.forEach(difference -> failures.add("REPLICAS DIFFER: " + difference));
    System.out.printf("replicas of %d targets compared%n", chains.size());
  }

  private void report() {
    List<Long> all = new ArrayList<>();
    killStallsNs.forEach((name, stalls) -> {
      all.addAll(stalls);
      reportStalls("  of " + name, stalls);
    });
    if (!all.isEmpty()) {
      reportStalls("write stall after a kill", all);
    }
    failures.forEach(failure -> System.out.printf("FAILED (seed=%d): %s%n", seed, failure));
    System.out.println(failures.isEmpty() ? "ok cluster trials" : "FAILED cluster trials");
  }

  private static void reportStalls(String what, List<Long> stalls) {
    Collections.sort(stalls);
    System.out.printf(
        "%s: %d kills, median %d ms, worst %d ms%n",
        what,
        stalls.size(),
        stalls.get(stalls.size() / 2) / NS_PER_MS,
        stalls.getLast() / NS_PER_MS);
  }

  private void trial(String name, RealCluster cluster, LoadProcess load) throws Exception {
    long beganNs = System.nanoTime();
    LoadProcess.State before = load.state();
    TimeUnit.MILLISECONDS.sleep(PAUSE_MS);
    load.mark();
    happen(name, cluster);
    cluster.awaitHealthy();
    LoadProcess.State after = load.state();
    if (KILLS.contains(name)) {
      killStallsNs.computeIfAbsent(name, n -> new ArrayList<>()).add(after.writeStallNs());
    }
    boolean good = after.errors() == before.errors() && after.wrong() == before.wrong();
    System.out.printf(
        "%s %s: write stall %d ms, read stall %d ms, healthy after %.1f s%n",
        good ? "ok" : "FAILED",
        name,
        after.writeStallNs() / NS_PER_MS,
        after.readStallNs() / NS_PER_MS,
        (System.nanoTime() - beganNs) / 1e9 - PAUSE_MS / 1e3);
  }

  private void happen(String name, RealCluster cluster) throws Exception {
    switch (name) {
      case "head" -> kill(List.of(member(cluster, 0)), cluster);
      case "middle" -> kill(List.of(member(cluster, replicas / 2)), cluster);
      case "tail" -> kill(List.of(member(cluster, replicas - 1)), cluster);
      case "two" -> kill(someNodes(cluster, 2), cluster);
      case "all" -> kill(List.copyOf(cluster.storage.keySet()), cluster);
      case "mgmtd" -> restart(cluster.manager);
      case "meta" -> restart(cluster.meta);
      case "stop" -> freeze(cluster.node(member(cluster, random.nextInt(replicas))));
      case "cut" -> cut(cluster, member(cluster, random.nextInt(replicas)));
      case "flip" -> flip(cluster);
      case "shorten" -> shorten(cluster);
      case "garbage" -> garbage(cluster);
      case "restart" -> restartAll(cluster);
      case "grow" -> grow(cluster);
      default ->
          throw new IllegalArgumentException(
              "no such trial; observed=%s, limit=those that --help lists; remedy: correct --trials"
                  .formatted(name));
    }
  }

  /** A member of a random chain, by position. */
  private int member(RealCluster cluster, int position) throws Exception {
    List<Integer> chains = new ArrayList<>(new TreeSet<>(cluster.chainOfTargets().values()));
    return cluster.nodesOf(chains.get(random.nextInt(chains.size()))).get(position);
  }

  private List<Integer> someNodes(RealCluster cluster, int count) {
    List<Integer> all = new ArrayList<>(cluster.storage.keySet());
    Collections.shuffle(all, new Random(random.nextLong()));
    return all.subList(0, count);
  }

  private void kill(List<Integer> which, RealCluster cluster)
      throws IOException, InterruptedException {
    for (int node : which) {
      cluster.node(node).kill();
    }
    if (which.size() < replicas) {
      // Until the chains have done without it.
      TimeUnit.MILLISECONDS.sleep(AWAY_MS);
    }
    for (int node : which) {
      cluster.node(node).launch();
    }
    for (int node : which) {
      cluster.node(node).awaitReady();
    }
  }

  private static void restart(Role role) throws IOException, InterruptedException {
    role.kill();
    role.start();
  }

  private static void freeze(Role role) throws IOException, InterruptedException {
    role.freeze();
    try {
      TimeUnit.MILLISECONDS.sleep(AWAY_MS);
    } finally {
      role.thaw();
    }
  }

  private void cut(RealCluster cluster, int node) throws IOException, InterruptedException {
    String name = "verbs_calls_by_tcp";
    long byTcp = links.isEmpty() ? 0 : cluster.counted(name);
    cluster.wiring().cable(node, false);
    try {
      TimeUnit.MILLISECONDS.sleep(AWAY_MS);
      if (!links.isEmpty() && !cluster.awaitCount(name, count -> count > byTcp)) {
        failures.add("node %d has no cable, and no call goes by TCP".formatted(node));
      }
    } finally {
      cluster.wiring().cable(node, true);
    }
  }

  // ---- disks ----

  private Path device(RealCluster cluster, int node) throws IOException {
    try (Stream<Path> all = Files.walk(cluster.disk(node, 0), 3)) {
      List<Path> found =
          all.filter(path -> path.getFileName().toString().equals("device")).sorted().toList();
      return found.get(random.nextInt(found.size()));
    }
  }

  /** A byte in every MiB of one target's data, behind the back of its process. */
  private void flip(RealCluster cluster) throws IOException, InterruptedException {
    int node = someNodes(cluster, 1).getFirst();
    try (RandomAccessFile file = new RandomAccessFile(device(cluster, node).toFile(), "rw")) {
      for (long at = 64L << 20; at < file.length(); at += 1 << 20) {
        long place = at + random.nextInt(1 << 20);
        file.seek(place);
        int old = file.read();
        file.seek(place);
        file.write(old ^ (1 << random.nextInt(8)));
      }
    }
    TimeUnit.MILLISECONDS.sleep(AWAY_MS);
  }

  private void shorten(RealCluster cluster) throws IOException, InterruptedException {
    int node = someNodes(cluster, 1).getFirst();
    Path device = device(cluster, node);
    try (RandomAccessFile file = new RandomAccessFile(device.toFile(), "rw")) {
      file.setLength(file.length() / 16);
    }
    TimeUnit.MILLISECONDS.sleep(AWAY_MS);
    Role role = cluster.node(node);
    role.stop();
    try (Stream<Path> all = Files.walk(device.getParent())) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
    role.start();
  }

  // ---- strangers ----

  private void garbage(RealCluster cluster) throws Exception {
    Map<Role, RealCluster.Port> ports = cluster.listening();
    Map<Role, Conversation> conversations = new LinkedHashMap<>();
    for (Map.Entry<Role, RealCluster.Port> entry : ports.entrySet()) {
      RealCluster.Port port = entry.getValue();
      conversations.put(
          entry.getKey(),
          Conversation.record(cluster.secret(), port.address(), port.node(), port.service()));
    }
    // The same twice: what a process makes once is there after the first time.
    pour(ports, conversations);
    Map<Role, Role.Usage> before = new LinkedHashMap<>();
    for (Role role : ports.keySet()) {
      before.put(role, role.usage());
    }
    pour(ports, conversations);
    ClusterFile stranger = ClusterFile.read(cluster.stranger());
    try (ClusterLink link = ClusterLink.open(stranger)) {
      String told = link.ask(AdminCommand.STATUS, Map.of()).text();
      failures.add("somebody without the secret was told " + told);
    } catch (FailedException refused) {
      System.out.println("  a wrong secret: " + refused.getMessage());
    }
    before.forEach(this::compareUsage);
  }

  private void compareUsage(Role role, Role.Usage before) {
    try {
      Role.Usage now = role.usage();
      long grownKib = now.residentKib() - before.residentKib();
      System.out.printf(
          "  %s: resident %+d KiB of %d, direct buffers %+d KiB, descriptors %+d of %d%n",
          role.name,
          grownKib,
          before.residentKib(),
          (now.directBytes() - before.directBytes()) >> 10,
          now.descriptors() - before.descriptors(),
          before.descriptors());
      if (grownKib > GROWN_MAX_KIB || now.directBytes() - before.directBytes() > DIRECT_MAX_BYTES) {
        failures.add("%s has grown from %s to %s".formatted(role.name, before, now));
      }
      if (now.descriptors() - before.descriptors() > DESCRIPTORS_MAX) {
        failures.add("%s keeps descriptors: %s, %s".formatted(role.name, before, now));
      }
    } catch (IOException e) {
      failures.add("%s does not say what it uses: %s".formatted(role.name, e));
    }
  }

  /** Those that say nothing are to be ended by the other side. */
  private void pour(Map<Role, RealCluster.Port> ports, Map<Role, Conversation> conversations)
      throws IOException {
    for (Map.Entry<Role, RealCluster.Port> entry : ports.entrySet()) {
      String name = entry.getKey().name;
      Conversation conversation = Objects.requireNonNull(conversations.get(entry.getKey()));
      try (Garbage garbage =
          new Garbage(random.split(), entry.getValue().address(), conversation)) {
        garbage.pour(GARBAGE_CONNECTIONS);
        long pouredNs = System.nanoTime();
        garbage.awaitEnd();
        long endedMs = (System.nanoTime() - pouredNs) / NS_PER_MS;
        System.out.printf(
            "  %s: %d connections, %d bytes, %d cut short, %d replays of %d bytes, %d of them"
                + " answered, %d half open, the last ended by it after %d ms%n",
            name,
            GARBAGE_CONNECTIONS,
            garbage.sentBytes(),
            garbage.refusals(),
            garbage.replays(),
            conversation.said().length,
            garbage.answered(),
            garbage.silentConnections(),
            endedMs);
        if (garbage.answered() > 0) {
          failures.add("%s answered %d replays".formatted(name, garbage.answered()));
        }
        if (endedMs > HANDSHAKE_MAX_MS) {
          failures.add("%s let strangers stay for %d ms".formatted(name, endedMs));
        }
      }
    }
  }

  // ---- operations ----

  private void restartAll(RealCluster cluster) throws IOException, InterruptedException {
    for (Role role : cluster.storage.values()) {
      role.stop();
      role.start();
      cluster.awaitHealthy();
    }
    cluster.manager.stop();
    cluster.manager.start();
    cluster.meta.stop();
    cluster.meta.start();
  }

  private void grow(RealCluster cluster) throws Exception {
    int first = Collections.max(cluster.storage.keySet()) + 1;
    for (int node = first; node < first + 2; node++) {
      cluster.addNode(node, targetsPerDisk);
    }
    operate(cluster, List.of("chain", "rebalance"), line -> {});
    int leaving = someNodes(cluster, 1).getFirst();
    operate(
        cluster, List.of("node", "drain", String.valueOf(leaving), "--decommission"), line -> {});
    cluster.node(leaving).awaitEnd();
    cluster.storage.remove(leaving);
    int replaced = someNodes(cluster, 1).getFirst();
    boolean[] swapped = {false};
    operate(
        cluster,
        List.of("target", "replace", "--node", String.valueOf(replaced), "--disk", "0"),
        line -> {
          if (line.contains("replace the disk now") && !swapped[0]) {
            swapped[0] = true;
            swapDisk(cluster, replaced);
          }
        });
  }

  /** One command of an operator, whose progress is shown. */
  private void operate(RealCluster cluster, List<String> words, Cli.Listener listener)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(launcher.toString()));
    command.addAll(words);
    command.addAll(List.of("--config", cluster.config().toString(), "--timeout", "5m"));
    System.out.println("  $ lampyris " + String.join(" ", words));
    Cli.follow(
        command,
        line -> {
          System.out.println("    " + line);
          listener.onLine(line);
        });
  }

  private static void swapDisk(RealCluster cluster, int node)
      throws IOException, InterruptedException {
    Role role = cluster.node(node);
    role.stop();
    deleteAllIn(cluster.disk(node, 0));
    role.start();
  }

  private static void deleteAllIn(Path directory) throws IOException {
    try (Stream<Path> all = Files.walk(directory)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        if (!path.equals(directory)) {
          Files.delete(path);
        }
      }
    }
  }

  /** Every storage node in a network namespace of its own. */
  private record Namespaces(String prefix) implements RealCluster.Wiring {
    @Override
    public String host() {
      return "10.77.0.1";
    }

    @Override
    public String host(int node) {
      return "10.77.0." + (10 + node);
    }

    @Override
    public List<String> prefix(int node) {
      return List.of("nsenter", "--net=/run/netns/%s-%d".formatted(prefix, node));
    }

    @Override
    public String rdma(int node) {
      return "auto";
    }

    @Override
    public void cable(int node, boolean in) throws IOException, InterruptedException {
      Cli.run(List.of("ip", "link", "set", prefix + "-" + node, in ? "up" : "down"));
    }
  }
}
