package io.lampyris.bench.verbs;

import io.lampyris.bindings.Epoll;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.verbs.CompletionQueue;
import io.lampyris.bindings.verbs.MemoryRegion;
import io.lampyris.bindings.verbs.MemoryWindow;
import io.lampyris.bindings.verbs.QueuePair;
import io.lampyris.bindings.verbs.QueuePairAddress;
import io.lampyris.bindings.verbs.VerbsDevice;
import io.lampyris.bindings.verbs.WcStatus;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;

/** One end of a connection for one transfer. Owner: one thread. */
final class End implements AutoCloseable {
  private static final int PSN = 1;
  private static final int RETRIES = 7;

  /** 1 s: an emulated device takes long to acknowledge, and sends again for nothing. */
  static final int ACK_TIMEOUT = 18;

  private static final int ENTRIES = 16;
  private static final int INLINE_BYTES = 188;
  private static final int PATIENCE_MS = 30_000;
  private static final long RECEIVED = 1 << 16;

  private final VerbsDevice device;
  private final Transfer transfer;
  private final MemorySegment memory;
  private final MemoryRegion region;
  private final CompletionQueue completions;
  private final QueuePair pair;
  private final MemoryWindow window;
  private final Epoll channel;
  private int sent;
  private int received;
  private int posted;

  End(VerbsDevice device, Transfer transfer) {
    this.device = device;
    this.transfer = transfer;
    memory = NativeMemory.allocateAligned((long) transfer.depth * transfer.bytes);
    region = device.register(memory.address(), memory.byteSize());
    completions = new CompletionQueue(device, 2 * ENTRIES);
    pair = new QueuePair(device, completions, ENTRIES, ENTRIES, INLINE_BYTES);
    window = device.window();
    channel = new Epoll(completions.channelFd());
  }

  /** As words for the other end; it reaches all of the memory by the key, once that is open. */
  String address() {
    QueuePairAddress at = device.address(pair.number(), PSN);
    return "%d %d %d %d %d %d %d %d %d"
        .formatted(
            at.qpNumber(),
            at.firstPsn(),
            at.lid(),
            at.gidHigh(),
            at.gidLow(),
            at.mtu(),
            at.readsMax(),
            memory.address(),
            window.remoteKey());
  }

  private static long[] words(String address) {
    return Arrays.stream(address.split(" ")).mapToLong(Long::parseLong).toArray();
  }

  void connect(String address) {
    long[] of = words(address);
    QueuePairAddress peer =
        new QueuePairAddress(
            (int) of[0], (int) of[1], (int) of[2], of[3], of[4], (int) of[5], (int) of[6]);
    pair.connect(peer, PSN, ACK_TIMEOUT, RETRIES);
    if (transfer.isLatency()) {
      receive();
    }
  }

  /** Lets the other end reach the memory. */
  void open() {
    boolean writable = transfer.opcode() == QueuePair.WRITE;
    pair.beginBind(0, 0, window, region, memory.address(), (int) memory.byteSize(), writable);
    pair.signal(0);
    check(pair.post(0));
    sent = 1;
    await(1, 0);
  }

  private void receive() {
    int entry = posted++ % ENTRIES;
    pair.receive(entry, RECEIVED, memory.address(), transfer.bytes, region.localKey);
    check(pair.postReceives(entry));
  }

  private void post(long remoteAddress, int remoteKey) {
    int entry = sent++ % ENTRIES;
    boolean inline = transfer.opcode() != QueuePair.READ && transfer.bytes <= INLINE_BYTES;
    int flags = QueuePair.SIGNALED | (inline ? QueuePair.INLINE : 0);
    pair.begin(entry, 0, transfer.opcode(), flags);
    long at = (long) (sent % transfer.depth) * transfer.bytes;
    pair.local(entry, memory.address() + at, transfer.bytes, region.localKey);
    if (transfer.opcode() != QueuePair.SEND) {
      pair.remote(entry, remoteAddress + at, remoteKey);
    }
    check(pair.post(entry));
  }

  /** Takes completions, without waiting for any; returns how many operations have ended. */
  private int poll() {
    int got = completions.poll();
    check(Math.min(0, got));
    int ended = 0;
    for (int i = 0; i < got; i++) {
      int status = completions.status(i);
      if (status != 0) {
        throw new IllegalStateException(transfer + " failed: " + WcStatus.of(status));
      }
      if (completions.id(i) == RECEIVED) {
        received++;
      } else {
        ended++;
      }
    }
    return ended;
  }

  /** Sleeps until so many operations have ended, and so many messages have come in all. */
  private void await(int operations, int messages) {
    int left = operations - poll();
    while (left > 0 || received < messages) {
      check(completions.arm());
      int ended = poll();
      if (ended == 0 && (left > 0 || received < messages)) {
        if (channel.await(PATIENCE_MS) == 0) {
          throw new IllegalStateException(transfer + ": nothing came for 30 s");
        }
        completions.takeNotifications();
      }
      left -= ended;
    }
  }

  /** Sends as many as are under way at once, and another for each that ends; MiB/s. */
  double bandwidth(String address) {
    long[] of = words(address);
    long startNs = System.nanoTime();
    int begun = 0;
    int ended = 0;
    while (ended < transfer.operations) {
      while (begun < transfer.operations && begun - ended < transfer.depth) {
        post(of[7], (int) of[8]);
        begun++;
      }
      ended += poll();
      if (System.nanoTime() - startNs > TimeUnit.SECONDS.toNanos(120)) {
        throw new IllegalStateException(transfer + ": not over after 120 s, " + ended + " are");
      }
    }
    double seconds = (System.nanoTime() - startNs) / 1e9;
    return (double) transfer.operations * transfer.bytes / (1 << 20) / seconds;
  }

  /** Messages there and back; half of the median, in µs. */
  double latency() {
    long[] samplesNs = new long[transfer.operations];
    for (int i = 0; i < samplesNs.length; i++) {
      long beganNs = System.nanoTime();
      post(0, 0);
      await(1, i + 1);
      samplesNs[i] = System.nanoTime() - beganNs;
      receive();
    }
    Arrays.sort(samplesNs);
    return samplesNs[samplesNs.length / 2] / 2e3;
  }

  /** Answers each message with one. */
  void answer() {
    for (int i = 0; i < transfer.operations; i++) {
      await(i == 0 ? 0 : 1, i + 1);
      receive();
      post(0, 0);
    }
    await(1, transfer.operations);
  }

  /** Whether the other end has written, or we have read, what {@link #mark} put there. */
  boolean isMarked() {
    return memory.get(ValueLayout.JAVA_BYTE, memory.byteSize() - 1) == 0x5a;
  }

  void mark() {
    memory.fill((byte) 0x5a);
  }

  private static void check(int result) {
    if (result < 0) {
      throw new IllegalStateException("an operation was refused: " + result);
    }
  }

  @Override
  public void close() {
    pair.toError();
    channel.close();
    window.close();
    pair.close();
    completions.close();
    region.close();
    NativeMemory.unmap(memory);
  }
}
