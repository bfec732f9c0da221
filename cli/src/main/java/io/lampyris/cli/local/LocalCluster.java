package io.lampyris.cli.local;

import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.base.Sizes;
import io.lampyris.cli.cluster.ClusterFile;
import io.lampyris.cli.cluster.ClusterLink;
import io.lampyris.cli.operate.Display;
import io.lampyris.cli.operate.Follow;
import io.lampyris.cli.operate.Rebalance;
import io.lampyris.protocol.cluster.AdminAnswer;
import io.lampyris.protocol.cluster.AdminCommand;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** The processes of a directory, together. */
public final class LocalCluster {
  private static final String MOUNT = "mount";
  private static final int NODES_MAX = 32;
  private static final int TARGETS_MAX = 64;
  private static final int TARGETS = 3;
  private static final long TARGET_MIN_BYTES = 256L << 20;
  private static final long TARGET_STEP_BYTES = 64L << 20;
  private static final long TARGET_DEFAULT_MAX_BYTES = 16L << 30;
  private static final long RESERVE_BYTES = 512L << 20;
  private static final long AWAIT_MAX_S = 120;
  private static final long LOOK_EVERY_NS = TimeUnit.MILLISECONDS.toNanos(20);

  /** What is so while nodes come back. */
  private static final Set<String> COMING_UP = Set.of("NODE_DOWN", "CHAIN_DEGRADED", "CHAIN_DOWN");

  /** What there may be before CLUSTER: the lock of an {@code up} that was ended early. */
  private static final Set<String> MAY_PRECEDE = Set.of("lock", "log", LocalLayout.FILE + ".tmp");

  /**
   * What the user asked for; null where not given.
   *
   * @param targetsPerNode how many targets each storage node has
   * @param mount an empty directory to mount on
   */
  public record Request(
      Path dir,
      @Nullable Integer nodes,
      @Nullable Integer replicas,
      @Nullable Integer targetsPerNode,
      @Nullable Long targetSizeBytes,
      @Nullable Path mount) {}

  private final Path dir;
  private LocalLayout layout;

  private LocalCluster(Path dir, LocalLayout layout) {
    this.dir = dir;
    this.layout = layout;
  }

  /** Whether a directory is one of these. */
  public static boolean isAt(Path dir) {
    return Files.exists(dir.resolve(LocalLayout.FILE));
  }

  /** Where its mount keeps what is its own. */
  public Path mountDirectory() {
    return dir.resolve(MOUNT);
  }

  /** The cluster of a directory that is one. */
  public static LocalCluster at(Path dir) throws InputException, IOException {
    Path root = dir.toAbsolutePath().normalize();
    return new LocalCluster(root, LocalLayout.read(root));
  }

