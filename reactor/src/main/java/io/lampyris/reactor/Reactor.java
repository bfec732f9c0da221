package io.lampyris.reactor;

import io.lampyris.bindings.BootClock;
import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.uring.CompletionHandler;
import io.lampyris.bindings.uring.IoUring;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * One thread that runs agents by duty cycle over one io_uring.
 *
 * <pre>
 *   inbox → completions → pollers → agents → timers → submit → (nothing done? idle)
 * </pre>
 *
 * <p>Other threads wake a blocked reactor through an eventfd whose poll is always in flight. The
 * flag {@code sleeping} is raised before the last look into the inbox and read after each
 * publication, with a full fence between the two on both sides, so that no task is left behind
 * (I3).
 */
public final class Reactor implements ReactorContext, AutoCloseable {
  private static final int INBOX_CAPACITY = 4096;
  private static final int INBOX_BATCH_MAX = 256;
  private static final int COMPLETIONS_MAX = 512;
  private static final int URING_ENTRIES = 512;

  /** Open devices that the kernel knows by number; more work as well, a little slower. */
  private static final int FILES_MAX = 64;

  /** In the place of a client that has left. */
  private static final UringClient GONE =
      (token, result, flags) -> {
        throw new AssertionError("a client leaves when nothing of it is in flight: " + token);
      };

  /** Completions of the reactor's own wake-up poll; clients are numbered from 1. */
  private static final int WAKE_CLIENT = 0;

  /** Without timers there is nothing to wake for; a bound all the same, so that a stall is seen. */
  private static final long BLOCK_MAX_NS = TimeUnit.SECONDS.toNanos(60);

  private static final long BACKOFF_SPIN_NS = TimeUnit.MICROSECONDS.toNanos(100);
  private static final long BACKOFF_MAX_NS = TimeUnit.MILLISECONDS.toNanos(1);

  /** A device under load completes something within this; sleeping costs more than polling on. */
  private static final long SPIN_NS = TimeUnit.MICROSECONDS.toNanos(20);

  /** A batch of completions that takes longer submits what it has begun so far. */
  private static final long SUBMIT_AFTER_NS = TimeUnit.MICROSECONDS.toNanos(25);

  private static final long CLOSE_WAIT_S = 10;

  private static final ThreadLocal<Reactor> CURRENT = new ThreadLocal<>();
  private static final VarHandle SLEEPING;
  private static final MemorySegment ONE = Arena.global().allocateFrom(ValueLayout.JAVA_LONG, 1L);

