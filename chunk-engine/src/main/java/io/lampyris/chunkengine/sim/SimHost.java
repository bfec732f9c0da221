package io.lampyris.chunkengine.sim;

import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.SimDisk;
import io.lampyris.reactor.sim.SimMedium;
import io.lampyris.reactor.sim.SimPower;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A host file system that forgets what was not made durable. What a target sees is a real
 * directory; beside it this remembers what every file held at its last fsync and every directory at
 * its last. {@link #powerCut} builds, in another directory, what a power cut could leave: of a file
 * each sector of 512 bytes old or new, of a directory each change done or not. Every step that
 * changes something is a point at which the power may fail, before it and behind it.
 *
 * <p>Files whose name is {@code device} are {@link SimDisk}s. Files that are made behind its back
 * (Chronicle Queue's) are found when they matter.
 */
public final class SimHost implements Host, AutoCloseable {
  private static final int SECTOR = SimDisk.SECTOR_BYTES;
  private static final int PAGE = 4096;

  /** What a target calls its device. */
  private static final String DEVICE = "device";

  /** A file or directory; its name may be gone while a cut can still bring it back. */
  private static final class Node {
    final boolean directory;
    final Map<String, Node> now = new TreeMap<>();
    Map<String, Node> durable = new TreeMap<>();
    byte[] content = new byte[0];
    @Nullable SimDisk disk;

    /** Where a device is kept whose deletion a cut may undo. */
    @Nullable Path deleted;

    Node(boolean directory) {
      this.directory = directory;
    }
  }

  private final Path root;
  private final Prng prng;
  private SimPower power;
  private final Arena arena = Arena.ofShared();
  private final Node top = new Node(true);

  private int deletions;

  /** What {@link #availableBytes} says: reserving takes of it, and deleting gives it back. */
  public long available = 1L << 40;

  /** How far files are reserved in this life, their devices apart. */
  private final Map<Path, Long> reservedBytes = new HashMap<>();

  /**
   * @param root a directory whose present content is durable
   */
  public SimHost(Path root, Prng prng, SimPower power) {
    this.root = root;
    this.prng = prng;
    this.power = power;
    adopt(root, top);
  }

  private void adopt(Path path, Node node) {
    refresh(path, node);
    node.durable = new TreeMap<>(node.now);
    node.now.forEach((name, child) -> {
      Path at = path.resolve(name);
      if (child.directory) {
        adopt(at, child);
      } else if (isDevice(at)) {
        child.disk = mapDisk(at);
      } else {
        child.content = readAll(at);
      }
    });
  }

  private static boolean isDevice(Path path) {
    return path.endsWith(DEVICE);
  }

  private SimDisk mapDisk(Path path) {
    try (FileChannel channel =
        FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      return new SimDisk(
          channel.map(FileChannel.MapMode.READ_WRITE, 0, channel.size(), arena), prng.split());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] readAll(Path path) {
    try {
      return Files.readAllBytes(path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  // ---- the tree ----

  /** Takes in what is there now. */
  private static void refresh(Path path, Node node) {
    Set<String> names = new TreeSet<>();
    try (Stream<Path> entries = Files.list(path)) {
      entries.forEach(entry -> {
        String name = entry.getFileName().toString();
        names.add(name);
        node.now.computeIfAbsent(name, n -> new Node(Files.isDirectory(entry)));
      });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    node.now.keySet().retainAll(names);
  }

  private Node node(Path path) {
    Node node = top;
    Path at = root;
    for (Path name : root.relativize(path)) {
      if (name.toString().isEmpty()) {
        break;
      }
      Node child = node.now.get(name.toString());
      if (child == null) {
        refresh(at, node);
        child = node.now.get(name.toString());
        assert child != null : "no " + path;
      }
      node = child;
      at = at.resolve(name);
    }
    return node;
  }

  private static String nameOf(Path path) {
    return path.getFileName().toString();
  }

  /** The data device's disk. */
  public SimDisk disk(Path device) {
    SimDisk disk = node(device).disk;
    assert disk != null : "no device: " + device;
    return disk;
  }

  /** What the log's device flushes. */
  public SimMedium log(Path file) {
    return new LogMedium(file, node(file));
  }

  // ---- what the engine asks ----

  @Override
  public boolean exists(Path path) {
    return Host.posix().exists(path);
  }

  @Override
  public List<Path> list(Path directory) throws StoreException {
    return Host.posix().list(directory);
  }

  @Override
  public void createDirectories(Path directory) throws StoreException {
    if (!power.isOff()) {
      power.point("create " + directory);
      Host.posix().createDirectories(directory);
    }
  }

  @Override
  public long availableBytes(Path path) {
    return available;
  }

  @Override
  public long sizeBytes(Path path) throws StoreException {
    return Host.posix().sizeBytes(path);
  }

  @Override
  public long checkDevice(Path device, long sizeBytes) throws StoreException {
    return Host.posix().checkDevice(device, sizeBytes);
  }

  @Override
  public Reader openReader(Path device) throws StoreException {
    return Host.posix().openReader(device);
  }

  @Override
  public int open(Path path, int flags) throws StoreException {
    return Host.posix().open(path, flags);
  }

  @Override
  public void close(int fd) {
    Host.posix().close(fd);
  }

  @Override
  public boolean isLinked(int fd) {
    return Host.posix().isLinked(fd);
  }

  @Override
  public boolean leadsTo(Path path, int fd) throws StoreException {
    return Host.posix().leadsTo(path, fd);
  }

  @Override
  public int lock(Path path) throws StoreException {
    return Host.posix().lock(path);
  }

  @Override
  public void reserve(int fd, Path path, long offset, long sizeBytes, boolean extend)
      throws StoreException {
    if (power.isOff()) {
      return;
    }
    power.point("reserve " + path);
    if (!extend) {
      takeSpace(path, offset + sizeBytes);
    } else {
      // Sparse: a test's disk is mostly empty.
      Host.posix().truncate(path, offset + sizeBytes);
      if (isDevice(path)) {
        node(path).disk = mapDisk(path);
      }
    }
  }

  private void takeSpace(Path path, long end) throws StoreException {
    long had = reservedBytes.getOrDefault(path, 0L);
    long more = Math.max(0, end - had);
    if (more > available) {
      throw new StoreException(
          StoreException.Reason.NO_SPACE,
          "no room for %s; observed=%d, limit=%d; remedy: wait".formatted(path, available, more));
    }
    available -= more;
    reservedBytes.put(path, had + more);
  }

  @Override
  public int read(Path path, long offset, MemorySegment into) throws StoreException {
    return Host.posix().read(path, offset, into);
  }

  @Override
  public void write(Path path, long offset, MemorySegment from) throws StoreException {
    if (power.isOff()) {
      return;
    }
    power.point("write " + path);
    SimDisk disk = node(path).disk;
    if (disk == null) {
      Host.posix().write(path, offset, from);
    } else {
      disk.write(offset, from, 0, (int) from.byteSize());
    }
  }

  @Override
  public void truncate(Path path, long sizeBytes) throws StoreException {
    if (!power.isOff()) {
      power.point("truncate " + path);
      Host.posix().truncate(path, sizeBytes);
    }
  }

  /**
   * What a process that has ended asks on its way out may do nothing; but it may not be told that
   * something is durable, or it says so in its log.
   */
  private void needsPower(Path path) throws StoreException {
    if (power.isOff()) {
      throw new StoreException(
          StoreException.Reason.IO,
          "sync of %s; observed=no power, limit=power; remedy: restart".formatted(path));
    }
  }

  @Override
  public void syncFile(Path path) throws StoreException {
    needsPower(path);
    power.point("before sync of " + path);
    Node node = node(path);
    SimDisk disk = node.disk;
    if (disk == null) {
      node.content = readAll(path);
    } else {
      disk.flushed(disk.flushMark());
    }
    power.point("after sync of " + path);
  }

  @Override
  public void syncDirectory(Path path) throws StoreException {
    needsPower(path);
    power.point("before sync of directory " + path);
    if (path.startsWith(root)) {
      Node node = node(path);
      refresh(path, node);
      node.durable = new TreeMap<>(node.now);
    }
    power.point("after sync of directory " + path);
  }

  @Override
  public void replace(Path path, byte[] content) throws StoreException {
    if (power.isOff()) {
      return;
    }
    Path fresh = path.resolveSibling(nameOf(path) + ".tmp");
    Path directory = directoryOf(path);
    try {
      power.point("create " + fresh);
      Files.write(fresh, content);
      node(directory).now.put(nameOf(fresh), new Node(false));
      syncFile(fresh);
      Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE);
      Node node = node(directory);
      Node moved = node.now.remove(nameOf(fresh));
      assert moved != null : "it was just made";
      node.now.put(nameOf(path), moved);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    syncDirectory(directory);
  }

  @Override
  public void deleteTree(Path target) throws StoreException {
    if (power.isOff() || !Files.exists(target)) {
      return;
    }
    if (Files.isDirectory(target)) {
      for (Path child : list(target)) {
        deleteTree(child);
      }
    }
    power.point("delete " + target);
    Long had = reservedBytes.remove(target);
    available += had == null ? 0 : had;
    Path parent = directoryOf(target);
    Node device = isDevice(target) ? node(target) : null;
    if (device != null && device.disk != null) {
      device.deleted = root.resolveSibling(nameOf(root) + "-deleted-" + deletions++);
      move(target, device.deleted);
    } else {
      Host.posix().deleteTree(target);
    }
    if (target.startsWith(root) && !target.equals(root)) {
      node(parent).now.remove(nameOf(target));
    }
  }

  private static Path directoryOf(Path path) {
    Path parent = path.toAbsolutePath().getParent();
    assert parent != null : "a file lies in a directory: " + path;
    return parent;
  }

  private static void move(Path from, Path to) {
    try {
      Files.move(from, to);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  // ---- the log's device ----

  private static final class LogMedium implements SimMedium {
    private static final class Page {
      final int at;
      final byte[] bytes;

      Page(int at, byte[] bytes) {
        this.at = at;
        this.bytes = bytes;
      }
    }

    private static final int WHOLE_LOOK_EVERY = 32;

    private final Path file;
    private final Node node;
    private final Map<Long, List<Page>> marks = new HashMap<>();
    private long lastMark;
    private MemorySegment map = MemorySegment.NULL;

    /** The last page that ever differed: a log grows behind it. */
    private int tail;

    LogMedium(Path file, Node node) {
      this.file = file;
      this.node = node;
    }

    @Override
    public long sizeBytes() {
      return Long.MAX_VALUE;
    }

    @Override
    public void read(long at, MemorySegment into, long offset, int sizeBytes) {
      throw new AssertionError("the log's device only flushes");
    }

    @Override
    public void write(long at, MemorySegment from, long offset, int sizeBytes) {
      throw new AssertionError("the log's device only flushes");
    }

    @Override
    public void discard(long at, long sizeBytes) {
      throw new AssertionError("the log's device only flushes");
    }

    /**
     * What differs now from what is durable. What lies before the tail is the queue's own index, on
     * which nobody depends: it is looked at now and then, for a look at everything is long.
     */
    @Override
    public long flushMark() {
      remap();
      List<Page> pages = new ArrayList<>();
      MemorySegment durable = MemorySegment.ofArray(node.content);
      int size = (int) map.byteSize();
      int both = Math.min(size, node.content.length);
      int from = lastMark % WHOLE_LOOK_EVERY == 0 ? 0 : tail;
      for (int at = from; at < size; at += PAGE) {
        if (at < both) {
          long differs = MemorySegment.mismatch(map, at, both, durable, at, both);
          at = (int) (differs < 0 ? both : at + differs) & -PAGE;
        }
        if (at < size) {
          int bytes = Math.min(PAGE, size - at);
          tail = Math.max(tail, at);
          pages.add(new Page(at, map.asSlice(at, bytes).toArray(ValueLayout.JAVA_BYTE)));
        }
      }
      marks.put(++lastMark, pages);
      return lastMark;
    }

    private void remap() {
      try (FileChannel channel = FileChannel.open(file)) {
        if (channel.size() != map.byteSize()) {
          map = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto());
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public void flushed(long mark) {
      List<Page> pages = marks.remove(mark);
      assert pages != null : "a mark is flushed once";
      for (Page page : pages) {
        int end = page.at + page.bytes.length;
        if (end > node.content.length) {
          node.content = Arrays.copyOf(node.content, end);
        }
        System.arraycopy(page.bytes, 0, node.content, page.at, page.bytes.length);
      }
    }
  }

  // ---- the cut ----

  /** Builds what is left in an empty directory; this is of no use any more. */
  public void powerCut(Path fresh) {
    assert power.isOff() : "after a cut";
    leave(top, root, fresh);
  }

  private void leave(Node node, @Nullable Path from, Path to) {
    try {
      if (node.directory) {
        leaveDirectory(node, from, to);
      } else if (node.disk != null) {
        Path file = node.deleted == null ? from : node.deleted;
        assert file != null : "a device is where it was made, or was deleted";
        node.disk.powerCut();
        Files.move(file, to);
      } else {
        byte[] now = from == null ? node.content : Files.readAllBytes(from);
        writeSparse(to, torn(node.content, now));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void leaveDirectory(Node node, @Nullable Path from, Path to) throws IOException {
    Files.createDirectories(to);
    if (from != null) {
      refresh(from, node);
    }
    int luck = prng.below(4);
    Set<String> names = new TreeSet<>(node.now.keySet());
    names.addAll(node.durable.keySet());
    for (String name : names) {
      Node now = node.now.get(name);
      Node durable = node.durable.get(name);
      boolean takeNow = luck == 0 || (luck != 1 && prng.coin());
      Node left = now == durable || takeNow ? now : durable;
      if (left != null) {
        Path source = from == null || left != now ? null : from.resolve(name);
        leave(left, source, to.resolve(name));
      }
    }
  }

  private byte[] torn(byte[] durable, byte[] now) {
    int luck = prng.below(5);
    boolean newSize = luck == 0 || (luck != 1 && prng.coin());
    byte[] left = Arrays.copyOf(durable, newSize ? now.length : durable.length);
    int tornAt = now.length == 0 ? 0 : prng.below(now.length);
    for (int at = 0; at < Math.min(left.length, now.length); at += SECTOR) {
      int end = Math.min(at + SECTOR, Math.min(left.length, now.length));
      boolean takeNow =
          switch (luck) {
            case 0 -> true;
            case 1 -> false;
            case 2 -> at < tornAt;
            default -> prng.coin();
          };
      if (takeNow) {
        System.arraycopy(now, at, left, at, end - at);
      }
    }
    return left;
  }

  /** Writes a file without its pages of zeros. */
  public static void writeSparse(Path to, byte[] content) throws IOException {
    byte[] zeros = new byte[PAGE];
    try (FileChannel channel =
        FileChannel.open(to, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      int at = 0;
      while (at < content.length) {
        int end = at;
        while (end < content.length && !isZero(content, end, zeros)) {
          end = Math.min(end + PAGE, content.length);
        }
        if (end > at) {
          channel.write(ByteBuffer.wrap(content, at, end - at), at);
        }
        at = Math.max(end, at + PAGE);
      }
      if (content.length > 0 && channel.size() < content.length) {
        channel.write(ByteBuffer.wrap(content, content.length - 1, 1), content.length - 1);
      }
    }
  }

  private static boolean isZero(byte[] content, int at, byte[] zeros) {
    int bytes = Math.min(PAGE, content.length - at);
    return Arrays.equals(content, at, at + bytes, zeros, 0, bytes);
  }

  /**
   * The process that used it was killed, and the machine goes on: nothing is lost, and what was not
   * made durable still is not.
   */
  public void restart(SimPower with) {
    assert power.isOff() : "after the end of a process";
    power = with;
  }

  @Override
  public void close() {
    arena.close();
  }
}