  /** Takes a directory as it is, or makes one (I1); starts nothing. */
  public static LocalCluster prepare(Request request)
      throws InputException, FailedException, IOException {
    Path dir = request.dir.toAbsolutePath().normalize();
    if (isAt(dir)) {
      LocalCluster there = at(dir);
      there.checkAgrees(request);
      there.mountOn(request.mount);
      there.growTo(request.nodes == null ? 0 : request.nodes);
      return there;
    }
    checkEmpty(dir);
    checkMount(dir, request.mount);
    int nodes = inRange("--nodes", request.nodes, 3, NODES_MAX);
    int replicas = inRange("--replicas", request.replicas, Math.min(3, nodes), nodes);
    int targets = inRange("--targets", request.targetsPerNode, TARGETS, TARGETS_MAX);
    if (!Files.exists(dir)) {
      Files.createDirectories(
          dir, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }
    long size = targetSize(dir, request.targetSizeBytes, nodes * targets);
    LocalLayout layout = LocalLayout.withFreePorts(nodes, replicas, targets, size);
    layout.write(dir);
    LocalCluster made = new LocalCluster(dir, layout);
    made.mountOn(request.mount);
    return made;
  }

  /** Adds storage nodes, which get their share of the chains when it is started. */
  private void growTo(int nodes) throws InputException, FailedException, IOException {
    if (nodes <= layout.nodes()) {
      return;
    }
    int targets = (nodes - layout.nodes()) * layout.targetsPerNode();
    targetSize(dir, layout.targetSizeBytes(), targets);
    layout = layout.grownTo(nodes);
    layout.write(dir);
  }

  private static void checkMount(Path dir, @Nullable Path mount) throws InputException {
    Path point = mount == null ? null : mount.toAbsolutePath().normalize();
    if (point != null && (point.startsWith(dir) || dir.startsWith(point))) {
      throw InputException.of(
          "--dir and --mount lie inside each other",
          "%s and %s".formatted(dir, point),
          "two separate directories",
          "name another --mount");
    }
  }

  private void mountOn(@Nullable Path mount) throws InputException, FailedException, IOException {
    checkMount(dir, mount);
    String wanted = mount == null ? layout.mount() : mount.toAbsolutePath().normalize().toString();
    if (wanted.equals(layout.mount())) {
      return;
    }
    if (!layout.mount().isEmpty() && mountRole().pid().isPresent()) {
      throw InputException.of(
          dir + " is mounted elsewhere",
          wanted,
          layout.mount(),
          "lampyris down, or a further lampyris mount --config %s".formatted(config()));
    }
    layout = layout.withMount(wanted);
    layout.write(dir);
  }

  private static void checkEmpty(Path dir) throws InputException, IOException {
    if (!Files.exists(dir)) {
      return;
    }
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(dir)) {
      for (Path entry : entries) {
        if (!MAY_PRECEDE.contains(entry.getFileName().toString())) {
          throw InputException.of(
              "--dir holds something else",
              entry,
              "an empty directory, or one that lampyris up --nodes has made",
              "name another --dir");
        }
      }
    }
  }

  private static int inRange(String name, @Nullable Integer asked, int otherwise, int max)
      throws InputException {
    int value = asked == null ? otherwise : asked;
    if (value < 1 || value > max) {
      throw InputException.of(name + " is out of range", value, "1 to " + max, "correct it");
    }
    return value;
  }

  private static long targetSize(Path dir, @Nullable Long asked, int targets)
      throws InputException, IOException {
    long free = Files.getFileStore(dir).getUsableSpace() - RESERVE_BYTES;
    long otherwise = Math.min(TARGET_DEFAULT_MAX_BYTES, free / 4 / targets) & -TARGET_STEP_BYTES;
    long size = asked == null ? Math.max(TARGET_MIN_BYTES, otherwise) : asked;
    if (size < TARGET_MIN_BYTES || size % TARGET_STEP_BYTES != 0) {
      throw InputException.of(
          "--target-size is no size that a target can have",
          Sizes.exact(size),
          "at least 256MiB, a multiple of 64MiB",
          "correct it");
    }
    if (size > free / targets) {
      throw InputException.of(
          "the targets do not fit on the disk that holds " + dir,
          "%d x %s".formatted(targets, Sizes.exact(size)),
          Sizes.human(free) + " free",
          "choose a smaller --target-size or fewer --targets, or use another --dir");
    }
    return size;
  }

  private void checkAgrees(Request request) throws InputException {
    if (request.nodes != null && request.nodes < layout.nodes()) {
      throw InputException.of(
          dir + " has more nodes than --nodes",
          request.nodes,
          layout.nodes() + " or more",
          "leave it out; lampyris node drain empties a node");
    }
    inRange("--nodes", request.nodes, layout.nodes(), NODES_MAX);
    agree("--replicas", request.replicas, layout.replicas());
    agree("--targets", request.targetsPerNode, layout.targetsPerNode());
    if (request.targetSizeBytes != null && request.targetSizeBytes != layout.targetSizeBytes()) {
      throw InputException.of(
          dir + " was made with another --target-size",
          Sizes.exact(request.targetSizeBytes),
          Sizes.exact(layout.targetSizeBytes()),
          "leave it out, or use another --dir");
    }
  }

  private void agree(String name, @Nullable Integer asked, int there) throws InputException {
    if (asked != null && asked != there) {
      throw InputException.of(
          "%s was made with another %s".formatted(dir, name),
          asked,
          there,
          "leave it out, or use another --dir");
    }
  }

  // ---- processes ----

