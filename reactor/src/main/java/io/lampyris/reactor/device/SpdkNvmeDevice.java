package io.lampyris.reactor.device;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.ShrinkableMemory;
import io.lampyris.bindings.spdk.NvmeNamespace;
import io.lampyris.bindings.spdk.NvmeQueue;
import io.lampyris.bindings.spdk.NvmeStatus;
import io.lampyris.bindings.spdk.SpdkException;
import io.lampyris.reactor.Buffer;
import io.lampyris.reactor.Poller;
import io.lampyris.reactor.Reactor;
import java.util.ArrayDeque;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * An NVMe namespace behind a queue pair that one reactor polls. Owner: reactor.
 *
 * <p>Requests whose memory is the reactor's own pool go to the device as they are; others go
 * through a buffer of the pool, in pieces when they are larger than the largest. While nothing is
 * in flight nothing is polled, and the reactor may block.
 *
 * <p>A request that gets no answer is aborted, and if that does not help the controller is reset;
 * what a reset aborts is sent again. Once the controller has failed, or was pulled, every request
 * is answered with an error.
 */
public final class SpdkNvmeDevice implements Device, Poller {
  private static final int SLOTS = 256;

  /** Bounds a turn of the reactor; all that a queue can have completed. */
  private static final int COMPLETIONS_MAX = SLOTS;

  /** How often a request is sent at most, resets and aborts included. */
  private static final int TRIES_MAX = 4;

  private final Reactor reactor;
  private final SpdkController controller;
  private final NvmeNamespace namespace;
  private final NvmeQueue queue;
  private final String name;
  private final int alignmentBytes;
  private final long arenaFrom;
  private final long arenaTo;

  private final @Nullable IoRequest[] slots = new IoRequest[SLOTS];
  private final @Nullable Buffer[] bounces = new Buffer[SLOTS];
  private final int[] pieceBytes = new int[SLOTS];
  private final long[] sentNs = new long[SLOTS];
  private final byte[] tries = new byte[SLOTS];
  private final boolean[] aborting = new boolean[SLOTS];
  private final int[] freeSlots = new int[SLOTS];
  private int freeCount;

  /** Slots whose requests a reset has aborted, to be sent again. */
  private final int[] again = new int[SLOTS];

  private int againCount;

  private final RequestQueue waiting = new RequestQueue();

  /** Requests that need no device, or get none any more; told of in the next turn (I1). */
  private final ArrayDeque<IoRequest> settled = new ArrayDeque<>();

  private int inFlight;
  private long generation;
  private boolean stopped;
  private boolean failed;
  private boolean works = true;
  private long reconnectUntilNs;
  private long lookAtNs;

  private long bouncedBytes;
  private long resent;
  private long timeouts;

  private SpdkNvmeDevice(
      Reactor reactor, SpdkController controller, NvmeNamespace namespace, NvmeQueue queue) {
    this.reactor = reactor;
    this.controller = controller;
    this.namespace = namespace;
    this.queue = queue;
    name = "%s ns:%d".formatted(controller.nvme().transportId(), namespace.id());
    alignmentBytes = namespace.sectorBytes();
    arenaFrom = reactor.arena().address();
    arenaTo = arenaFrom + reactor.arena().byteSize();
    generation = controller.generation();
    for (int slot = SLOTS - 1; slot >= 0; slot--) {
      freeSlots[freeCount++] = slot;
    }
  }

