package io.lampyris.usrbio;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.ShrinkableMemory;
import io.lampyris.client.FileSystem.User;
import io.lampyris.client.FileSystemException;
import io.lampyris.reactor.BufferPool.SizeClass;
import io.lampyris.reactor.Counters;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.SimReactor;
import io.lampyris.reactor.sim.Simulation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * What a program may write into its ring and its memory, as a fuzzer makes it up: bytes are a
 * ring's size and attributes, then commands that change ring memory, shrink what is shared and let
 * the server run. Whatever they are, every claimed entry ends, a ring of another program gets its
 * own answer, memory of another user stays as it is, and what is detached becomes quiet.
 *
 * <p>One thread, without clocks: the same bytes take the same path. {@code bench/usrbio/fuzz} runs
 * it for hours, {@link FuzzTest} for a moment.
 */
public final class RingFuzz {
  private static final long FILE = 4711;
  private static final long OTHERS_FILE = 4712;
  private static final int FILE_BYTES = 64 << 10;
  private static final int MEMORY_BYTES = 16 << 10;
  private static final int ENTRIES_MAX = 16;
  private static final int FILL = 0x5a;
  private static final User HOSTILE = new User(1000, 1000);
  private static final User OTHER = new User(1001, 1001);

  /**
   * More than any I/O takes: each ends in the cycle in which the files let go of it, or the next.
   */
  private static final long SETTLE_NS = 1_000_000;

  private static final RingFuzz FUZZ = new RingFuzz();

  private final Simulation simulation = new Simulation(new Prng(1));
  private final SimReactor reactor =
      new SimReactor(simulation, "fuzz", List.of(new SizeClass(4096, 1)));
  private final MemoryFiles files = new MemoryFiles(1);
  private final RingServer server =
      new RingServer(reactor, files, RingServerConfig.DEFAULT, new Counters());
  private final Shared good = new Shared("good", RingLayout.sizeBytes(1));
  private final Shared secret = new Shared("secret", MEMORY_BYTES);
  private final Ring goodRing = ring(good, "cc", ".r0.t0", OTHER);
  private final Iov secretIov = iov(secret, "dd", OTHER);
  private final MemorySegment expected = Arena.global().allocate(MEMORY_BYTES);
  private int goodSlots;
  private int runs;

  /** A file in /dev/shm, as its program has it mapped. */
  private static final class Shared {
    final String name;
    final int fd;
    final MemorySegment bytes;

    Shared(String name, long sizeBytes) {
      this.name = "lampyris-fuzz-" + ProcessHandle.current().pid() + "-" + name;
      fd = Libc.shmOpen("/" + this.name, Fcntl.O_RDWR | Fcntl.O_CREAT, 0666);
      if (fd < 0 || Libc.ftruncate(fd, sizeBytes) < 0) {
        throw new AssertionError("shm: " + Errno.describe(-fd));
      }
      Libc.chmod("/dev/shm/" + this.name, 0666);
      bytes =
          NativeMemory.map(fd, 0, sizeBytes, Fcntl.PROT_READ | Fcntl.PROT_WRITE, Fcntl.MAP_SHARED);
    }

    SharedFile open(User user) {
      try {
        return SharedFile.open(("/dev/shm/" + name).getBytes(UTF_8), user);
      } catch (FileSystemException e) {
        throw new AssertionError(e);
      } finally {
        Libc.shmUnlink("/" + name);
      }
    }

    void close() {
      NativeMemory.unmap(bytes);
      Libc.close(fd);
    }
  }

  private RingFuzz() {
    files.create(FILE, true, FILE_BYTES).lengthBytes = FILE_BYTES;
    MemoryFiles.MemoryFile others = files.create(OTHERS_FILE, false, FILE_BYTES);
    others.lengthBytes = FILE_BYTES;
    others.bytes.fill((byte) FILL);
    reactor.add(files);
    reactor.add(server);
    server.connect(files, List.of(), quiet -> quiet.file.close());
    server.attach(goodRing);
    server.attach(secretIov);
    secret.bytes.fill((byte) 1);
    expected.fill((byte) 1).asSlice(8, 1000).fill((byte) FILL);
  }

  private static RegistrationKey key(String id, String attributes) {
    try {
      return RegistrationKey.parse(id.repeat(16) + attributes);
    } catch (FileSystemException e) {
      throw new AssertionError(e);
    }
  }

  private static Ring ring(Shared shared, String id, String attributes, User user) {
    Ring ring = new Ring(key(id, attributes), shared.open(user), user);
    if (!ring.initialize()) {
      throw new AssertionError("a fresh ring is one");
    }
    return ring;
  }

  private static Iov iov(Shared shared, String id, User user) {
    return new Iov(key(id, ""), shared.open(user), user);
  }

  /** Jazzer's entry. */
  public static void fuzzerTestOneInput(byte[] data) {
    FUZZ.run(ByteBuffer.wrap(data));
  }

  private void run(ByteBuffer in) {
    runs++;
    int entries = 1 + (next(in) % ENTRIES_MAX);
    String direction = (next(in) & 1) == 0 ? ".r" : ".w";
    int depth = Math.min(entries, (byte) next(in));
    Shared ringFile = new Shared("ring", RingLayout.sizeBytes(entries));
    Shared memoryFile = new Shared("memory", MEMORY_BYTES);
    Ring ring = ring(ringFile, "aa", direction + depth + ".t" + next(in) + ".f1", HOSTILE);
    Iov iov = iov(memoryFile, "bb", HOSTILE);
    server.attach(ring);
    server.attach(iov);
    while (in.hasRemaining()) {
      command(in, ringFile, memoryFile, entries + 1);
    }
    files.holding = false;
    simulation.runFor(SETTLE_NS);
    serveTheOther();
    server.detach(ring);
    server.detach(iov);
    simulation.runFor(SETTLE_NS);
    check(server.inFlight() == 0, "I/Os in flight at the end: " + server.inFlight());
    check(ring.isQuiet() && iov.isQuiet(), "what was detached is still used");
    ringFile.close();
    memoryFile.close();
  }

