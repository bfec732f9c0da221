package io.lampyris.client;

import io.lampyris.bindings.Errno;
import io.lampyris.protocol.AttributeMask;
import io.lampyris.protocol.Attributes;
import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.FileMode;
import io.lampyris.protocol.OpenFlags;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Services;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file system for threads that wait: metadata by calls to the service, data through a reactor's
 * {@link ReactorDataPath}. Any thread but a reactor's; {@link #openInode} also on a reactor, for it
 * only looks.
 *
 * <p>Inodes that are open, or being changed, have an {@link InodeState} in a table. Its lock orders
 * what changes the inode's session, length, times and chunks.
 */
public final class BlockingFileSystem implements FileSystem {
  private static final Logger LOG = LoggerFactory.getLogger(BlockingFileSystem.class);

  /** Creations that raced with the last close and removal of the same name. */
  private static final int CREATE_ATTEMPTS_MAX = 8;

  private final ReactorDataPath dataPath;
  private final Connector connector;
  private final Supplier<Routing> routing;
  private final ClientCounters counters;
  private final MetaClient meta;
  private final ChunkCommands chunks;
  private final MemoryPool writeMemory;
  private final MemoryPool readMemory;
  private final Housekeeper housekeeper;
  private final Janitor janitor;
  private final ConcurrentHashMap<Integer, SpaceQuery.Answer> spaces = new ConcurrentHashMap<>();
  private final ClientServices services = new Shared();
  private final RecentCloses closes = new RecentCloses();
  private final InodeTable table = new InodeTable();
  private volatile LongConsumer changes = inode -> {};
  private final Set<OpenHandle> handles = ConcurrentHashMap.newKeySet();

  /**
   * A file system that is ready for use; {@link #start} makes it look after itself.
   *
   * @param dataPath of any reactor
   * @param connector ways to services
   * @param routing the newest routing
   * @param metaNodeId the node that serves metadata
   * @param identity that of {@code dataPath} too
   */
  public BlockingFileSystem(
      ReactorDataPath dataPath,
      Connector connector,
      Supplier<Routing> routing,
      int metaNodeId,
      ClientIdentity identity,
      ClientCounters counters,
      ClientOptions options) {
    this.dataPath = dataPath;
    this.connector = connector;
    this.routing = routing;
    this.counters = counters;
    this.meta =
        new MetaClient(
            connector.connect(metaNodeId, Services.META), identity, counters, options.retryNs());
    this.chunks = new ChunkCommands(dataPath);
    this.writeMemory = new MemoryPool(options.bufferBytes(), options.writeBuffers());
    this.readMemory = new MemoryPool(options.bufferBytes(), options.readAheadBuffers());
    this.housekeeper = new Housekeeper(table.values(), options);
    this.janitor = new Janitor(dataPath, meta, chunks);
  }

  /**
   * Whom to tell the number of an inode when its bytes or length have changed, buffered writes
   * included: before the change returns to whoever made it, on any thread, a reactor's too.
   */
  public void onChange(LongConsumer listener) {
    changes = listener;
  }

  /** Starts the threads that write back what nobody flushes and free what nobody names. */
  public void start() {
    housekeeper.start();
    janitor.start();
  }

  /** Finishes what earlier clients left undone. */
  public Janitor janitor() {
    return janitor;
  }

  public ClientCounters counters() {
    return counters;
  }

  /** What inodes ask of their file system. */
  private final class Shared implements ClientServices {
    @Override
    public MetaClient meta() {
      return meta;
    }

    @Override
    public WriteBuffer newWriteBuffer(OpenInode inode) {
      return new WriteBuffer(
          dataPath, inode, writeMemory, BlockingFileSystem.this::evictOne, counters);
    }

    @Override
    public void changed(long inode) {
      changes.accept(inode);
    }

    @Override
    public long wallClockNs() {
      Instant now = Instant.now();
      return now.getEpochSecond() * 1_000_000_000L + now.getNano();
    }

