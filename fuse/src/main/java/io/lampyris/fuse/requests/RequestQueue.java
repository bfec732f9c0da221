package io.lampyris.fuse.requests;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.UringClient;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.agrona.concurrent.ManyToManyConcurrentArrayQueue;
import org.agrona.concurrent.ManyToOneConcurrentArrayQueue;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The requests of one mount, from the kernel to whom they are for; see the package. Threads meet it
 * through their {@link RequestTaker}s.
 */
public final class RequestQueue implements UringClient, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RequestQueue.class);

  /** Taken from the kernel before others of the reactor have their turn. */
  private static final int BATCH_MAX = 32;

  /** For so long after a request the reactor asks for more; then it waits for the kernel's word. */
  private static final long ASK_NS = TimeUnit.MICROSECONDS.toNanos(20);

  /** After so many in a row that were not for the reactor, threads take them themselves. */
  private static final int HANDED_MAX = 4;

  /** About 5 µs. */
  private static final int SPINS_MAX = 200;

  /** ioctl(2), any descriptor: reads return at once. */
  private static final long FIONBIO = 0x5421;

  private static final MemorySegment ONE = Arena.global().allocateFrom(JAVA_LONG, 1L);
  private static final MemorySegment YES = Arena.global().allocateFrom(JAVA_INT, 1);

  private final Reactor reactor;
  private final int client;
  private final int fd;
  private final RequestHandler handler;
  private final int threads;
  private final MemorySegment memory;

  /** Held by a thread that takes a request. The reactor needs it not while requests are its own. */
  private final ReentrantLock lock = new ReentrantLock();

  /** Whether the reactor takes requests, and no thread does. Raised with the lock. */
  private volatile boolean reactorTakes;

  /** Belongs to whoever takes requests, as its count. */
  private final Request[] free;

  private int freeCount;

  /** What the last attempt to take one gave: its size, or -errno. */
  private long lastSize;

  /** What its holders gave back. */
  private final ManyToOneConcurrentArrayQueue<Request> returned;

  /** What the reactor has taken and threads have to handle. */
  private final ManyToManyConcurrentArrayQueue<Request> handedOver;

  /** A semaphore for threads: one for each of these, and to make one of them look around. */
  private final int noteFd;

  private final AtomicInteger notes = new AtomicInteger();

  /** Threads that wait for the kernel, and that wait for notes only. */
  private final AtomicInteger atKernel = new AtomicInteger();

  private final AtomicInteger atNotes = new AtomicInteger();

  /** Attempts of threads that found nothing free, to be made again. */
  private final AtomicInteger starved = new AtomicInteger();

  /** The reactor finds nothing free, so whoever gives something back wakes it. */
  private volatile boolean reactorStarves;

  private volatile boolean ended;
  private final CountDownLatch quiet = new CountDownLatch(1);

  // ---- The reactor's

  /** It takes requests; false whenever a thread does. */
  private boolean mine;

  /** The kernel says when there is something. */
  private boolean armed;

  /** Since the last cycle a request came, or was answered, or the kernel gave its word. */
  private boolean active;

  private long activeNs;
  private int handedInARow;
  private int inFlight;

  RequestQueue(Reactor reactor, int fd, int requests, int threads, RequestHandler handler) {
    this.reactor = reactor;
    this.fd = fd;
    this.handler = handler;
    this.threads = threads;
    returned = new ManyToOneConcurrentArrayQueue<>(requests);
    handedOver = new ManyToManyConcurrentArrayQueue<>(requests);
    free = new Request[requests];
    memory = NativeMemory.allocateAligned((long) requests * Request.SLOT_BYTES);
    // The one used last is used next, so that memory which was never needed is never touched.
    for (int i = requests - 1; i >= 0; i--) {
      free[freeCount++] = new Request(this, memory, (long) i * Request.SLOT_BYTES);
    }
    noteFd = Libc.eventfd(0, Fcntl.EFD_CLOEXEC | Fcntl.EFD_NONBLOCK | Fcntl.EFD_SEMAPHORE);
    int result = Libc.ioctl(fd, FIONBIO, YES);
    assert noteFd >= 0 && result == 0 : "eventfd, FIONBIO; observed=" + noteFd + ", " + result;
    client = reactor.register(this);
  }

  // ---------------------------------------------------------------- whoever takes requests

  private int countFree() {
    Request request;
    while ((request = returned.poll()) != null) {
      free[freeCount++] = request;
    }
    return freeCount;
  }

  /** Null when nothing is free; then a note, or a wake of the reactor, tells when something is. */
  private @Nullable Request nextFree() {
    if (countFree() == 0) {
      if (mine) {
        reactorStarves = true;
      } else {
        starved.getAndIncrement();
      }
      VarHandle.fullFence();
      if (countFree() == 0) {
        return null;
      }
    }
    return free[--freeCount];
  }

  /** What the kernel has; null, and why in {@code lastSize}, if it has nothing. */
  private @Nullable Request takeFromKernel() {
    Request request = nextFree();
    if (request == null) {
      lastSize = -Errno.EAGAIN;
      return null;
    }
    MemorySegment input = request.input();
    lastSize = Libc.read(fd, input, input.byteSize());
    if (lastSize <= 0) {
      free[freeCount++] = request;
      return null;
    }
    request.parse();
    if (request.appends()) {
      handler.onAppend(request);
    }
    return request;
  }

  /** A request that is given up while it is fetched is ENOENT; there may be others. */
  private static boolean mayComeLater(long error) {
    return error == -Errno.EAGAIN || error == -Errno.ENOENT || error == -Errno.EINTR;
  }

  private void end(long error) {
    if (error != -Errno.ENODEV) {
      LOG.error("requests cannot be taken; observed=errno {}; remedy: mount again", -error);
    }
    ended = true;
    for (int i = 0; i < threads; i++) {
      note();
    }
    reactor.wake();
  }

  /** Whether a request is done with: it asked for nothing, or only to buffer bytes. */
  private boolean isDone(Request request) {
    boolean done = false;
    if (request.opcode() == RequestLayout.OPCODE_INTERRUPT) {
      // Every request is answered as soon as it can be, interrupted or not; and none tells so.
      done = true;
    } else if (request.write && !request.appends() && handler.tryWrite(request)) {
      request.answer(request.lengthBytes);
      done = true;
    }
    if (done) {
      request.recycle();
    }
    return done;
  }

  // ---------------------------------------------------------------- threads, by their takers

  int fd() {
    return fd;
  }

  int noteFd() {
    return noteFd;
  }

  /** Whether a thread waits for the kernel, and not only for notes. */
  boolean enterWait() {
    boolean forKernel = !reactorTakes && starved.get() == 0;
    (forKernel ? atKernel : atNotes).getAndIncrement();
    return forKernel;
  }

  void leaveWait(boolean forKernel) {
    (forKernel ? atKernel : atNotes).getAndDecrement();
  }

  /** What the reactor has handed over; null when there is nothing of the kind. */
  @Nullable Request takeHandedOver(MemorySegment scratch) {
    if (notes.get() == 0 || Libc.read(noteFd, scratch, Long.BYTES) != Long.BYTES) {
      return null;
    }
    notes.getAndDecrement();
    Request request = handedOver.poll();
    if (request != null && !reactorTakes) {
      // The kernel may have woken this thread, too, for what another one has to take now.
      note();
    }
    return request;
  }

  /** A request for the calling thread; null when there is none. */
  @Nullable Request takeOwn() {
    Request request;
    enter();
    try {
      if (reactorTakes || ended) {
        return null;
      }
      request = takeFromKernel();
      if (request == null && !mayComeLater(lastSize)) {
        end(lastSize);
      }
    } finally {
      lock.unlock();
    }
    if (request == null || isDone(request)) {
      return null;
    }
    if (request.reads() && handler.mayBegin(request)) {
      giveToReactor(request);
      return null;
    }
    if (atKernel.get() == 0 && atNotes.get() > 0) {
      note();
    }
    return request;
  }

  /** The lock is held for a system call, and to sleep and be woken takes longer than that. */
  private void enter() {
    for (int tries = 0; tries < SPINS_MAX; tries++) {
      if (lock.tryLock()) {
        return;
      }
      Thread.onSpinWait();
    }
    lock.lock();
  }

  /** From now on the reactor takes what comes. */
  private void giveToReactor(Request request) {
    enter();
    reactorTakes = true;
    lock.unlock();
    reactor.offer(request);
  }

  private void note() {
    notes.getAndIncrement();
    Libc.write(noteFd, ONE, Long.BYTES);
  }

  /** Whether no thread has anything to do any more. */
  boolean isOver() {
    return ended && handedOver.isEmpty();
  }

  // ---------------------------------------------------------------- the reactor

  /** A thread gives what it has taken, and leaves the rest to the reactor. */
  void begin(Request request) {
    if (!mine && reactorTakes && !ended) {
      mine = true;
      handedInARow = 0;
    }
    active = true;
    beginRead(request);
  }

  private void beginRead(Request request) {
    inFlight++;
    handler.begin(request);
  }

  /** Takes what the kernel has, if that is the reactor's task; how much was done. */
  int poll(long nowNs) {
    if (!mine) {
      return 0;
    }
    if (active) {
      active = false;
      activeNs = nowNs;
    }
    if (nowNs - activeNs > ASK_NS) {
      leaveOrArm();
      return 0;
    }
    int taken = 0;
    while (taken < BATCH_MAX && mine && takeOne()) {
      taken++;
    }
    active |= taken > 0;
    return taken;
  }

  private void leaveOrArm() {
    if (inFlight == 0) {
      leave();
    } else if (!armed && countFree() > 0) {
      arm();
    }
  }

  private void leave() {
    mine = false;
    reactorTakes = false;
    // What came since the reactor looked last may have woken a thread that left it to the reactor,
    // and wakes no other one, even if one waits for the kernel.
    note();
  }

  private boolean takeOne() {
    Request request = takeFromKernel();
    if (request != null) {
      dispatch(request);
      return true;
    }
    if (!mayComeLater(lastSize)) {
      mine = false;
      end(lastSize);
    }
    return mine && lastSize != -Errno.EAGAIN;
  }

  private void dispatch(Request request) {
    if (isDone(request)) {
      return;
    }
    if (request.reads() && handler.mayBegin(request)) {
      handedInARow = 0;
      beginRead(request);
      return;
    }
    handedOver.offer(request);
    note();
    if (++handedInARow >= HANDED_MAX && inFlight == 0) {
      leave();
    }
  }

  /** A begun request is answered. */
  void completed() {
    inFlight--;
    active = true;
  }

  private void arm() {
    armed = reactor.uring().prepPollAdd(fd, Fcntl.POLLIN, false, Reactor.userData(client, 0));
  }

  @Override
  public void onCompletion(int token, int result, int flags) {
    armed = false;
    active = true;
  }

  /** Whether something wakes the reactor when there is work. */
  boolean mayBlock() {
    if (mine && inFlight == 0) {
      leave();
    }
    if (!mine || armed) {
      return true;
    }
    if (reactorStarves) {
      VarHandle.fullFence();
      return countFree() == 0;
    }
    arm();
    return armed;
  }

  /** Whether nothing of it is anywhere any more. */
  boolean tellIfQuiet() {
    if (!ended || armed || inFlight > 0 || countFree() < free.length) {
      return false;
    }
    reactor.unregister(client);
    NativeMemory.unmap(memory);
    quiet.countDown();
    return true;
  }

  // ---------------------------------------------------------------- any thread

  /** For a thread that takes requests; its own. */
  public RequestTaker newTaker() {
    return new RequestTaker(this);
  }

  /** Whether requests still come. Any thread. */
  public boolean isServing() {
    return !ended;
  }

  /** Sends a reply. Any thread. */
  void send(MemorySegment reply, int size) {
    long sent = Libc.write(fd, reply, size);
    // ENOENT: nobody waits for it any more. ENODEV, EPERM: the mount is gone.
    if (sent < 0 && sent != -Errno.ENOENT && sent != -Errno.ENODEV && sent != -Errno.EPERM) {
      LOG.error("a reply was refused; observed=errno {}; remedy: report this", -sent);
    }
  }

  /** Any thread. */
  void recycle(Request request) {
    boolean there = returned.offer(request);
    assert there : "there is room for all requests";
    VarHandle.fullFence();
    if (starved.get() > 0 && starved.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
      note();
    }
    if (reactorStarves || ended) {
      reactorStarves = false;
      reactor.wake();
    }
  }

  /**
   * Waits until its memory and descriptor are nobody's; false when they still were somebody's after
   * so long. Any thread but the reactor's.
   */
  public boolean awaitQuiet(Duration limit) {
    try {
      return quiet.await(limit.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** After that, and after the threads have ended. */
  @Override
  public void close() {
    Libc.close(noteFd);
  }
}
