package io.lampyris.usrbio;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.NativeException;
import io.lampyris.client.FileSystem.User;
import io.lampyris.client.FileSystemException;
import io.lampyris.client.VirtualTree;
import io.lampyris.protocol.Attributes;
import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.FileMode;
import io.lampyris.protocol.Inodes;
import io.lampyris.usrbio.RegistrationKey.Priority;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The virtual directory in which programs register rings and memory. Any thread.
 *
 * <pre>
 *   3fs-virt/                      0555
 *     iovs/                        0777
 *       submit-ios[.ph|.pl]        → /dev/shm/sem.NAME, to be posted after preparing
 *       changes                    → /dev/shm/NAME, the {@link ChangeBoard}; an extension, not listed
 *       KEY                        → /dev/shm/NAME, by the program; see {@link RegistrationKey}
 * </pre>
 *
 * A registration is found by its uuid alone: there are libraries which spell the attributes of the
 * same ring differently when they remove it.
 */
public final class IovRegistry implements VirtualTree, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(IovRegistry.class);

  private static final String IOVS = "iovs";
  private static final String IOVS_PREFIX = IOVS + "/";
  private static final String SUBMIT = "submit-ios";
  private static final String CHANGES = IOVS_PREFIX + "changes";

  private static final long ROOT_INODE = Inodes.LAST + 1;
  private static final long IOVS_INODE = Inodes.LAST + 2;
  private static final long CHANGES_INODE = Inodes.LAST + 3;
  private static final long SUBMIT_INODE = Inodes.LAST + 16;
  private static final long FIRST_INODE = Inodes.LAST + 1024;

  private static final long CLOSE_WAIT_NS = TimeUnit.SECONDS.toNanos(5);

  /** Another instance may take a file for a dead one's in the moment between making and locking. */
  private static final int START_ATTEMPTS_MAX = 3;

  private static final long KNOWN_FLAGS =
      RegistrationKey.ALLOW_READ_UNCOMMITTED | RegistrationKey.FORBID_READ_HOLES;

  /** What a registration looks like in the directory, and whose it is. */
  private static final class Entry {
    final String name;
    final byte[] target;
    final long inode;
    final long createdNs = wallClockNs();
    final User user;
    final ClientProcess process;
    final String program;
    final Registration registration;

    Entry(
        String name,
        byte[] target,
        long inode,
        ClientProcess process,
        String program,
        Registration registration) {
      this.name = name;
      this.target = target;
      this.inode = inode;
      this.user = registration.user;
      this.process = process;
      this.program = program;
      this.registration = registration;
    }
  }

  private final RingServer server;
  private final SemaphoreNames names;
  private final List<Doorbell> doorbells = new ArrayList<>();
  private @Nullable ChangeBoard board;
  private final Janitor janitor;
  private final long startedNs = wallClockNs();

  // Under the lock of this object.
  private final Map<IovId, Entry> entries = new LinkedHashMap<>();
  private final Map<ClientProcess, Set<Entry>> byProcess = new HashMap<>();
  private final Map<Long, ClientProcess> handles = new HashMap<>();
  private final Map<ClientProcess, Integer> handleCounts = new HashMap<>();
  private int ringCount;

  /** Registrations whose memory is mapped: those with an entry, and those that still end. */
  private int mapped;

  private long nextInode = FIRST_INODE;
  private long nextHandle = 1;
  private boolean closed;

  private IovRegistry(RingServer server, Path instanceDirectory) {
    this.server = server;
    names = new SemaphoreNames(instanceDirectory);
    janitor = new Janitor(this::onUnmapped, this::dropDead);
  }

  /**
   * Makes the submit semaphores and takes registrations for a server whose reactor runs.
   *
   * @param openInodes {@code fileSystem::openInode}
   * @param instanceDirectory remembers the semaphores' names for the next start
   * @throws IOException when that directory cannot be written
   */
  public static IovRegistry open(RingServer server, OpenInodes openInodes, Path instanceDirectory)
      throws IOException {
    IovRegistry registry = new IovRegistry(server, instanceDirectory);
    try {
      registry.start(openInodes);
    } catch (IOException | RuntimeException | Error e) {
      registry.close();
      throw e;
    }
    return registry;
  }

  private void start(OpenInodes openInodes) throws IOException {
    for (int attempts = 1; !makeShared(attempts == START_ATTEMPTS_MAX); attempts++) {
      assert attempts < START_ATTEMPTS_MAX : "the last one succeeds or throws";
    }
    List<Doorbell> bells = List.copyOf(doorbells);
    server.context().offer(nowNs -> server.connect(openInodes, bells, janitor::take));
  }

  /** Whether what programs find in {@code /dev/shm} is there, and still was when we locked it. */
  private boolean makeShared(boolean last) throws IOException {
    names.removeLeftovers();
    List<String> fresh = names.create(Priority.values().length);
    try {
      for (Priority priority : Priority.values()) {
        String thread = "usrbio-" + priority.name().toLowerCase(Locale.ROOT);
        doorbells.add(new Doorbell(fresh.get(priority.rank()), thread, server.context()));
      }
      board = new ChangeBoard(Path.of(SharedFile.DIRECTORY, fresh.getLast()));
      return true;
    } catch (NativeException | NoSuchFileException e) {
      if (last) {
        throw e;
      }
      LOG.info("another instance starts, too; observed={}; made anew", e.getMessage());
      doorbells.forEach(Doorbell::close);
      doorbells.clear();
      return false;
    }
  }

  /** Who wants to hear of changed inodes, to tell programs: for {@code fileSystem.onChange}. */
  public LongConsumer changes() {
    return board();
  }

  private ChangeBoard board() {
    ChangeBoard made = board;
    assert made != null : "an open registry has a board";
    return made;
  }

  // ---------------------------------------------------------------- looking

  @Override
  public synchronized Attributes lookup(Caller caller, String path) throws FileSystemException {
    if (path.isEmpty()) {
      return directory(ROOT_INODE, 0555);
    }
    if (path.equals(IOVS)) {
      return directory(IOVS_INODE, 0777);
    }
    Doorbell doorbell = doorbellOf(path);
    if (doorbell != null) {
      long inode = SUBMIT_INODE + doorbells.indexOf(doorbell);
      return symlink(inode, User.ROOT, doorbell.path().length(), startedNs);
    }
    if (path.equals(CHANGES)) {
      return symlink(CHANGES_INODE, User.ROOT, board().file().toString().length(), startedNs);
    }
    Entry entry = entryOf(caller, path);
    return symlink(entry.inode, entry.user, entry.target.length, entry.createdNs);
  }

  @Override
  public synchronized List<String> list(Caller caller, String path) throws FileSystemException {
    if (path.isEmpty()) {
      return List.of(IOVS);
    }
    if (!path.equals(IOVS)) {
      throw error(Errno.ENOTDIR, "not a directory", path);
    }
    List<String> found = new ArrayList<>();
    for (Priority priority : Priority.values()) {
      found.add(submitName(priority));
    }
    for (Entry entry : entries.values()) {
      if (entry.user.uid() == caller.user().uid()) {
        found.add(entry.name);
      }
    }
    return found;
  }

  @Override
  public synchronized byte[] readSymlink(Caller caller, String path) throws FileSystemException {
    if (path.isEmpty() || path.equals(IOVS)) {
      throw error(Errno.EINVAL, "not a symlink", path);
    }
    if (path.equals(CHANGES)) {
      return board().file().toString().getBytes(UTF_8);
    }
    Doorbell doorbell = doorbellOf(path);
    return doorbell != null
        ? doorbell.path().getBytes(UTF_8)
        : entryOf(caller, path).target.clone();
  }

  private static String submitName(Priority priority) {
    return switch (priority) {
      case HIGH -> SUBMIT + ".ph";
      case NORMAL -> SUBMIT;
      case LOW -> SUBMIT + ".pl";
    };
  }

  private @Nullable Doorbell doorbellOf(String path) {
    for (Priority priority : Priority.values()) {
      if (path.equals(IOVS_PREFIX + submitName(priority)) && !doorbells.isEmpty()) {
        return doorbells.get(priority.rank());
      }
    }
    return null;
  }

  /** The registration of a name; EPERM for another user's, ENOENT for what cannot be one. */
  private Entry entryOf(Caller caller, String path) throws FileSystemException {
    IovId id = null;
    if (path.startsWith(IOVS_PREFIX)) {
      String name = path.substring(IOVS_PREFIX.length());
      int dot = name.indexOf('.');
      try {
        id = IovId.parse(dot < 0 ? name : name.substring(0, dot));
      } catch (FileSystemException notOne) {
        throw error(Errno.ENOENT, "no such registration", path);
      }
    }
    Entry entry = entries.get(id);
    if (entry == null) {
      throw error(Errno.ENOENT, "no such registration", path);
    }
    if (entry.user.uid() != caller.user().uid()) {
      throw error(Errno.EPERM, "another user's registration", path);
    }
    return entry;
  }

  /** How every ring is. Any thread but the reactor's: waits for it. */
  public List<RingStatus> rings() {
    List<Entry> rings = new ArrayList<>();
    List<RingSample> samples = new ArrayList<>();
    CountDownLatch done = new CountDownLatch(1);
    synchronized (this) {
      for (Entry entry : entries.values()) {
        if (entry.registration instanceof Ring ring) {
          rings.add(entry);
          samples.add(new RingSample(ring));
        }
      }
      // Before any of them is detached, after which its memory goes.
      server
          .context()
          .offer(nowNs -> {
            server.sample(samples);
            done.countDown();
          });
    }
    Threads.uninterruptibly(done::await);
    List<RingStatus> found = new ArrayList<>();
    for (int i = 0; i < rings.size(); i++) {
      found.add(status(rings.get(i), samples.get(i)));
    }
    return found;
  }

  private static RingStatus status(Entry entry, RingSample sample) {
    return new RingStatus(
        entry.registration.key,
        entry.process.pid(),
        entry.user,
        entry.program,
        sample.ring.entries(),
        entry.createdNs,
        sample.retired,
        sample.prepared,
        sample.inFlight,
        sample.completed,
        sample.failures,
        sample.bytes,
        sample.latencies);
  }

  // ---------------------------------------------------------------- registering

  @Override
  public void makeSymlink(Caller caller, String path, byte[] target) throws FileSystemException {
    if (!path.startsWith(IOVS_PREFIX)) {
      throw error(Errno.EPERM, "nothing is registered here", path);
    }
    String name = path.substring(IOVS_PREFIX.length());
    if (doorbellOf(path) != null) {
      throw error(Errno.EEXIST, "name is taken", path);
    }
    try {
      register(caller, name, target);
    } catch (FileSystemException e) {
      LOG.info("refused a registration of uid {}: {}", caller.user().uid(), e.getMessage());
      throw e;
    }
  }

  private void register(Caller caller, String name, byte[] target) throws FileSystemException {
    RegistrationKey key = RegistrationKey.parse(name);
    synchronized (this) {
      checkRoom(key, name);
    }
    dropDead();
    ClientProcess process = ClientProcess.of(caller);
    // Once: to ask for each ring whenever somebody watches costs more than all else of that.
    String program = key.isRing() ? process.program() : "";
    SharedFile file = SharedFile.open(target, caller.user());
    Registration registration;
    try {
      registration = create(key, file, caller.user());
      add(name, target.clone(), process, program, registration);
    } catch (FileSystemException | RuntimeException | Error e) {
      file.close();
      throw e;
    }
    server.context().offer(nowNs -> server.attach(registration));
    // Served before the program hears of it: the next thing it does may be an entry that names it.
    Threads.uninterruptibly(registration.attached::await);
    LOG.debug("registered {} by uid {} {}", name, caller.user().uid(), process);
  }

  private static Registration create(RegistrationKey key, SharedFile file, User user)
      throws FileSystemException {
    long sizeBytes = file.memory().byteSize();
    if (key.blockSizeBytes() > sizeBytes) {
      throw RegistrationKey.invalid("block is larger than the memory", key, sizeBytes);
    }
    if (!key.isRing()) {
      file.claimPages();
      return new Iov(key, file, user);
    }
    long entries = RingLayout.entries(sizeBytes);
    if (entries < 1 || entries > RingLayout.ENTRIES_MAX) {
      String limit = "1 … " + RingLayout.ENTRIES_MAX + " entries";
      throw RegistrationKey.invalid("memory is no ring", sizeBytes + " bytes", limit);
    }
    if (key.ioDepth() > entries) {
      throw RegistrationKey.invalid("batches never fit the ring", key.ioDepth(), entries);
    }
    if ((key.flags() & ~KNOWN_FLAGS) != 0) {
      String observed = Long.toBinaryString(key.flags());
      throw RegistrationKey.invalid("unknown flags", observed, Long.toBinaryString(KNOWN_FLAGS));
    }
    file.claimPages();
    Ring ring = new Ring(key, file, user);
    if (!ring.initialize()) {
      throw RegistrationKey.invalid("memory is no ring", "indices outside it", "zeros");
    }
    return ring;
  }

  private void checkRoom(RegistrationKey key, String name) throws FileSystemException {
    if (closed) {
      throw error(Errno.ENODEV, "the file system is stopping", name);
    }
    if (entries.containsKey(key.id())) {
      throw error(Errno.EEXIST, "this uuid is registered already", name);
    }
    // What still ends counts: its memory is mapped.
    if (mapped >= server.config().registrationsMax()
        || (key.isRing() && ringCount >= server.config().ringsMax())) {
      throw error(Errno.EMFILE, "too many registrations", mapped + ", rings " + ringCount);
    }
  }

  private synchronized void add(
      String name, byte[] target, ClientProcess process, String program, Registration registration)
      throws FileSystemException {
    checkRoom(registration.key, name);
    Entry entry = new Entry(name, target, nextInode++, process, program, registration);
    entries.put(registration.key.id(), entry);
    byProcess.computeIfAbsent(process, p -> new LinkedHashSet<>()).add(entry);
    mapped++;
    ringCount += registration instanceof Ring ? 1 : 0;
    checkRounds();
  }

  // ---------------------------------------------------------------- deregistering

  @Override
  public synchronized void unlink(Caller caller, String path) throws FileSystemException {
    if (path.isEmpty() || path.equals(IOVS) || doorbellOf(path) != null) {
      throw error(Errno.EPERM, "not to be removed", path);
    }
    remove(entryOf(caller, path));
  }

  /** The name goes now, the memory when its last I/O has ended (I5). */
  private void remove(Entry entry) {
    entries.remove(entry.registration.key.id());
    Set<Entry> siblings = byProcess.get(entry.process);
    if (siblings != null && siblings.remove(entry) && siblings.isEmpty()) {
      byProcess.remove(entry.process);
    }
    ringCount -= entry.registration instanceof Ring ? 1 : 0;
    checkRounds();
    server.context().offer(nowNs -> server.detach(entry.registration));
  }

  @Override
  public long openDirectory(Caller caller, String path) throws FileSystemException {
    if (!path.isEmpty() && !path.equals(IOVS)) {
      throw error(Errno.ENOTDIR, "not a directory", path);
    }
    ClientProcess process = ClientProcess.of(caller);
    synchronized (this) {
      long handle = nextHandle++;
      if (path.equals(IOVS)) {
        handles.put(handle, process);
        handleCounts.merge(process, 1, Integer::sum);
        checkRounds();
      }
      return handle;
    }
  }

  @Override
  public synchronized void releaseDirectory(long handle) {
    ClientProcess process = handles.remove(handle);
    if (process == null) {
      return;
    }
    int left = handleCounts.merge(process, -1, Integer::sum);
    if (left == 0) {
      handleCounts.remove(process);
      drop(process);
    }
  }

  private void drop(ClientProcess process) {
    Set<Entry> gone = byProcess.get(process);
    if (gone != null) {
      LOG.debug("{} is gone with {} registrations", process, gone.size());
      List.copyOf(gone).forEach(this::remove);
    }
  }

  /** Some programs register by hand, without a directory handle that tells of their end. */
  private synchronized void dropDead() {
    for (ClientProcess process : List.copyOf(byProcess.keySet())) {
      if (!handleCounts.containsKey(process) && process.isDead()) {
        drop(process);
      }
    }
  }

  private void checkRounds() {
    janitor.walk(!handleCounts.keySet().containsAll(byProcess.keySet()));
  }

  private synchronized void onUnmapped() {
    mapped--;
    notifyAll();
  }

  /** How many registrations have their memory mapped. */
  synchronized int mapped() {
    return mapped;
  }

  /** Ends all registrations and removes the semaphores; while the reactor still runs. */
  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      List.copyOf(entries.values()).forEach(this::remove);
      awaitUnmapped();
    }
    janitor.close();
    doorbells.forEach(Doorbell::close);
    try {
      if (board != null) {
        board.remove();
      }
      names.forget();
    } catch (IOException e) {
      LOG.warn("cannot forget the semaphores' names; the next start does", e);
    }
  }

  private void awaitUnmapped() {
    long deadlineNs = System.nanoTime() + CLOSE_WAIT_NS;
    Threads.uninterruptibly(() -> {
      long leftNs = deadlineNs - System.nanoTime();
      while (mapped > 0 && leftNs > 0) {
        TimeUnit.NANOSECONDS.timedWait(this, leftNs);
        leftNs = deadlineNs - System.nanoTime();
      }
    });
    if (mapped > 0) {
      LOG.warn("registrations end with I/O in flight; observed={}, limit=5 s", mapped);
    }
  }

  // ---------------------------------------------------------------- small things

  private Attributes directory(long inode, int permissions) {
    int mode = FileMode.DIRECTORY | permissions;
    long parent = inode == ROOT_INODE ? Inodes.ROOT : ROOT_INODE;
    return attributes(inode, mode, User.ROOT, 2, 0, startedNs, parent);
  }

  private static Attributes symlink(long inode, User owner, long length, long timeNs) {
    return attributes(inode, FileMode.SYMLINK | 0777, owner, 1, length, timeNs, 0);
  }

  private static Attributes attributes(
      long inode, int mode, User owner, int links, long length, long timeNs, long parent) {
    return new Attributes(
        inode,
        mode,
        owner.uid(),
        owner.gid(),
        links,
        length,
        timeNs,
        timeNs,
        timeNs,
        0,
        parent,
        FileLayout.NONE);
  }

  private static long wallClockNs() {
    return TimeUnit.MILLISECONDS.toNanos(System.currentTimeMillis());
  }

  private static FileSystemException error(int errno, String what, String observed) {
    return new FileSystemException(
        errno,
        what + "; observed=" + RegistrationKey.shown(observed) + ", limit=own names in iovs");
  }
}