    @Override
    public void flushBefore(InodeState state, FileIo io) {
      if (!housekeeper.execute(() -> drainThenSubmit(state, io))) {
        submitFlushed(io);
      }
    }
  }

  private void drainThenSubmit(InodeState state, FileIo io) {
    state.lock.lock();
    try {
      if (state.isOpen()) {
        state.buffer().drain();
      }
    } finally {
      state.lock.unlock();
    }
    submitFlushed(io);
  }

  /** Submits what need not see buffered bytes. Owner: reactor of the data path. */
  void submitClean(FileIo io) {
    io.flushed = true;
    dataPath.submit(io);
  }

  private void submitFlushed(FileIo io) {
    io.flushed = true;
    dataPath.context().offer(nowNs -> dataPath.submit(io));
  }

  /** Called by a writer that holds its own inode's lock: never waits for another one. */
  private void evictOne() {
    for (InodeState state : table.values()) {
      if (!state.isDirty() || state.lock.isHeldByCurrentThread() || !state.lock.tryLock()) {
        continue;
      }
      try {
        if (state.isOpen() && state.buffer().sendOldest()) {
          return;
        }
      } finally {
        state.lock.unlock();
      }
    }
  }

  @Override
  public Attributes lookup(User user, long parent, byte[] name) throws FileSystemException {
    long beganNs = System.nanoTime();
    return merged(user, beganNs, meta.lookup(user, parent, name));
  }

  @Override
  public Attributes attributes(User user, long inode) throws FileSystemException {
    long beganNs = System.nanoTime();
    return merged(user, beganNs, meta.attributes(user, inode));
  }

  /** What metadata answered, and what it does not know yet or did not when it answered. */
  private Attributes merged(User user, long beganNs, Attributes attributes)
      throws FileSystemException {
    InodeState state = table.get(attributes.inode());
    if (state == null) {
      return attributes;
    }
    Attributes merged = state.merge(attributes);
    return state.wasToldSince(beganNs) ? attributes(user, attributes.inode()) : merged;
  }

  @Override
  public Attributes setAttributes(
      User user, long inode, int mask, int mode, int uid, int gid, long atimeNs, long mtimeNs)
      throws FileSystemException {
    InodeState state = table.get(inode);
    if (state == null || (mask & AttributeMask.MTIME) == 0) {
      long beganNs = System.nanoTime();
      Attributes set = meta.setAttributes(user, inode, mask, mode, uid, gid, atimeNs, mtimeNs);
      return merged(user, beganNs, set);
    }
    state.lock.lock();
    try {
      Attributes attributes =
          meta.setAttributes(user, inode, mask, mode, uid, gid, atimeNs, mtimeNs);
      state.forgetModified();
      return state.merge(attributes);
    } finally {
      state.lock.unlock();
    }
  }

  @Override
  public Attributes truncate(User user, long inode, long lengthBytes) throws FileSystemException {
    if (lengthBytes < 0) {
      throw new FileSystemException(Errno.EINVAL, "length is negative; observed=" + lengthBytes);
    }
    InodeState state = lock(inode);
    try {
      if (state.isOpen()) {
        state.buffer().drain();
      }
      long before = state.merge(meta.attributes(user, inode)).lengthBytes();
      Attributes attributes = meta.beginTruncate(user, inode, lengthBytes);
      state.truncated(attributes);
      if (lengthBytes < before) {
        chunks.cut(inode, attributes.layout(), lengthBytes);
        OpenInode open = state.openInode();
        if (open != null) {
          open.changed();
        }
      }
      meta.endTruncate(inode, attributes.truncateVersion());
      return attributes;
    } finally {
      unlock(state);
    }
  }

