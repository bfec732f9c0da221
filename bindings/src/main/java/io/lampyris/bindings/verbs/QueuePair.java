package io.lampyris.bindings.verbs;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.lampyris.bindings.Native;
import io.lampyris.bindings.NativeException;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.verbs.abi.VerbsAbi;
import io.lampyris.bindings.verbs.abi.ibv_ah_attr;
import io.lampyris.bindings.verbs.abi.ibv_gid;
import io.lampyris.bindings.verbs.abi.ibv_global_route;
import io.lampyris.bindings.verbs.abi.ibv_mw_bind_info;
import io.lampyris.bindings.verbs.abi.ibv_qp;
import io.lampyris.bindings.verbs.abi.ibv_qp_attr;
import io.lampyris.bindings.verbs.abi.ibv_qp_cap;
import io.lampyris.bindings.verbs.abi.ibv_qp_init_attr;
import io.lampyris.bindings.verbs.abi.ibv_recv_wr;
import io.lampyris.bindings.verbs.abi.ibv_send_wr;
import io.lampyris.bindings.verbs.abi.ibv_sge;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.ByteOrder;

/**
 * A reliable connection (RC), with memory for its operations: {@code sends} of them in one
 * direction, {@code receives} in the other, each with one piece of local memory. The caller fills
 * entry after entry, links those that go together, and posts the first.
 */
public final class QueuePair implements AutoCloseable {
  /** What an operation is. */
  public static final int SEND = VerbsAbi.IBV_WR_SEND();

  /** A message that takes back a key of the receiver's. */
  public static final int SEND_AND_INVALIDATE = VerbsAbi.IBV_WR_SEND_WITH_INV();

  public static final int READ = VerbsAbi.IBV_WR_RDMA_READ();
  public static final int WRITE = VerbsAbi.IBV_WR_RDMA_WRITE();
  private static final int BIND = VerbsAbi.IBV_WR_BIND_MW();
  private static final int INVALIDATE = VerbsAbi.IBV_WR_LOCAL_INV();

  /** Tells of its completion. */
  public static final int SIGNALED = VerbsAbi.IBV_SEND_SIGNALED();

  /** Its bytes are taken when it is posted; at most {@link #inlineMaxBytes}. */
  public static final int INLINE = VerbsAbi.IBV_SEND_INLINE();

  /** Begins once all READs before it have their bytes. */
  public static final int FENCE = VerbsAbi.IBV_SEND_FENCE();