  /**
   * Opens a namespace for a reactor whose buffers are {@link SpdkController#memory}. Any thread.
   *
   * @param acceptsForeign whether what is there may be overwritten, whatever it is; else only zeros
   *     and our own targets are accepted
   * @throws SpdkException when it carries something else, or there is no such namespace or no queue
   */
  public static SpdkNvmeDevice open(
      Reactor reactor, SpdkController controller, int namespaceId, boolean acceptsForeign)
      throws SpdkException {
    NvmeNamespace namespace = controller.namespace(namespaceId);
    String content = acceptsForeign ? "" : controller.contentOf(namespaceId).orElse("");
    if (!content.isEmpty() && !content.equals(Signatures.TARGET)) {
      throw new SpdkException(
          "namespace %d of %s carries something else; observed=%s, limit=zeros or %s; remedy: if nobody needs it, nvme format it, or say that it may be overwritten"
              .formatted(namespaceId, controller, content, Signatures.TARGET));
    }
    SpdkNvmeDevice device =
        new SpdkNvmeDevice(
            reactor, controller, namespace, NvmeQueue.open(controller.nvme(), namespace, SLOTS));
    controller.add(device);
    reactor.addPoller(device);
    return device;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public long sizeBytes() {
    return namespace.sizeBytes();
  }

  @Override
  public int alignmentBytes() {
    return alignmentBytes;
  }

  @Override
  public boolean wantsDiscards() {
    return namespace.deallocates();
  }

  @Override
  public int inFlight() {
    return inFlight;
  }

  /** How much went through buffers, because its memory is not the pool's. */
  public long bouncedBytes() {
    return bouncedBytes;
  }

  /** How often a request was sent again. */
  public long resent() {
    return resent;
  }

  /** How many requests got no answer in time. */
  public long timeouts() {
    return timeouts;
  }

  /** How many native calls all requests took so far. */
  public long nativeCalls() {
    return queue.cycles();
  }

  // ---- requests ----

  @Override
  public void submit(IoRequest request) {
    assert reactor.inReactor() : "owner: reactor";
    assert !request.isInFlight() : "a request is submitted once at a time";
    assert request.fits(alignmentBytes, sizeBytes()) : request.misfit(alignmentBytes, sizeBytes());
    request.doneBytes = 0;
    request.errno = 0;
    inFlight++;
    if (failed) {
      settle(request, Errno.ENODEV);
    } else if (!waiting.isEmpty() || !start(request)) {
      waiting.add(request);
    }
  }

  /** It has its answer, and gets it in the next turn. */
  private void settle(IoRequest request, int errno) {
    request.errno = errno;
    request.waiting = true;
    settled.add(request);
  }

  private boolean start(IoRequest request) {
    if (freeCount == 0 || stopped) {
      return false;
    }
    if (!request.isTransfer() && !isNeeded(request)) {
      settle(request, 0);
      return true;
    }
    int slot = freeSlots[freeCount - 1];
    if (request.isTransfer() && !prepare(request, slot)) {
      return false;
    }
    if (request.errno != 0) {
      settle(request, request.errno);
      return true;
    }
    freeCount--;
    request.slot = slot;
    slots[slot] = request;
    tries[slot] = 1;
    aborting[slot] = false;
    sentNs[slot] = reactor.nowNs();
    switch (request.kind) {
      case READ, WRITE, WRITE_FUA -> sendPiece(request, slot);
      case FLUSH -> queue.flush(slot);
      case DISCARD -> {
        // Of more than 2^32 blocks the rest keeps its bytes, as a device is free to do.
        long given = queue.deallocate(slot, request.deviceOffset, request.discardBytes);
        assert given > 0 : "a sector at least";
      }
    }
    return true;
  }

  /** Whether the device has anything to do for it. */
  private boolean isNeeded(IoRequest request) {
    return request.kind == IoRequest.Kind.FLUSH
        ? namespace.flushes()
        : namespace.deallocates() && request.discardBytes >= alignmentBytes;
  }

  private boolean reaches(long address, int lengthBytes) {
    return address >= arenaFrom && address + lengthBytes <= arenaTo;
  }

  /** Finds memory for what is left; false when there is none now. */
  private boolean prepare(IoRequest request, int slot) {
    int left = request.lengthBytes - request.doneBytes;
    long address = request.buffer.address() + request.bufferOffset + request.doneBytes;
    if (reaches(address, left)) {
      pieceBytes[slot] = left;
      return true;
    }
    Buffer bounce = reactor.buffers().acquire(Math.min(left, reactor.buffers().sizeMaxBytes()));
    if (bounce == null) {
      return false;
    }
    int piece = (int) Math.min(left, bounce.segment().byteSize());
    if (request.kind != IoRequest.Kind.READ
        && !ShrinkableMemory.copy(
            request.buffer, request.bufferOffset + request.doneBytes, bounce.segment(), 0, piece)) {
      bounce.release();
      request.errno = Errno.EFAULT;
      return true;
    }
    bouncedBytes += piece;
    bounces[slot] = bounce;
    pieceBytes[slot] = piece;
    return true;
  }

  private void sendPiece(IoRequest request, int slot) {
    Buffer bounce = bounces[slot];
    long address =
        bounce == null
            ? request.buffer.address() + request.bufferOffset + request.doneBytes
            : bounce.segment().address();
    queue.transfer(
        slot,
        request.kind != IoRequest.Kind.READ,
        address,
        request.deviceOffset + request.doneBytes,
        pieceBytes[slot],
        request.kind == IoRequest.Kind.WRITE_FUA);
  }

  private void startWaiting() {
    for (IoRequest next = waiting.peek(); next != null && start(next); next = waiting.peek()) {
      waiting.remove();
      // A settled one waits still, in another queue.
      next.waiting = next.slot < 0;
    }
  }

  // ---- a turn ----

  @Override
  public int poll(long nowNs) {
    int work = tellSettled();
    if (failed || controller.phase() != SpdkController.Phase.RUNNING) {
      return work + onTrouble();
    }
    if (generation != controller.generation()) {
      return work + reconnect(nowNs);
    }
    if (busySlots() > 0) {
      cycle();
      work += takeCompletions();
      if (nowNs >= lookAtNs) {
        lookAtNs = nowNs + controller.patience().requestNs() / 4;
        abortLate(nowNs);
      }
    }
    startWaiting();
    // At once: what completions have led to need not wait for the rest of the turn.
    submit();
    return work;
  }

  private void cycle() {
    if (queue.cycle(COMPLETIONS_MAX) < 0) {
      controller.wantReset("a queue pair of it is lost", generation);
    }
  }

  /** What the turn has begun need not wait for the next; what is done by now is told then. */
  @Override
  public void submit() {
    if (queue.hasPending() && !stopped) {
      cycle();
    }
  }

  private int busySlots() {
    return SLOTS - freeCount;
  }

  private int tellSettled() {
    int told = settled.size();
    for (int left = told; left > 0; left--) {
      IoRequest request = settled.remove();
      request.waiting = false;
      inFlight--;
      request.onComplete(request.errno == 0 ? 0 : IoRequest.status(request.errno));
    }
    return told;
  }

  private int takeCompletions() {
    int taken = 0;
    for (int slot = queue.nextCompleted(); slot >= 0; slot = queue.nextCompleted()) {
      taken++;
      onCompletion(slot);
    }
    return taken;
  }

  private void onCompletion(int slot) {
    IoRequest request = slots[slot];
    assert request != null && request.slot == slot : "completion of an empty slot " + slot;
    int status = queue.status(slot);
    boolean lost = NvmeStatus.isAborted(status) || queue.error(slot) == -Errno.ENXIO;
    if (lost && tries[slot] < TRIES_MAX) {
      again[againCount++] = slot;
      if (!stopped && generation == controller.generation()) {
        sendAgain();
      }
      return;
    }
    int errno = queue.error(slot) != 0 ? -queue.error(slot) : NvmeStatus.errno(status);
    if (errno == 0 && !works) {
      works = true;
      controller.works();
    }
    if (errno == 0 && request.isTransfer()) {
      errno = endOfPiece(request, slot);
    }
    if (errno == 0 && request.isTransfer() && request.doneBytes < request.lengthBytes) {
      free(slot);
      if (!waiting.isEmpty() || !start(request)) {
        waiting.add(request);
      }
      return;
    }
    free(slot);
    answer(request, errno);
  }

  private int endOfPiece(IoRequest request, int slot) {
    Buffer bounce = bounces[slot];
    boolean there =
        bounce == null
            || request.kind != IoRequest.Kind.READ
            || ShrinkableMemory.copy(
                bounce.segment(),
                0,
                request.buffer,
                request.bufferOffset + request.doneBytes,
                pieceBytes[slot]);
    request.doneBytes += pieceBytes[slot];
    return there ? 0 : Errno.EFAULT;
  }

  private void free(int slot) {
    IoRequest request = slots[slot];
    assert request != null : "freed once";
    slots[slot] = null;
    request.slot = -1;
    Buffer bounce = bounces[slot];
    if (bounce != null) {
      bounces[slot] = null;
      bounce.release();
    }
    freeSlots[freeCount++] = slot;
  }

  private void answer(IoRequest request, int errno) {
    request.errno = errno;
    inFlight--;
    request.onComplete(
        errno != 0 ? IoRequest.status(errno) : request.isTransfer() ? request.lengthBytes : 0);
  }

  private void sendAgain() {
    while (againCount > 0) {
      int slot = again[--againCount];
      tries[slot]++;
      aborting[slot] = false;
      sentNs[slot] = reactor.nowNs();
      resent++;
      queue.again(slot);
    }
  }

  // ---- trouble ----

  private void abortLate(long nowNs) {
    long patienceNs = controller.patience().requestNs();
    for (int slot = 0; slot < SLOTS; slot++) {
      if (slots[slot] == null || nowNs - sentNs[slot] < patienceNs) {
        continue;
      }
      if (aborting[slot]) {
        controller.wantReset("a request was neither done nor aborted in time", generation);
        return;
      }
      timeouts++;
      aborting[slot] = true;
      sentNs[slot] = nowNs;
      if (queue.abort(slot) < 0) {
        controller.wantReset("a request was not done in time, and cannot be aborted", generation);
        return;
      }
    }
  }

  private int onTrouble() {
    if (controller.phase() == SpdkController.Phase.FAILED) {
      return failAll();
    }
    if (!stopped) {
      stopped = true;
      works = false;
      reconnectUntilNs = 0;
      controller.stopped(this);
    }
    return 0;
  }

  /** The controller was reset, and what it had lies among the completions. */
  private int reconnect(long nowNs) {
    int work = takeCompletions();
    if (reconnectUntilNs == 0) {
      reconnectUntilNs = nowNs + controller.patience().resetNs();
    }
    if (!connects()) {
      if (nowNs > reconnectUntilNs) {
        controller.failed("a queue pair of it does not come back");
      }
      return work;
    }
    Arrays.fill(sentNs, nowNs);
    generation = controller.generation();
    reconnectUntilNs = 0;
    stopped = false;
    sendAgain();
    startWaiting();
    return work + 1;
  }

  private boolean connects() {
    try {
      return queue.connect();
    } catch (SpdkException e) {
      throw new IllegalStateException(e); // its options were right before
    }
  }

  /** Nothing is sent any more: whoever waits is told. */
  private int failAll() {
    int told = inFlight - settled.size();
    failed = true;
    stopped = true;
    againCount = 0;
    for (int slot = 0; slot < SLOTS; slot++) {
      IoRequest request = slots[slot];
      if (request != null) {
        free(slot);
        settle(request, Errno.ENODEV);
      }
    }
    while (!waiting.isEmpty()) {
      settle(waiting.remove(), Errno.ENODEV);
    }
    return told;
  }

  /** In the middle of a reset, after {@link SpdkController#stopped}. The controller's thread. */
  void disconnect() {
    queue.disconnect();
  }

  /** The controller's thread has something to say. Any thread. */
  void wake() {
    reactor.wake();
  }

  @Override
  public boolean mayBlock() {
    if (failed) {
      return isQuiet();
    }
    boolean hasTurn =
        switch (controller.phase()) {
          case RUNNING -> generation != controller.generation();
          case QUIESCING -> !stopped;
          case FAILED -> true;
        };
    return isQuiet() && !hasTurn;
  }

  @Override
  public boolean isQuiet() {
    return inFlight == 0;
  }

  /** Frees the queue pair; nothing may be in flight. Owner: reactor; or any thread after it. */
  @Override
  public void close() {
    assert inFlight == 0 : "closed with requests in flight: " + inFlight;
    reactor.removePoller(this);
    controller.remove(this);
    queue.close();
  }
}