  /**
   * Makes a range of an open file zeros; under the inode's lock. Metadata hears the length first:
   * the chunks that would tell it after a crash may be the ones that go.
   */
  void punchHole(InodeState state, long from, long to) throws FileSystemException {
    OpenInode inode = state.openInode();
    assert inode != null : "a handle holds its inode open";
    state.settle(InodeState.Sync.DURABLE_LENGTH);
    FileLayout layout = inode.layout();
    long chunk = layout.chunkSizeBytes();
    // Behind the last chunk is nothing to do, however large the file.
    long end = Math.min(inode.lengthBytes(), chunks.queryEnd(state.number, layout));
    long last = Math.min(to, end);
    long firstWhole = (from + chunk - 1) / chunk;
    // The chunk that the file ends in goes as a whole when all that it has does.
    long endWhole = to < end ? to / chunk : (end + chunk - 1) / chunk;
    if (firstWhole < endWhole) {
      state.zero(from, firstWhole * chunk);
      chunks.empty(state.number, layout, firstWhole, endWhole);
      state.zero(endWhole * chunk, last);
    } else {
      state.zero(from, last);
    }
    state.holed();
  }

  @Override
  public Attributes makeDirectory(User user, long parent, byte[] name, int mode)
      throws FileSystemException {
    return meta.makeDirectory(user, parent, name, mode);
  }

  @Override
  public Attributes makeSymlink(User user, long parent, byte[] name, byte[] target)
      throws FileSystemException {
    return meta.makeSymlink(user, parent, name, target);
  }

  @Override
  public Attributes makeNode(User user, long parent, byte[] name, int mode)
      throws FileSystemException {
    return meta.createFile(user, parent, name, mode, OpenFlags.EXCLUSIVE);
  }

  @Override
  public byte[] readSymlink(User user, long inode) throws FileSystemException {
    return meta.readSymlink(user, inode);
  }

  @Override
  public Attributes link(User user, long inode, long newParent, byte[] newName)
      throws FileSystemException {
    long beganNs = System.nanoTime();
    return merged(user, beganNs, meta.link(user, inode, newParent, newName));
  }

  @Override
  public void unlink(User user, long parent, byte[] name) throws FileSystemException {
    Attributes removed = meta.unlink(user, parent, name);
    if (removed.linkCount() == 0) {
      nameless(removed.inode());
    }
  }

  @Override
  public void removeDirectory(User user, long parent, byte[] name) throws FileSystemException {
    meta.removeDirectory(user, parent, name);
  }

  @Override
  public void rename(User user, long parent, byte[] name, long newParent, byte[] newName, int flags)
      throws FileSystemException {
    long replaced = meta.rename(user, parent, name, newParent, newName, flags);
    if (replaced != 0) {
      nameless(replaced);
    }
  }

  /** An inode lost a name, perhaps the last: its chunks go now, or with its last close. */
  private void nameless(long inode) {
    InodeState state = table.get(inode);
    if (state != null) {
      state.unlinked = true;
    }
    janitor.poke();
  }

  @Override
  public void list(User user, long inode, EntryVisitor entries) throws FileSystemException {
    meta.list(user, inode, entries);
  }

  @Override
  public Space space() throws FileSystemException {
    Routing current = routing.get();
    int replicas = 1;
    for (Routing.Chain chain : current.chains().values()) {
      replicas = Math.max(replicas, chain.targetIds().size());
    }
    Set<Integer> nodes = new TreeSet<>();
    current.targets().values().forEach(target -> nodes.add(target.nodeId()));
    long capacityBytes = 0;
    long freeBytes = 0;
    for (Integer node : nodes) {
      SpaceQuery.Answer answer = space(node);
      capacityBytes += answer.capacityBytes();
      freeBytes += answer.freeBytes();
    }
    return new Space(capacityBytes / replicas, freeBytes / replicas, meta.inodeCount());
  }

  /** A node that does not answer counts as it was last; one that never did, as nothing. */
  private SpaceQuery.Answer space(int node) {
    SpaceQuery.Answer answer = new SpaceQuery().ask(connector.connect(node, Services.STORAGE));
    if (answer == null) {
      return spaces.getOrDefault(node, SpaceQuery.Answer.NONE);
    }
    spaces.put(node, answer);
    return answer;
  }