  static {
    try {
      SLEEPING = MethodHandles.lookup().findVarHandle(Reactor.class, "sleeping", boolean.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private record Deferred(Reactor to, InboxTask task) {}

  private final String name;
  private final IdlePolicy idle;
  private final long spinNs;
  private final boolean yields;
  private final Consumer<Throwable> faultHandler;
  private final Inbox inbox = new Inbox(INBOX_CAPACITY);
  private final ArrayDeque<InboxTask> own = new ArrayDeque<>();
  private final ArrayDeque<Deferred> deferred = new ArrayDeque<>();
  private final IoUring uring;
  private final int wakeFd;
  private final BufferMemory memory;
  private final MemorySegment arena;
  private final BufferPool buffers;
  private final Registered registered;
  private final Timers timers;
  private final Agent[] agents;
  private volatile Poller[] pollers = {};
  private Thread thread;
  private boolean runsHere;
  private final CountDownLatch started = new CountDownLatch(1);

  private final Counter cycles;
  private final Counter busyCycles;
  private final Counter sleeps;

  private final CompletionHandler completionHandler = this::onCompletion;
  private volatile UringClient[] clients = new UringClient[1];
  private volatile boolean running = true;

  @SuppressWarnings("UnusedVariable") // through SLEEPING
  private boolean sleeping;

  private boolean wakeArmed;
  private boolean roomWanted;
  private final BootClock bootClock = new BootClock();
  private long nowNs = System.nanoTime();
  private long lastWorkNs = nowNs;
  private long submittedNs = nowNs;

  private Reactor(Builder builder) {
    name = builder.name;
    idle = builder.idle;
    spinNs = builder.spinNs;
    yields = builder.yields;
    faultHandler = builder.faultHandler;
    uring = IoUring.open(URING_ENTRIES, IoUring.Flag.DISABLED);
    wakeFd = Libc.eventfd(0, Fcntl.EFD_CLOEXEC | Fcntl.EFD_NONBLOCK);
    if (wakeFd < 0) {
      throw new IllegalStateException("eventfd failed: " + Errno.describe(-wakeFd));
    }
    memory = builder.memory;
    NativeMemory.HugeAllocation allocated =
        memory.allocate(BufferPool.arenaBytes(builder.bufferClasses));
    arena = allocated.segment();
    buffers = new BufferPool(arena, builder.bufferClasses);
    registered = new Registered(this, uring, arena, FILES_MAX);
    timers = new Timers(nowNs);
    String prefix = name.replace('-', '_');
    cycles = builder.counters.create(prefix + "_cycles");
    busyCycles = builder.counters.create(prefix + "_busy_cycles");
    sleeps = builder.counters.create(prefix + "_sleeps");
    Counter huge = builder.counters.create(prefix + "_huge_memory_bytes");
    huge.add(allocated.backing() == NativeMemory.Backing.BASE_PAGES ? 0 : arena.byteSize());
    List<Agent> made = new ArrayList<>();
    for (Function<Reactor, Agent> factory : builder.agents) {
      made.add(factory.apply(this));
    }
    agents = made.toArray(new Agent[0]);
    thread = Thread.ofPlatform().name(name).unstarted(this::run);
  }

  /** A reactor in the making. */
  public static Builder builder(String name) {
    return new Builder(name);
  }

  /** Options of a reactor; the defaults suit the embedded cluster. */
  public static final class Builder {
    private final String name;
    private final List<Function<Reactor, Agent>> agents = new ArrayList<>();
    private IdlePolicy idle = IdlePolicy.BLOCK;
    private long spinNs = SPIN_NS;
    private boolean yields;
    private List<BufferPool.SizeClass> bufferClasses = BufferPool.DEFAULT_CLASSES;
    private BufferMemory memory = BufferMemory.ANONYMOUS;
    private Counters counters = new Counters();
    private Consumer<Throwable> faultHandler = Reactor::halt;

    private Builder(String name) {
      this.name = name;
    }

    public Builder idle(IdlePolicy policy) {
      idle = policy;
      return this;
    }

    /** How long an idle reactor polls before it blocks. */
    public Builder spinNs(long ns) {
      spinNs = ns;
      return this;
    }

    /**
     * While it polls before it blocks, threads that wait for its core go first: for a reactor that
     * waits for other reactors of this machine rather than for a device. Two ends of a connection
     * on one core were seen to answer in 5 µs instead of 47, whereas 4 KiB reads at depth 32 lost a
     * tenth to other programs.
     */
    public Builder yields(boolean whether) {
      yields = whether;
      return this;
    }

    public Builder bufferClasses(List<BufferPool.SizeClass> classes) {
      bufferClasses = List.copyOf(classes);
      return this;
    }

    /** Where the buffers come from; devices that are reached by DMA have memory of their own. */
    public Builder memory(BufferMemory source) {
      memory = source;
      return this;
    }

    public Builder counters(Counters registry) {
      counters = registry;
      return this;
    }

    /** Takes what leaves an agent; the default prints it and halts the process. */
    public Builder faultHandler(Consumer<Throwable> handler) {
      faultHandler = handler;
      return this;
    }

    /** Adds an agent, made once the reactor exists and before it runs. */
    public Builder agent(Function<Reactor, Agent> factory) {
      agents.add(factory);
      return this;
    }

    /** Makes the reactor; {@link Reactor#start} runs it. */
    public Reactor build() {
      return new Reactor(this);
    }

    /** Makes and starts the reactor. */
    public Reactor start() {
      Reactor reactor = build();
      reactor.start();
      return reactor;
    }
  }

  /** Starts the thread; returns when every agent's {@code onStart} has run. */
  public void start() {
    thread.start();
    boolean interrupted = false;
    while (true) {
      try {
        started.await();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public long bootNs() {
    assert inReactor() : "the clock is the reactor's";
    return bootClock.nowNs();
  }

  @Override
  public long nowNs() {
    assert inReactor() : "the cycle's time is the reactor's";
    return nowNs;
  }

  @Override
  public boolean inReactor() {
    return Thread.currentThread() == thread;
  }

  @Override
  public Timers timers() {
    return timers;
  }

  @Override
  public BufferPool buffers() {
    return buffers;
  }

  /** The thread's id, for what the JVM counts by thread. Any thread. */
  public long threadId() {
    return thread.threadId();
  }

  /** The ring; operations carry {@link #userData}. Owner: reactor. */
  public IoUring uring() {
    return uring;
  }

  /** What the kernel has prepared for I/O on this ring. Owner: reactor. */
  public Registered registered() {
    return registered;
  }

  @Override
  public void expectMemory(MemorySegment memory) {
    registered.memory().expect(memory, Registered.TRANSFER_MIN_BYTES);
  }

  @Override
  public void forgetMemory(MemorySegment memory) {
    registered.memory().forget(memory);
  }

  @Override
  public void offer(InboxTask task) {
    Reactor current = CURRENT.get();
    if (current == this) {
      own.add(task);
    } else if (current == null) {
      inbox.put(task);
      wake();
    } else {
      current.hand(this, task);
    }
  }

  /** From one reactor to another: never waits, keeps the order (I2). */
  private void hand(Reactor to, InboxTask task) {
    if (deferred.isEmpty() && to.inbox.tryPut(task)) {
      to.wake();
    } else {
      deferred.add(new Deferred(to, task));
    }
  }

  /** Ends a block, if there is one. Any thread. */
  public void wake() {
    VarHandle.fullFence();
    if ((boolean) SLEEPING.getOpaque(this) && SLEEPING.compareAndSet(this, true, false)) {
      Libc.write(wakeFd, ONE, Long.BYTES);
    }
  }

  /**
   * Registers who gets completions.
   *
   * @return the number that {@link #userData} takes
   */
  public synchronized int register(UringClient client) {
    for (int number = 1; number < clients.length; number++) {
      if (clients[number] == GONE) {
        UringClient[] same = clients.clone();
        same[number] = client;
        clients = same;
        return number;
      }
    }
    UringClient[] grown = Arrays.copyOf(clients, clients.length + 1);
    grown[clients.length] = client;
    clients = grown;
    return grown.length - 1;
  }

  /** Gives a number back; none of its operations may be in flight. Any thread. */
  public synchronized void unregister(int number) {
    UringClient[] same = clients.clone();
    assert same[number] != GONE : "a number is given back once";
    same[number] = GONE;
    clients = same;
  }

  /** From the next cycle on. Any thread. */
  public synchronized void addPoller(Poller poller) {
    Poller[] grown = Arrays.copyOf(pollers, pollers.length + 1);
    grown[pollers.length] = poller;
    pollers = grown;
    wake();
  }

  /**
   * The poller is not asked any more; not from within it. Owner: reactor; or any thread once that
   * has closed.
   */
  public synchronized void removePoller(Poller poller) {
    pollers = Arrays.stream(pollers).filter(p -> p != poller).toArray(Poller[]::new);
  }

  /** Where the pool's memory lies. */
  public MemorySegment arena() {
    return arena;
  }

  /** What an operation carries so that its completion finds its client and the client's token. */
  public static long userData(int client, int token) {
    return (long) client << 32 | Integer.toUnsignedLong(token);
  }

  /** Makes room in a full submission queue; false when the kernel takes no more right now. */
  public boolean makeRoom() {
    uring.submit();
    if (uring.sqSpace() > 0) {
      return true;
    }
    roomWanted = true;
    return false;
  }

  private void run() {
    try {
      begin();
      started.countDown();
      while (running) {
        cycle();
      }
      end();
    } catch (Throwable fault) {
      started.countDown();
      faultHandler.accept(fault);
    } finally {
      uring.close();
    }
  }

  private void begin() {
    CURRENT.set(this);
    uring.enable();
    registered.open();
    nowNs = System.nanoTime();
    for (Agent agent : agents) {
      agent.onStart();
    }
  }

  private void end() {
    for (Agent agent : agents) {
      agent.onClose();
    }
    drain();
  }

  /**
   * Instead of {@link #start}: runs the reactor on the calling thread, whose it is from the first
   * call on, until a condition holds. For a client that is written as one sequence and touches what
   * reactors own in between. Faults are thrown.
   */
  public void runUntil(BooleanSupplier done) {
    if (started.getCount() > 0) {
      thread = Thread.currentThread();
      runsHere = true;
      begin();
      started.countDown();
    }
    assert inReactor() : "it is the reactor's thread";
    while (!done.getAsBoolean()) {
      cycle();
    }
  }

  private void cycle() {
    nowNs = System.nanoTime();
    int work = poll();
    cycles.increment();
    if (work > 0) {
      lastWorkNs = nowNs;
      busyCycles.increment();
    } else {
      idle();
    }
  }

  private int poll() {
    int work = inbox.poll(nowNs, INBOX_BATCH_MAX);
    for (int left = Math.min(own.size(), INBOX_BATCH_MAX); left > 0; left--) {
      own.remove().onReactor(nowNs);
      work++;
    }
    submittedNs = nowNs;
    work += Math.max(0, uring.poll(completionHandler, COMPLETIONS_MAX));
    if (roomWanted) {
      roomWanted = false;
      tellRoom();
    }
    for (Poller poller : pollers) {
      work += poller.poll(nowNs);
    }
    for (Agent agent : agents) {
      work += agent.doWork(nowNs);
    }
    work += timers.poll(nowNs);
    work += handDeferred();
    for (Poller poller : pollers) {
      poller.submit();
    }
    armWake();
    if (uring.pending() > 0) {
      // Not fetching completions as well: asked so early, each call brings few of them, and 4 KiB
      // reads at depth 32 were seen to take half as much CPU again.
      uring.submit();
    }
    return work;
  }

  private void onCompletion(long userData, int result, int flags) {
    int client = (int) (userData >>> 32);
    if (client == WAKE_CLIENT) {
      wakeArmed = IoUring.hasMore(flags);
    } else {
      clients[client].onCompletion((int) userData, result, flags);
      submitLate();
    }
  }

  /**
   * In the middle of a batch: a completion may cost the checksum of a MiB, and what the ones before
   * it have begun would wait for it while the device is idle.
   */
  private void submitLate() {
    if (uring.pending() > 0) {
      long hereNs = System.nanoTime();
      if (hereNs - submittedNs > SUBMIT_AFTER_NS) {
        uring.submit();
        submittedNs = hereNs;
      }
    }
  }

  private void tellRoom() {
    for (int i = 1; i < clients.length; i++) {
      clients[i].onRoom();
    }
  }

  private int handDeferred() {
    int handed = 0;
    while (!deferred.isEmpty() && deferred.peek().to.inbox.tryPut(deferred.peek().task)) {
      deferred.remove().to.wake();
      handed++;
    }
    return handed;
  }

  /**
   * A multishot poll fires at every write to the eventfd, whether or not it was read since, so the
   * eventfd is never read.
   */
  private void armWake() {
    if (!wakeArmed) {
      wakeArmed = uring.prepPollAdd(wakeFd, Fcntl.POLLIN, true, userData(WAKE_CLIENT, 0));
    }
  }

  private void idle() {
    if (!pollersAreQuiet()) {
      // What they wait for comes within a microsecond or two, of which a pause is a part.
      return;
    }
    switch (idle) {
      case SPIN -> Thread.onSpinWait();
      case BACKOFF -> {
        long quietNs = nowNs - lastWorkNs;
        if (quietNs < BACKOFF_SPIN_NS) {
          Thread.onSpinWait();
        } else {
          block(Math.min(quietNs, BACKOFF_MAX_NS));
        }
      }
      case BLOCK -> {
        if (nowNs - lastWorkNs < spinNs && yields) {
          Thread.yield();
        } else if (nowNs - lastWorkNs < spinNs) {
          Thread.onSpinWait();
        } else {
          block(BLOCK_MAX_NS);
        }
      }
    }
  }

  private void block(long maxNs) {
    SLEEPING.setOpaque(this, true);
    VarHandle.fullFence();
    if (inbox.isEmpty() && own.isEmpty() && deferred.isEmpty() && running && agentsMayBlock()) {
      long untilTimerNs = Math.max(0, timers.nextDeadlineNs() - nowNs);
      sleeps.increment();
      uring.submitAndWait(1, Math.min(maxNs, untilTimerNs));
    }
    SLEEPING.setOpaque(this, false);
  }

  private boolean agentsMayBlock() {
    for (Poller poller : pollers) {
      if (!poller.mayBlock()) {
        return false;
      }
    }
    for (Agent agent : agents) {
      if (!agent.mayBlock(nowNs)) {
        return false;
      }
    }
    return true;
  }

  private boolean pollersAreQuiet() {
    for (Poller poller : pollers) {
      if (!poller.isQuiet()) {
        return false;
      }
    }
    return true;
  }

  /** Runs what agents started while they closed: their last I/O and answers. */
  private void drain() {
    long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(CLOSE_WAIT_S);
    // The wake-up poll stays in flight for ever.
    while (System.nanoTime() < deadlineNs
        && (uring.inFlight() > 1 || !inbox.isEmpty() || !own.isEmpty() || !pollersAreQuiet())) {
      nowNs = System.nanoTime();
      if (poll() == 0) {
        uring.submitAndWait(1, TimeUnit.MILLISECONDS.toNanos(1));
      }
    }
  }

  private static void halt(Throwable fault) {
    fault.printStackTrace();
    Runtime.getRuntime().halt(70); // EX_SOFTWARE
  }

  /** Stops the thread, once its agents have closed. From any thread but its own. */
  @Override
  public void close() {
    if (runsHere) {
      closeHere();
      return;
    }
    assert !inReactor() : "a reactor does not wait for itself";
    running = false;
    wake();
    boolean interrupted = false;
    while (thread.isAlive()) {
      // A wake may fall between the look at the flag and the block.
      wake();
      try {
        thread.join(10);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    free();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** What {@link #runUntil} has run. */
  private void closeHere() {
    assert inReactor() : "it is the reactor's thread";
    try {
      end();
    } finally {
      CURRENT.remove();
      uring.close();
      free();
    }
  }

  private void free() {
    Libc.close(wakeFd);
    memory.free(arena);
  }
}