  public Path config() {
    return dir.resolve("cluster.toml");
  }

  public int nodes() {
    return layout.nodes();
  }

  private LocalRole role(String command, String name) {
    return new LocalRole(
        dir, name, List.of(command, "--config", dir.resolve(name + ".toml").toString()));
  }

  private List<LocalRole> storages() {
    List<LocalRole> roles = new ArrayList<>();
    for (int node = 1; node <= layout.nodes(); node++) {
      roles.add(role("storage", LocalLayout.storageName(node)));
    }
    return roles;
  }

  private LocalRole mountRole() {
    return new LocalRole(
        dir,
        MOUNT,
        List.of(
            "mount",
            "--config",
            config().toString(),
            "--mount",
            layout.mount(),
            "--dir",
            mountDirectory().toString()));
  }

  /** Where it is mounted; empty: nowhere. */
  public String mount() {
    return layout.mount();
  }

  /** In the order in which they are stopped. */
  private List<LocalRole> roles() {
    List<LocalRole> roles = new ArrayList<>();
    if (!layout.mount().isEmpty()) {
      roles.add(mountRole());
    }
    roles.add(role("meta", "meta"));
    roles.addAll(storages());
    roles.add(role("mgmtd", "mgmtd"));
    return roles;
  }

  /** The same without showing anything. */
  public void start() throws InputException, FailedException, IOException, InterruptedException {
    PrintWriter nobody = new PrintWriter(Writer.nullWriter());
    start(new Display(Display.Form.LINES, nobody, nobody));
  }

  /**
   * Starts what does not run, makes the chains on first use, evens them out after nodes were added,
   * and returns when all serve.
   */
  public void start(Display display)
      throws InputException, FailedException, IOException, InterruptedException {
    layout.writeFiles(dir);
    startAll(roles().stream().filter(role -> !role.name().equals(MOUNT)).toList());
    try (ClusterLink link = ClusterLink.open(ClusterFile.read(config()))) {
      if (layout.state() == LocalLayout.State.MAKING) {
        makeChains(link);
        madeReady();
      }
      await(
          link,
          "every chain serves",
          status -> status.rows().stream().noneMatch(row -> COMING_UP.contains(row.getFirst())));
      if (layout.state() == LocalLayout.State.GROWING) {
        String again = "lampyris up --dir " + dir;
        int targets = layout.nodes() * layout.targetsPerNode();
        new Follow(link, new Rebalance(again, targets), display, 0).run();
        madeReady();
      }
    }
    if (!layout.mount().isEmpty()) {
      startAll(List.of(mountRole()));
    }
  }

  private void madeReady() throws FailedException {
    layout = layout.asReady();
    layout.write(dir);
  }

  private static void startAll(List<LocalRole> roles)
      throws InputException, FailedException, IOException, InterruptedException {
    for (LocalRole role : roles) {
      role.start();
    }
    for (LocalRole role : roles) {
      role.awaitReady();
    }
  }

  private void makeChains(ClusterLink link) throws InputException, FailedException {
    int targets = layout.nodes() * layout.targetsPerNode();
    await(
        link,
        "%d targets are reported".formatted(targets),
        status -> status.text().contains(" targets=%d ".formatted(targets)));
    if (link.ask(AdminCommand.TABLE_LIST, Map.of()).rows().isEmpty()) {
      createChains(link);
    }
  }

  /** A busy machine's nodes may lose a lease in between, and are no place for a chain then. */
  private void createChains(ClusterLink link) throws InputException, FailedException {
    long untilNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(AWAIT_MAX_S);
    while (true) {
      try {
        link.ask(
            AdminCommand.CHAIN_CREATE, Map.of("replicas", Integer.toString(layout.replicas())));
        return;
      } catch (InputException e) {
        if (System.nanoTime() > untilNs) {
          throw e;
        }
        LockSupport.parkNanos(LOOK_EVERY_NS);
      }
    }
  }

  private interface Holds {
    boolean of(AdminAnswer status);
  }