  @Override
  public Handle create(
      User user, long parent, byte[] name, int mode, boolean exclusive, Access access)
      throws FileSystemException {
    int flags = sessionFlags(access) | (exclusive ? OpenFlags.EXCLUSIVE : 0);
    int typed = FileMode.REGULAR | (mode & FileMode.PERMISSION_MASK);
    for (int attempt = 1; ; attempt++) {
      long mark = closes.mark();
      Attributes attributes = meta.createFile(user, parent, name, typed, flags);
      try {
        return attachCreated(user, attributes, mark, access);
      } catch (FileSystemException e) {
        if (exclusive || e.errno() != Errno.ENOENT || attempt == CREATE_ATTEMPTS_MAX) {
          throw e;
        }
      }
    }
  }

  /**
   * Somebody's last close of the same file may have ended the session that the creation recorded;
   * then it is recorded again.
   */
  private Handle attachCreated(User user, Attributes created, long mark, Access access)
      throws FileSystemException {
    long inode = created.inode();
    InodeState state = lock(inode);
    try {
      Attributes attributes = created;
      if (closes.mayHaveClosed(inode, mark)) {
        attributes = meta.open(User.ROOT, inode, sessionFlags(access));
      }
      return handle(state, attributes, user, access);
    } finally {
      unlock(state);
    }
  }

  @Override
  public Handle open(User user, long inode, Access access) throws FileSystemException {
    InodeState state = lock(inode);
    try {
      Attributes attributes = meta.open(user, inode, sessionFlags(access));
      return handle(state, attributes, user, access);
    } finally {
      unlock(state);
    }
  }

  private static int sessionFlags(Access access) {
    return OpenFlags.SESSION | (access.writes() ? OpenFlags.WRITE : 0);
  }

  private Handle handle(InodeState state, Attributes attributes, User user, Access access) {
    OpenInode inode = state.attach(attributes, user.uid(), access);
    state.unlinked |= attributes.linkCount() == 0;
    ReadAhead readAhead = new ReadAhead(dataPath, inode, readMemory, counters);
    OpenHandle handle = new OpenHandle(this, state, inode, user.uid(), access, readAhead);
    handles.add(handle);
    if (access.writes()) {
      housekeeper.wake();
    }
    return handle;
  }

  /** Ends a handle; under the inode's lock. */
  void detach(OpenHandle handle, InodeState state, int uid, Access access)
      throws FileSystemException {
    handles.remove(handle);
    try {
      state.detach(uid, access);
    } finally {
      closes.note(state.number);
    }
    if (state.unlinked && !state.isOpen()) {
      janitor.poke();
    }
  }

  @Override
  public OpenInode openInode(User user, long inode, boolean forWrite) throws FileSystemException {
    InodeState state = table.get(inode);
    OpenInode open = state == null ? null : state.openInode();
    int errno = state == null || open == null ? Errno.EBADF : state.mayUse(user.uid(), forWrite);
    if (open == null || errno != 0) {
      throw new FileSystemException(
          errno,
          "a ring's user has not opened the inode so; observed=inode %d, uid %d, %s"
              .formatted(inode, user.uid(), forWrite ? "to write" : "to read"));
    }
    return open;
  }

  /** The state of an inode, locked; {@link #unlock} is its other half. */
  @SuppressWarnings("LockNotBeforeTry")
  private InodeState lock(long inode) {
    while (true) {
      InodeState state = table.getOrMake(inode, number -> new InodeState(number, services));
      state.lock.lock();
      if (!state.dead) {
        return state;
      }
      state.lock.unlock();
    }
  }

  /** Unlocks; what nobody has open leaves the table. */
  void unlock(InodeState state) {
    if (!state.isOpen() && !state.dead) {
      state.dead = true;
      table.remove(state);
    }
    state.lock.unlock();
  }

  @Override
  public void close() {
    housekeeper.close();
    for (OpenHandle handle : new ArrayList<>(handles)) {
      try {
        handle.release();
      } catch (FileSystemException e) {
        LOG.warn("inode {} did not close cleanly: {}", handle.inode().inode(), e.getMessage());
      }
    }
    janitor.close();
    writeMemory.close();
    readMemory.close();
  }
}
