package io.lampyris.client;

import io.lampyris.protocol.ChoreKind;
import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.Threads;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finishes what metadata remembers and storage has to follow.
 *
 * <p>At start, before anything else runs, {@link #settleAll} cuts what was half truncated, and then
 * takes the lengths of files that dead clients had open from their chunks: in this order, or chunks
 * that a truncation left behind would count. Afterwards one thread removes the chunks of files
 * without a name. It is parked while there are none. Where other clients live, {@link SharedChores}
 * takes the place of the first part.
 */
public final class Janitor implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Janitor.class);

  /** Files whose chunks are removed at once: leaves storage room for others. */
  private static final int REMOVALS_MAX = 32;

  /** One unlink seldom comes alone. */
  private static final long GATHER_NS = TimeUnit.MILLISECONDS.toNanos(5);

  /** Passes over a list that should be empty after the first one. */
  private static final int PASSES_MAX = 8;

  private static final long RETRY_NS = TimeUnit.SECONDS.toNanos(1);

  /** Other clients' work is found without a poke. */
  private static final long SWEEP_NS = TimeUnit.SECONDS.toNanos(30);

  private final ReactorDataPath dataPath;
  private final MetaClient meta;
  private final ChunkCommands chunks;
  private final Thread thread =
      Thread.ofPlatform().name("lampyris-janitor").daemon().unstarted(this::run);
  private final AtomicLong removedFiles = new AtomicLong();
  private @Nullable SharedChores shared;
  private volatile boolean running = true;
  private volatile boolean poked;

  Janitor(ReactorDataPath dataPath, MetaClient meta, ChunkCommands chunks) {
    this.dataPath = dataPath;
    this.meta = meta;
    this.chunks = chunks;
  }

  /**
   * There are other clients: what one of them leaves when it dies is done some time after that,
   * instead of by {@link #settleAll}, which takes all others for dead. Before the start.
   */
  public void shareWith(ClientCensus census) {
    shareWith(census, SharedChores.GRACE_NS);
  }

  void shareWith(ClientCensus census, long graceNs) {
    shared =
        new SharedChores(
            meta, census, meta.clientId(), graceNs, this::finishTruncation, this::settle);
  }

  void start() {
    poked = true;
    thread.start();
  }

  /** A file may have lost its last name or session. Any thread. */
  void poke() {
    poked = true;
    LockSupport.unpark(thread);
  }

  /** How many files' chunks were removed. Any thread. */
  public long removedFiles() {
    return removedFiles.get();
  }

  /**
   * Completes truncations and settles the sessions of clients that are gone. Blocks; to be called
   * before files are used.
   *
   * @throws FileSystemException when storage or metadata does not answer; nothing is lost then, and
   *     it may be called again
   */
  public void settleAll() throws FileSystemException {
    int truncations = forEach(ChoreKind.TRUNCATE, this::finishTruncation);
    int sessions = forEach(ChoreKind.SETTLE, this::settle);
    if (truncations + sessions > 0) {
      LOG.info("settled {} sessions and {} truncations", sessions, truncations);
    }
  }

  /** Until none is listed: a page may end among the sessions of one inode. */
  private int forEach(ChoreKind kind, SharedChores.Work work) throws FileSystemException {
    int total = 0;
    for (int pass = 0; pass < PASSES_MAX; pass++) {
      int count = forEachOnce(kind, work);
      total += count;
      if (count == 0) {
        break;
      }
    }
    return total;
  }

  private int forEachOnce(ChoreKind kind, SharedChores.Work work) throws FileSystemException {
    int count = 0;
    List<MetaClient.Chore> page = meta.chores(kind, 0);
    while (!page.isEmpty()) {
      for (MetaClient.Chore chore : page) {
        work.run(chore);
      }
      count += page.size();
      page = meta.chores(kind, page.getLast().inode());
    }
    return count;
  }

  private void finishTruncation(MetaClient.Chore chore) throws FileSystemException {
    if (chore.layout().chunkSizeBytes() != 0) {
      chunks.cut(chore.inode(), chore.layout(), chore.lengthBytes());
    }
    meta.endChore(ChoreKind.TRUNCATE, chore, chore.lengthBytes());
  }

  /** Bytes that rings wrote were acknowledged before their length reached metadata. */
  private void settle(MetaClient.Chore chore) throws FileSystemException {
    long length = chore.lengthBytes();
    if (chore.layout().chunkSizeBytes() != 0) {
      length = Math.max(length, chunks.queryEnd(chore.inode(), chore.layout()));
    }
    meta.endChore(ChoreKind.SETTLE, chore, length);
  }

  private void run() {
    while (running) {
      boolean left = false;
      if (poked) {
        LockSupport.parkNanos(this, GATHER_NS);
        poked = false;
        left = removeAll();
        sweepShared();
      }
      if (running && !poked) {
        LockSupport.parkNanos(this, left ? RETRY_NS : SWEEP_NS);
        poked = true;
      }
    }
  }

  private void sweepShared() {
    SharedChores chores = shared;
    if (chores == null || !running) {
      return;
    }
    try {
      chores.sweep(System.nanoTime());
    } catch (FileSystemException e) {
      LOG.warn("what dead clients left waits: {}", e.getMessage());
    }
  }

  /** Removes what there is; answers whether something has to be tried again. */
  private boolean removeAll() {
    boolean left = false;
    long after = 0;
    try {
      List<MetaClient.Chore> page = meta.chores(ChoreKind.REMOVE, after);
      while (!page.isEmpty() && running) {
        left |= removePage(page);
        after = page.getLast().inode();
        page = meta.chores(ChoreKind.REMOVE, after);
      }
    } catch (FileSystemException e) {
      LOG.warn("chunks of removed files wait: {}", e.getMessage());
      return true;
    }
    return left;
  }

  private boolean removePage(List<MetaClient.Chore> page) {
    List<Removal> removals = new ArrayList<>();
    Semaphore room = new Semaphore(REMOVALS_MAX);
    CountDownLatch done = new CountDownLatch(page.size());
    for (MetaClient.Chore chore : page) {
      Removal removal = new Removal(chore, room, done);
      removals.add(removal);
      room.acquireUninterruptibly();
      removal.start();
    }
    Waiting.uninterruptibly(done);
    List<MetaClient.Chore> gone = new ArrayList<>();
    for (Removal removal : removals) {
      if (removal.result >= 0) {
        gone.add(removal.chore);
      } else {
        LOG.warn(
            "chunks of inode {} were not removed; observed={}; tried again",
            removal.chore.inode(),
            Status.of(removal.result));
      }
    }
    int failed = meta.endChores(ChoreKind.REMOVE, gone);
    removedFiles.addAndGet(gone.size() - failed);
    return failed > 0 || gone.size() < page.size();
  }

  /** One file's chunks on their way out. */
  private final class Removal implements ChunkOperations.Completion {
    private final MetaClient.Chore chore;
    private final Semaphore room;
    private final CountDownLatch done;
    private volatile long result;

    Removal(MetaClient.Chore chore, Semaphore room, CountDownLatch done) {
      this.chore = chore;
      this.room = room;
      this.done = done;
    }

    void start() {
      FileLayout layout = chore.layout();
      if (layout.chunkSizeBytes() == 0) {
        onDone(0);
        return;
      }
      dataPath
          .context()
          .offer(nowNs -> dataPath.chunks().removeChunks(chore.inode(), layout, 0, this));
    }

    @Override
    public void onDone(long value) {
      result = value;
      room.release();
      done.countDown();
    }
  }

  /** Ends the thread after the page that it works on. */
  @Override
  public void close() {
    running = false;
    LockSupport.unpark(thread);
    Threads.awaitEnd(thread);
  }
}