  private static void await(ClusterLink link, String what, Holds holds)
      throws InputException, FailedException {
    long untilNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(AWAIT_MAX_S);
    while (true) {
      AdminAnswer status = link.ask(AdminCommand.STATUS, Map.of());
      if (holds.of(status)) {
        return;
      }
      if (System.nanoTime() > untilNs) {
        throw FailedException.of(
            "the cluster does not come up",
            status.text() + " " + status.rows(),
            "%s within %d s".formatted(what, AWAIT_MAX_S),
            "see the logs of its processes");
      }
      LockSupport.parkNanos(LOOK_EVERY_NS);
    }
  }

  /**
   * Stops what runs: first those who call, last those who are called.
   *
   * @return how many there were
   */
  public int stop() throws FailedException, IOException {
    int stopped = layout.mount().isEmpty() ? 0 : stopAll(List.of(mountRole()));
    stopped += stopAll(List.of(role("meta", "meta")));
    stopped += stopAll(storages());
    return stopped + stopAll(List.of(role("mgmtd", "mgmtd")));
  }

  private static int stopAll(List<LocalRole> roles) throws FailedException, IOException {
    Map<LocalRole, ProcessHandle> stopping = new LinkedHashMap<>();
    for (LocalRole role : roles) {
      Optional<ProcessHandle> process = role.stop();
      process.ifPresent(handle -> stopping.put(role, handle));
    }
    for (Map.Entry<LocalRole, ProcessHandle> entry : stopping.entrySet()) {
      entry.getKey().awaitStop(entry.getValue());
    }
    return stopping.size();
  }

  // ---- status ----

  /** How the processes are, and what the manager says. */
  public Map<String, Object> status() throws InputException, IOException {
    List<Map<String, Object>> processes = new ArrayList<>();
    List<String> reasons = new ArrayList<>();
    boolean error = false;
    boolean warning = false;
    boolean manager = false;
    for (LocalRole role : roles()) {
      Map<String, Object> row = role.status();
      processes.add(row);
      boolean running = Boolean.TRUE.equals(row.get("running"));
      boolean well = "HEALTH_OK".equals(row.get("health"));
      // A node that is down is what replicas are for: the manager knows what that means.
      boolean spared = role.name().startsWith("storage-");
      manager |= running && role.name().equals("mgmtd");
      error |= !well && !spared;
      warning |= !well;
      for (Object reason : row.get("reasons") instanceof List<?> list ? list : List.of()) {
        reasons.add(role.name() + ": " + reason);
      }
    }
    Map<String, Object> status = new LinkedHashMap<>();
    status.put("health", "");
    status.put("reasons", reasons);
    status.put(
        "running", processes.stream().anyMatch(row -> Boolean.TRUE.equals(row.get("running"))));
    status.put("dir", dir.toString());
    status.put("processes", processes);
    String said = manager ? askManager(status, reasons) : "HEALTH_ERR";
    error |= said.startsWith("HEALTH_ERR");
    warning |= said.startsWith("HEALTH_WARN");
    status.put("health", error ? "HEALTH_ERR" : warning ? "HEALTH_WARN" : "HEALTH_OK");
    return status;
  }

  private String askManager(Map<String, Object> status, List<String> reasons)
      throws InputException {
    try (ClusterLink link = ClusterLink.open(ClusterFile.read(config()))) {
      AdminAnswer health = link.ask(AdminCommand.STATUS, Map.of());
      for (List<String> row : health.rows()) {
        reasons.add("%s: %s; %s".formatted(row.get(0), row.get(3), row.get(4)));
      }
      status.put("cluster", health.text());
      status.put("chains", rows(link.ask(AdminCommand.CHAIN_LIST, Map.of())));
      return health.text();
    } catch (FailedException e) {
      reasons.add("mgmtd: " + e.getMessage());
      return "HEALTH_ERR";
    }
  }

  private static List<Map<String, Object>> rows(AdminAnswer answer) {
    List<Map<String, Object>> rows = new ArrayList<>();
    for (List<String> row : answer.rows()) {
      Map<String, Object> object = new LinkedHashMap<>();
      for (int i = 0; i < row.size(); i++) {
        object.put(answer.columns().get(i), row.get(i));
      }
      rows.add(object);
    }
    return rows;
  }
}