  private void command(ByteBuffer in, Shared ring, Shared memory, int slots) {
    switch (next(in) % 12) {
      case 10, 11 -> prepare(in, ring, slots, "bb");
      case 0 -> simulation.runFor(1_000L * next(in));
      case 1 -> putIndex(ring, next(in) % 4, next(in) % (slots + 1));
      case 2 -> putIndex(ring, next(in) % 4, nextInt(in));
      case 3 -> scribble(in, ring, slots);
      case 4 -> prepare(in, ring, slots, "bb");
      case 5 -> prepare(in, ring, slots, "dd");
      case 6 -> resize(ring, nextInt(in) & 0xffff);
      case 7 -> resize(memory, nextInt(in) & 0xffff);
      case 8 -> files.holding = (next(in) & 1) == 0;
      default -> {
        resize(ring, ring.bytes.byteSize());
        resize(memory, memory.bytes.byteSize());
      }
    }
  }

  /** What was shrunk answers this program with a fault too: it writes through the descriptor. */
  private static void resize(Shared shared, long sizeBytes) {
    Libc.ftruncate(shared.fd, sizeBytes);
  }

  private static void scribble(ByteBuffer in, Shared ring, int slots) {
    long words = RingLayout.semaphoreAt(slots) / Long.BYTES;
    put(ring, (nextInt(in) & 0xffff) % words, nextLong(in));
  }

  /** An entry as the library would prepare it, with fields that may be anything. */
  private static void prepare(ByteBuffer in, Shared ring, int slots, String id) {
    try {
      int head = RingLayout.index(ring.bytes, RingLayout.SQE_HEAD_AT);
      int slot = head >= 0 && head < slots ? head : next(in) % slots;
      long args = RingLayout.argsAt(slot) / Long.BYTES;
      long idWord = Long.parseUnsignedLong(id.repeat(8), 16);
      put(ring, args, idWord);
      put(ring, args + 1, idWord);
      put(ring, args + 2, field(in));
      put(ring, args + 3, next(in) % 16 == 0 ? field(in) : FILE);
      put(ring, args + 4, field(in));
      put(ring, args + 5, field(in));
      put(ring, RingLayout.sqeAt(slots, slot) / Long.BYTES, slot);
      putIndex(ring, 0, (slot + 1) % slots);
      ShrinkableMemory.faultBarrier();
    } catch (InternalError shrunk) {
      // Nothing is there.
    }
  }

  /** Mostly a place in the file or the memory. */
  private static long field(ByteBuffer in) {
    int kind = next(in);
    return switch (kind % 16) {
      case 0 -> nextLong(in);
      case 1 -> nextInt(in);
      case 2 -> Long.MAX_VALUE - next(in);
      default -> next(in) << (kind >> 4) % 9;
    };
  }

  private static void putIndex(Shared ring, int which, int value) {
    try {
      RingLayout.index(ring.bytes, 4L * which, value);
      ShrinkableMemory.faultBarrier();
    } catch (InternalError shrunk) {
      // Nothing is there.
    }
  }

  private static void put(Shared ring, long word, long value) {
    try {
      ring.bytes.set(ValueLayout.JAVA_LONG, word * Long.BYTES, value);
      ShrinkableMemory.faultBarrier();
    } catch (InternalError shrunk) {
      // Nothing is there.
    }
  }

  /** One read of the program whose ring is in order. */
  private void serveTheOther() {
    int head = goodSlots;
    goodSlots = (goodSlots + 1) % 2;
    RingLayout.args(
        good.bytes, RingLayout.argsAt(head), secretIov.key.id(), 8, OTHERS_FILE, 100, 1000, runs);
    RingLayout.sqe(good.bytes, RingLayout.sqeAt(2, head), head, runs);
    RingLayout.index(good.bytes, RingLayout.SQE_HEAD_AT, goodSlots);
    simulation.runFor(SETTLE_NS);
    long cqe = RingLayout.cqeAt(2, head);
    check(RingLayout.index(good.bytes, RingLayout.CQE_HEAD_AT) == goodSlots, "no completion");
    check(RingLayout.cqeUserdata(good.bytes, cqe) == runs, "another's completion");
    check(RingLayout.cqeResult(good.bytes, cqe) == 1000, "another's result");
    RingLayout.index(good.bytes, RingLayout.CQE_TAIL_AT, goodSlots);
    check(secret.bytes.mismatch(expected) < 0, "another's memory is touched");
  }

  private static void check(boolean good, String what) {
    if (!good) {
      throw new AssertionError(what);
    }
  }

  private static int next(ByteBuffer in) {
    return in.hasRemaining() ? in.get() & 0xff : 0;
  }

  private static int nextInt(ByteBuffer in) {
    return next(in) << 24 | next(in) << 16 | next(in) << 8 | next(in);
  }

  private static long nextLong(ByteBuffer in) {
    return (long) nextInt(in) << 32 | (nextInt(in) & 0xffff_ffffL);
  }
}