  private static final MethodHandle POST =
      Linker.nativeLinker()
          .downcallHandle(FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG));

  private static final long SEND_BYTES = ibv_send_wr.sizeof();
  private static final long RECV_BYTES = ibv_recv_wr.sizeof();
  private static final long SGE_BYTES = ibv_sge.sizeof();

  private static final long ID = ibv_send_wr.wr_id$offset();
  private static final long NEXT = ibv_send_wr.next$offset();
  private static final long SGES = ibv_send_wr.sg_list$offset();
  private static final long SGE_COUNT = ibv_send_wr.num_sge$offset();
  private static final long OPCODE = ibv_send_wr.opcode$offset();
  private static final long FLAGS = ibv_send_wr.send_flags$offset();
  private static final long INVALIDATED = ibv_send_wr.invalidate_rkey$offset();
  private static final long REMOTE_ADDRESS =
      ibv_send_wr.wr$offset()
          + ibv_send_wr.wr.rdma$offset()
          + ibv_send_wr.wr.rdma.remote_addr$offset();
  private static final long REMOTE_KEY =
      ibv_send_wr.wr$offset() + ibv_send_wr.wr.rdma$offset() + ibv_send_wr.wr.rdma.rkey$offset();
  private static final long BIND_AT = ibv_send_wr.bind_mw$offset();
  private static final long BIND_WINDOW = BIND_AT + ibv_send_wr.bind_mw.mw$offset();
  private static final long BIND_KEY = BIND_AT + ibv_send_wr.bind_mw.rkey$offset();
  private static final long BIND_INFO = BIND_AT + ibv_send_wr.bind_mw.bind_info$offset();
  private static final long BIND_REGION = BIND_INFO + ibv_mw_bind_info.mr$offset();
  private static final long BIND_ADDRESS = BIND_INFO + ibv_mw_bind_info.addr$offset();
  private static final long BIND_LENGTH = BIND_INFO + ibv_mw_bind_info.length$offset();
  private static final long BIND_ACCESS = BIND_INFO + ibv_mw_bind_info.mw_access_flags$offset();
  private static final long SGE_ADDRESS = ibv_sge.addr$offset();
  private static final long SGE_LENGTH = ibv_sge.length$offset();
  private static final long SGE_KEY = ibv_sge.lkey$offset();

  private final VerbsDevice device;
  private final MemorySegment struct;
  private final long address;
  private final int sends;
  private final int receives;
  private final int inlineMaxBytes;
  private final MemorySegment memory;
  private final long sendsAt;
  private final long sendSgesAt;
  private final long receivesAt;
  private final long receiveSgesAt;
  private final long badAt;

  /** Makes one in state INIT: receives may be posted, and nothing is taken yet. */
  public QueuePair(
      VerbsDevice device, CompletionQueue completions, int sends, int receives, int inlineBytes) {
    this.device = device;
    this.sends = sends;
    this.receives = receives;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment attributes = arena.allocate(ibv_qp_init_attr.layout());
      struct = create(attributes, completions, inlineBytes);
      inlineMaxBytes = ibv_qp_cap.max_inline_data(ibv_qp_init_attr.cap(attributes));
    }
    address = struct.address();
    sendsAt = 0;
    sendSgesAt = sendsAt + sends * SEND_BYTES;
    receivesAt = sendSgesAt + sends * SGE_BYTES;
    receiveSgesAt = receivesAt + receives * RECV_BYTES;
    badAt = receiveSgesAt + receives * SGE_BYTES;
    memory = NativeMemory.allocateAligned(badAt + Long.BYTES);
    boolean whole = false;
    try {
      selfTest(completions);
      toInit();
      whole = true;
    } finally {
      if (!whole) {
        close();
      }
    }
  }

  private MemorySegment create(
      MemorySegment attributes, CompletionQueue completions, int inlineBytes) {
    ibv_qp_init_attr.send_cq(attributes, completions.struct);
    ibv_qp_init_attr.recv_cq(attributes, completions.struct);
    ibv_qp_init_attr.qp_type(attributes, VerbsAbi.IBV_QPT_RC());
    ibv_qp_init_attr.sq_sig_all(attributes, 0);
    MemorySegment capacity = ibv_qp_init_attr.cap(attributes);
    ibv_qp_cap.max_send_wr(capacity, sends);
    ibv_qp_cap.max_recv_wr(capacity, receives);
    ibv_qp_cap.max_send_sge(capacity, 1);
    ibv_qp_cap.max_recv_sge(capacity, 1);
    ibv_qp_cap.max_inline_data(capacity, inlineBytes);
    MemorySegment state = Native.errnoState();
    try {
      MemorySegment made =
          VerbsLibrary.struct(
              (MemorySegment)
                  device.library().createQp.invokeExact(state, device.domain, attributes),
              ibv_qp.layout());
      if (made == null) {
        throw new NativeException(
            "ibv_create_qp",
            "%s, %d sends, %d receives, %d inline"
                .formatted(device.name, sends, receives, inlineBytes),
            Native.errno(state),
            "fewer connections or operations, or a higher limit of locked memory");
      }
      return made;
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** I2 of the package. */
  private void selfTest(CompletionQueue completions) {
    VerbsDevice.same("ibv_qp.context", ibv_qp.context(struct), device.context);
    VerbsDevice.same("ibv_qp.pd", ibv_qp.pd(struct), device.domain);
    VerbsDevice.same("ibv_qp.send_cq", ibv_qp.send_cq(struct), completions.struct);
    VerbsDevice.same("ibv_qp.recv_cq", ibv_qp.recv_cq(struct), completions.struct);
    boolean plausible =
        ibv_qp.state(struct) == VerbsAbi.IBV_QPS_RESET()
            && ibv_qp.qp_type(struct) == VerbsAbi.IBV_QPT_RC()
            && ibv_qp.qp_num(struct) >>> 24 == 0;
    if (!plausible) {
      VerbsDevice.same("ibv_qp.state", struct, MemorySegment.NULL);
    }
  }

  /** What a peer names it by. */
  public int number() {
    return ibv_qp.qp_num(struct);
  }

  public int inlineMaxBytes() {
    return inlineMaxBytes;
  }

  // ---------------------------------------------------------------- life

  private void toInit() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment to = arena.allocate(ibv_qp_attr.layout());
      ibv_qp_attr.qp_state(to, VerbsAbi.IBV_QPS_INIT());
      ibv_qp_attr.pkey_index(to, (short) 0);
      ibv_qp_attr.port_num(to, (byte) device.port);
      // What peers reach is up to the windows; the device wants it allowed here as well.
      ibv_qp_attr.qp_access_flags(
          to, VerbsAbi.IBV_ACCESS_REMOTE_READ() | VerbsAbi.IBV_ACCESS_REMOTE_WRITE());
      modify(
          to,
          VerbsAbi.IBV_QP_STATE()
              | VerbsAbi.IBV_QP_PKEY_INDEX()
              | VerbsAbi.IBV_QP_PORT()
              | VerbsAbi.IBV_QP_ACCESS_FLAGS());
    }
  }

  /**
   * Connects to the peer: it takes messages, then sends too.
   *
   * @param firstPsn what the peer was told
   * @param ackTimeoutExponent 4.096 µs · 2^n until what is not acknowledged is sent again
   * @param retries how often
   */
  public void connect(QueuePairAddress peer, int firstPsn, int ackTimeoutExponent, int retries) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment to = arena.allocate(ibv_qp_attr.layout());
      ibv_qp_attr.qp_state(to, VerbsAbi.IBV_QPS_RTR());
      ibv_qp_attr.path_mtu(to, Math.min(device.mtu(), peer.mtu()));
      ibv_qp_attr.dest_qp_num(to, peer.qpNumber());
      ibv_qp_attr.rq_psn(to, peer.firstPsn());
      ibv_qp_attr.max_dest_rd_atomic(to, (byte) device.readsInMax());
      ibv_qp_attr.min_rnr_timer(to, (byte) 12); // 0.64 ms
      route(ibv_qp_attr.ah_attr(to), peer);
      modify(
          to,
          VerbsAbi.IBV_QP_STATE()
              | VerbsAbi.IBV_QP_AV()
              | VerbsAbi.IBV_QP_PATH_MTU()
              | VerbsAbi.IBV_QP_DEST_QPN()
              | VerbsAbi.IBV_QP_RQ_PSN()
              | VerbsAbi.IBV_QP_MAX_DEST_RD_ATOMIC()
              | VerbsAbi.IBV_QP_MIN_RNR_TIMER());
      to.fill((byte) 0);
      ibv_qp_attr.qp_state(to, VerbsAbi.IBV_QPS_RTS());
      ibv_qp_attr.sq_psn(to, firstPsn);
      ibv_qp_attr.timeout(to, (byte) ackTimeoutExponent);
      ibv_qp_attr.retry_cnt(to, (byte) retries);
      ibv_qp_attr.rnr_retry(to, (byte) retries);
      ibv_qp_attr.max_rd_atomic(to, (byte) Math.min(device.readsOutMax(), peer.readsMax()));
      modify(
          to,
          VerbsAbi.IBV_QP_STATE()
              | VerbsAbi.IBV_QP_SQ_PSN()
              | VerbsAbi.IBV_QP_TIMEOUT()
              | VerbsAbi.IBV_QP_RETRY_CNT()
              | VerbsAbi.IBV_QP_RNR_RETRY()
              | VerbsAbi.IBV_QP_MAX_QP_RD_ATOMIC());
    }
  }

  private void route(MemorySegment path, QueuePairAddress peer) {
    ibv_ah_attr.port_num(path, (byte) device.port);
    ibv_ah_attr.dlid(path, (short) peer.lid());
    if (!device.isInfiniband || peer.lid() == 0) {
      ibv_ah_attr.is_global(path, (byte) 1);
      MemorySegment global = ibv_ah_attr.grh(path);
      MemorySegment raw = ibv_gid.raw(ibv_global_route.dgid(global));
      raw.set(JAVA_LONG.withOrder(ByteOrder.BIG_ENDIAN), 0, peer.gidHigh());
      raw.set(JAVA_LONG.withOrder(ByteOrder.BIG_ENDIAN), 8, peer.gidLow());
      ibv_global_route.sgid_index(global, (byte) device.gidIndex());
      ibv_global_route.hop_limit(global, (byte) 64);
    }
  }

  /** Ends it: what is outstanding completes, in error, and peers reach nothing by it any more. */
  public void toError() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment to = arena.allocate(ibv_qp_attr.layout());
      ibv_qp_attr.qp_state(to, VerbsAbi.IBV_QPS_ERR());
      modify(to, VerbsAbi.IBV_QP_STATE());
    }
  }

  private void modify(MemorySegment attributes, int mask) {
    MemorySegment state = Native.errnoState();
    try {
      int error = (int) device.library().modifyQp.invokeExact(state, struct, attributes, mask);
      if (error != 0) {
        throw new NativeException(
            "ibv_modify_qp",
            "%s, to state %d".formatted(device.name, ibv_qp_attr.qp_state(attributes)),
            error,
            "see that both ends' addresses reach each other and MTUs agree");
      }
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  // ---------------------------------------------------------------- operations

  /** Begins to fill an entry: no local memory, nothing linked. */
  public void begin(int entry, long id, int opcode, int flags) {
    long at = sendsAt + entry * SEND_BYTES;
    memory.set(JAVA_LONG, at + ID, id);
    memory.set(JAVA_LONG, at + NEXT, 0);
    memory.set(JAVA_LONG, at + SGES, 0);
    memory.set(JAVA_INT, at + SGE_COUNT, 0);
    memory.set(JAVA_INT, at + OPCODE, opcode);
    memory.set(JAVA_INT, at + FLAGS, flags);
  }

  /** The entry's local memory. */
  public void local(int entry, long memoryAddress, int lengthBytes, int localKey) {
    long at = sendsAt + entry * SEND_BYTES;
    long sgeAt = sendSgesAt + entry * SGE_BYTES;
    setSge(sgeAt, memoryAddress, lengthBytes, localKey);
    memory.set(JAVA_LONG, at + SGES, memory.address() + sgeAt);
    memory.set(JAVA_INT, at + SGE_COUNT, 1);
  }

  private void setSge(long at, long memoryAddress, int lengthBytes, int localKey) {
    memory.set(JAVA_LONG, at + SGE_ADDRESS, memoryAddress);
    memory.set(JAVA_INT, at + SGE_LENGTH, lengthBytes);
    memory.set(JAVA_INT, at + SGE_KEY, localKey);
  }

  /** The peer's memory, of a READ or WRITE. */
  public void remote(int entry, long remoteAddress, int remoteKey) {
    long at = sendsAt + entry * SEND_BYTES;
    memory.set(JAVA_LONG, at + REMOTE_ADDRESS, remoteAddress);
    memory.set(JAVA_INT, at + REMOTE_KEY, remoteKey);
  }

  /** The key that a {@link #SEND_AND_INVALIDATE} takes back. */
  public void takesBack(int entry, int remoteKey) {
    memory.set(JAVA_INT, sendsAt + entry * SEND_BYTES + INVALIDATED, remoteKey);
  }

  /** An entry that takes back a key of our own. */
  public void beginInvalidate(int entry, long id, int flags, MemoryWindow window) {
    begin(entry, id, INVALIDATE, flags);
    takesBack(entry, window.remoteKey());
  }

  /**
   * An entry that lets the peer reach a range under the window's next key, from the entries behind
   * it on.
   *
   * @param writable whether the peer may write there, else read
   */
  public void beginBind(
      int entry,
      long id,
      MemoryWindow window,
      MemoryRegion region,
      long memoryAddress,
      int lengthBytes,
      boolean writable) {
    begin(entry, id, BIND, 0);
    long at = sendsAt + entry * SEND_BYTES;
    memory.set(JAVA_LONG, at + BIND_WINDOW, window.struct.address());
    memory.set(JAVA_INT, at + BIND_KEY, window.nextKey());
    memory.set(JAVA_LONG, at + BIND_REGION, region.struct.address());
    memory.set(JAVA_LONG, at + BIND_ADDRESS, memoryAddress);
    memory.set(JAVA_LONG, at + BIND_LENGTH, lengthBytes);
    int access = writable ? VerbsAbi.IBV_ACCESS_REMOTE_WRITE() : VerbsAbi.IBV_ACCESS_REMOTE_READ();
    memory.set(JAVA_INT, at + BIND_ACCESS, access);
  }

  /** What is posted goes on with another entry. */
  public void link(int entry, int next) {
    memory.set(
        JAVA_LONG,
        sendsAt + entry * SEND_BYTES + NEXT,
        memory.address() + sendsAt + next * SEND_BYTES);
  }

  /** Makes an entry that was filled tell of its completion. */
  public void signal(int entry) {
    long at = sendsAt + entry * SEND_BYTES + FLAGS;
    memory.set(JAVA_INT, at, memory.get(JAVA_INT, at) | SIGNALED);
  }

  /**
   * Posts an entry and what is linked to it; 0, or -errno and {@link #refusedEntry} knows where.
   */
  public int post(int first) {
    return post(device.postSend, sendsAt + first * SEND_BYTES);
  }

  /** The first entry that the last failed {@link #post} did not take. */
  public int refusedEntry() {
    return (int) ((memory.get(JAVA_LONG, badAt) - memory.address() - sendsAt) / SEND_BYTES);
  }

  /** Fills a receive; it stays as it is for one post after another. */
  public void receive(int entry, long id, long memoryAddress, int lengthBytes, int localKey) {
    long at = receivesAt + entry * RECV_BYTES;
    long sgeAt = receiveSgesAt + entry * SGE_BYTES;
    setSge(sgeAt, memoryAddress, lengthBytes, localKey);
    memory.set(JAVA_LONG, at + ibv_recv_wr.wr_id$offset(), id);
    memory.set(JAVA_LONG, at + ibv_recv_wr.next$offset(), 0);
    memory.set(JAVA_LONG, at + ibv_recv_wr.sg_list$offset(), memory.address() + sgeAt);
    memory.set(JAVA_INT, at + ibv_recv_wr.num_sge$offset(), 1);
  }

  /** Links a receive to the next; -1 ends the list. */
  public void linkReceive(int entry, int next) {
    long to = next < 0 ? 0 : memory.address() + receivesAt + next * RECV_BYTES;
    memory.set(JAVA_LONG, receivesAt + entry * RECV_BYTES + ibv_recv_wr.next$offset(), to);
  }

  /** Posts a receive and what is linked to it; 0 or -errno. */
  public int postReceives(int first) {
    return post(device.postRecv, receivesAt + first * RECV_BYTES);
  }

  private int post(MemorySegment function, long at) {
    try {
      return -(int)
          POST.invokeExact(function, address, memory.address() + at, memory.address() + badAt);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** From here on the device touches no memory by it; what is outstanding never completes. */
  @Override
  public void close() {
    VerbsDevice.release(device.library().destroyQp, struct);
    NativeMemory.unmap(memory);
  }
}
