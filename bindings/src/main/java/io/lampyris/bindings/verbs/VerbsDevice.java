package io.lampyris.bindings.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.Native;
import io.lampyris.bindings.NativeException;
import io.lampyris.bindings.verbs.abi.VerbsAbi;
import io.lampyris.bindings.verbs.abi.ibv_async_event;
import io.lampyris.bindings.verbs.abi.ibv_context;
import io.lampyris.bindings.verbs.abi.ibv_context_ops;
import io.lampyris.bindings.verbs.abi.ibv_device_attr;
import io.lampyris.bindings.verbs.abi.ibv_gid_entry;
import io.lampyris.bindings.verbs.abi.ibv_mr;
import io.lampyris.bindings.verbs.abi.ibv_mw;
import io.lampyris.bindings.verbs.abi.ibv_pd;
import io.lampyris.bindings.verbs.abi.ibv_port_attr;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One RDMA device with the port and address that are used, and one protection domain for all that
 * is made on it. Its owner closes it last.
 */
public final class VerbsDevice implements AutoCloseable {
  private static final int GID_TABLE_MAX = 1024;
  private static final int SOFT_ROCE_VENDOR = 0xffffff;
  private static final MethodHandle ALLOC_MW =
      Linker.nativeLinker().downcallHandle(FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_INT));
  private static final MethodHandle DEALLOC_MW =
      Linker.nativeLinker().downcallHandle(FunctionDescriptor.of(JAVA_INT, ADDRESS));

  /** What can happen to a device beside its operations. */
  public enum Event {
    /** Nothing is there to be told. */
    NONE,
    /** A queue pair went into error. */
    QUEUE_PAIR_ERROR,
    /** The completion queue is lost. */
    QUEUE_ERROR,
    /** The device is lost, or was removed. */
    DEVICE_LOST,
    PORT_UP,
    PORT_DOWN,
    /** Addresses or keys of the port changed. */
    ADDRESS_CHANGED,
    OTHER
  }

  private record Gid(int index, int type, long high, long low) {
    /** RoCE v2 over IPv4 first; what cannot be used gets -1. */
    int rank() {
      if (high == 0 && low == 0) {
        return -1;
      }
      if (type != VerbsAbi.IBV_GID_TYPE_ROCE_V2()) {
        return type == VerbsAbi.IBV_GID_TYPE_IB() ? 0 : -1;
      }
      boolean mapped = high == 0 && low >>> 32 == 0xffff;
      boolean linkLocal = high >>> 48 == 0xfe80;
      return mapped ? 3 : linkLocal ? 1 : 2;
    }
  }

  private final VerbsLibrary library;
  final MemorySegment context;
  final MemorySegment domain;
  private final MemorySegment scratch;
  private final Arena arena;

  /** The device's name, as in {@code rxe0}. */
  public final String name;

  public final int port;
  public final boolean isInfiniband;

  /**
   * Emulated by the kernel (rdma_rxe). It checks that a peer keeps within a window's region, not
   * within the window (seen with Linux 6.1): for tests, not for peers that are not trusted.
   */
  public final boolean isSoftRoce;

  private final Gid gid;
  private final int lid;
  private final int mtu;
  private final int maxCqe;
  private final int maxQpWr;
  private final int maxReadsOut;
  private final int maxReadsIn;

  /** The functions that operations go through. */
  final MemorySegment pollCq;

  final MemorySegment requestNotify;
  final MemorySegment postSend;
  final MemorySegment postRecv;
  private final MemorySegment allocMw;
  private final MemorySegment deallocMw;

  private VerbsDevice(VerbsLibrary library, VerbsLibrary.Found found, VerbsOptions options)
      throws VerbsUnavailableException {
    this.library = library;
    name = found.name();
    arena = Arena.ofShared();
    MemorySegment opened = null;
    MemorySegment madeDomain = null;
    boolean whole = false;
    try {
      scratch = arena.allocate(Math.max(ibv_device_attr.sizeof(), 512));
      opened = open(found);
      context = opened;
      selfTest(found);
      MemorySegment operations = ibv_context.ops(context);
      pollCq = ibv_context_ops.poll_cq(operations);
      requestNotify = ibv_context_ops.req_notify_cq(operations);
      postSend = ibv_context_ops.post_send(operations);
      postRecv = ibv_context_ops.post_recv(operations);
      allocMw = ibv_context_ops.alloc_mw(operations);
      deallocMw = ibv_context_ops.dealloc_mw(operations);
      call(library.queryDevice, "ibv_query_device", scratch);
      maxCqe = ibv_device_attr.max_cqe(scratch);
      maxQpWr = ibv_device_attr.max_qp_wr(scratch);
      maxReadsOut = Math.min(255, ibv_device_attr.max_qp_init_rd_atom(scratch));
      maxReadsIn = Math.min(255, ibv_device_attr.max_qp_rd_atom(scratch));
      isSoftRoce = ibv_device_attr.vendor_id(scratch) == SOFT_ROCE_VENDOR;
      requireWindows(ibv_device_attr.device_cap_flags(scratch));
      int ports = Byte.toUnsignedInt(ibv_device_attr.phys_port_cnt(scratch));
      port = activePort(ports, options.port());
      isInfiniband = ibv_port_attr.link_layer(scratch) == VerbsAbi.IBV_LINK_LAYER_INFINIBAND();
      lid = Short.toUnsignedInt(ibv_port_attr.lid(scratch));
      mtu = ibv_port_attr.active_mtu(scratch);
      gid = chooseGid(Math.min(GID_TABLE_MAX, ibv_port_attr.gid_tbl_len(scratch)), options);
      madeDomain = make(library.allocPd, "ibv_alloc_pd", ibv_pd.sizeof());
      domain = madeDomain;
      same("ibv_pd.context", ibv_pd.context(domain), context);
      nonBlocking();
      whole = true;
    } finally {
      if (!whole) {
        if (madeDomain != null) {
          release(library.deallocPd, madeDomain);
        }
        if (opened != null) {
          release(library.closeDevice, opened);
        }
        arena.close();
      }
    }
  }

  /** Opens the device that the options name, or the first that can be used. */
  public static VerbsDevice open(VerbsOptions options) throws VerbsUnavailableException {
    return open(VerbsLibrary.load(options.library()), options);
  }

  /** As {@link #open(VerbsOptions)} with a library that is loaded. */
  public static VerbsDevice open(VerbsLibrary library, VerbsOptions options)
      throws VerbsUnavailableException {
    return library.inList(devices -> first(library, devices, options));
  }

  private static VerbsDevice first(
      VerbsLibrary library, List<VerbsLibrary.Found> devices, VerbsOptions options)
      throws VerbsUnavailableException {
    List<String> why = new ArrayList<>();
    for (VerbsLibrary.Found found : devices) {
      if (options.device() == null || options.device().equals(found.name())) {
        try {
          return new VerbsDevice(library, found, options);
        } catch (VerbsUnavailableException e) {
          why.add(found.name() + ": " + e.getMessage());
        } catch (NativeException e) {
          why.add(found.name() + ": " + e.getMessage());
        }
      }
    }
    if (!why.isEmpty()) {
      throw new VerbsUnavailableException(String.join(" | ", why));
    }
    List<String> names = devices.stream().map(VerbsLibrary.Found::name).toList();
    throw new VerbsUnavailableException(
        "no RDMA device%s; observed=%s; remedy: load the NIC's driver, or for tests add a soft-RoCE link: rdma link add rxe0 type rxe netdev DEV"
            .formatted(options.device() == null ? "" : " " + options.device(), names));
  }

  private MemorySegment open(VerbsLibrary.Found found) throws VerbsUnavailableException {
    MemorySegment state = Native.errnoState();
    try {
      MemorySegment made =
          VerbsLibrary.struct(
              (MemorySegment) library.openDevice.invokeExact(state, found.device()),
              ibv_context.layout());
      if (made == null) {
        throw new VerbsUnavailableException(
            "cannot open the device; observed=ibv_open_device: %s; remedy: let this user read and write /dev/infiniband/uverbs*"
                .formatted(Errno.describe(Native.errno(state))));
      }
      return made;
    } catch (VerbsUnavailableException e) {
      throw e;
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** I2: a context of another layout than ours shows here, before anything is called through it. */
  private void selfTest(VerbsLibrary.Found found) throws VerbsUnavailableException {
    MemorySegment operations = ibv_context.ops(context);
    boolean ours =
        ibv_context.device(context).address() == found.device().address()
            && ibv_context.num_comp_vectors(context) > 0
            && Libc.fileSize(ibv_context.async_fd(context)) >= 0
            && Libc.fileSize(ibv_context.cmd_fd(context)) >= 0
            && ibv_context_ops.poll_cq(operations).address() != 0
            && ibv_context_ops.req_notify_cq(operations).address() != 0
            && ibv_context_ops.post_send(operations).address() != 0
            && ibv_context_ops.post_recv(operations).address() != 0;
    if (!ours) {
      throw new VerbsUnavailableException(
          "libibverbs has another layout than is known; observed=a context without its device, descriptors or operations; remedy: rdma-core 31 or newer for x86-64, or report it");
    }
  }

  static void same(String what, MemorySegment observed, MemorySegment given) {
    if (observed.address() != given.address()) {
      throw new IllegalStateException(
          "libibverbs has another layout than is known; observed=%s is not what was given; remedy: rdma-core 31 or newer for x86-64, or report it"
              .formatted(what));
    }
  }

  private void requireWindows(int capabilities) throws VerbsUnavailableException {
    int wanted =
        VerbsAbi.IBV_DEVICE_MEM_WINDOW_TYPE_2A() | VerbsAbi.IBV_DEVICE_MEM_WINDOW_TYPE_2B();
    if ((capabilities & wanted) == 0 || allocMw.address() == 0 || deallocMw.address() == 0) {
      throw new VerbsUnavailableException(
          "the device has no memory windows of type 2, by which a peer reaches only what it was given; observed=capabilities 0x%x; remedy: another device, or TCP"
              .formatted(capabilities));
    }
  }

  private int activePort(int ports, int wanted) throws VerbsUnavailableException {
    for (int number = 1; number <= ports; number++) {
      if (wanted == 0 || wanted == number) {
        queryPort(number);
        if (ibv_port_attr.state(scratch) == VerbsAbi.IBV_PORT_ACTIVE()) {
          return number;
        }
      }
    }
    throw new VerbsUnavailableException(
        "no active port%s; observed=%d ports, none of them up; remedy: ip link set DEV up, or look at the cable and switch"
            .formatted(wanted == 0 ? "" : " " + wanted, ports));
  }

  private void queryPort(int number) {
    MemorySegment state = Native.errnoState();
    scratch.fill((byte) 0);
    try {
      int error = (int) library.queryPort.invokeExact(state, context, (byte) number, scratch);
      if (error != 0) {
        throw new NativeException("ibv_query_port", name + ", " + number, error);
      }
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  private Gid chooseGid(int entries, VerbsOptions options) throws VerbsUnavailableException {
    Gid best = null;
    for (int index = 0; index < entries; index++) {
      Gid found = gid(index);
      boolean wanted = options.gidIndex() < 0 || options.gidIndex() == index;
      if (found != null && wanted && found.rank() > (best == null ? -1 : best.rank())) {
        best = found;
      }
    }
    if (best == null) {
      throw new VerbsUnavailableException(
          "the port has no address that can be used%s; observed=%d entries, none InfiniBand or RoCE v2; remedy: give the interface an IP address, and see `ibv_devinfo -v`"
              .formatted(options.gidIndex() < 0 ? "" : " at index " + options.gidIndex(), entries));
    }
    return best;
  }

  private @Nullable Gid gid(int index) {
    MemorySegment state = Native.errnoState();
    try (Arena short_ = Arena.ofConfined()) {
      MemorySegment entry = short_.allocate(ibv_gid_entry.layout());
      int error =
          (int)
              library.queryGid.invokeExact(
                  state, context, port, index, entry, 0, ibv_gid_entry.sizeof());
      if (error != 0) {
        return null;
      }
      MemorySegment raw = ibv_gid_entry.gid(entry);
      return new Gid(
          index,
          ibv_gid_entry.gid_type(entry),
          raw.get(JAVA_LONG.withOrder(ByteOrder.BIG_ENDIAN), 0),
          raw.get(JAVA_LONG.withOrder(ByteOrder.BIG_ENDIAN), 8));
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** Asking for events must not wait for one. */
  private void nonBlocking() {
    setNonBlocking(ibv_context.async_fd(context));
  }

  static void setNonBlocking(int fd) {
    int result = Libc.setNonBlocking(fd);
    if (result < 0) {
      throw new NativeException("fcntl", fd + ", F_SETFL, O_NONBLOCK", -result);
    }
  }

  // ---------------------------------------------------------------- what it has

  /** Where a queue pair with this number is, for its peer. */
  public QueuePairAddress address(int qpNumber, int firstPsn) {
    return new QueuePairAddress(qpNumber, firstPsn, lid, gid.high, gid.low, mtu, maxReadsIn);
  }

  int gidIndex() {
    return gid.index;
  }

  /** Number of the largest packet that the port sends, as {@code enum ibv_mtu}. */
  int mtu() {
    return mtu;
  }

  /** RDMA READs that one queue pair may have out at once. */
  int readsOutMax() {
    return maxReadsOut;
  }

  /** RDMA READs that a queue pair answers at once. */
  int readsInMax() {
    return maxReadsIn;
  }

  /** Most completions that a queue can hold. */
  public int completionsMax() {
    return maxCqe;
  }

  /** Most operations that a queue pair can hold in each direction. */
  public int operationsMax() {
    return maxQpWr;
  }

  VerbsLibrary library() {
    return library;
  }

  /** Whether the port carries anything now. */
  public boolean portIsActive() {
    queryPort(port);
    return ibv_port_attr.state(scratch) == VerbsAbi.IBV_PORT_ACTIVE();
  }

  // ---------------------------------------------------------------- memory

  /**
   * Lets the device transfer into and out of memory, and windows be opened in it; peers reach none
   * of it by its own key.
   *
   * @throws NativeException ENOMEM beyond the limit of locked memory, EFAULT when it is not there
   */
  public MemoryRegion register(long address, long sizeBytes) {
    MemorySegment state = Native.errnoState();
    int access = VerbsAbi.IBV_ACCESS_LOCAL_WRITE() | VerbsAbi.IBV_ACCESS_MW_BIND();
    try {
      MemorySegment made =
          VerbsLibrary.struct(
              (MemorySegment) library.regMr.invokeExact(state, domain, address, sizeBytes, access),
              ibv_mr.layout());
      if (made == null) {
        throw new NativeException(
            "ibv_reg_mr",
            sizeBytes + " bytes",
            Native.errno(state),
            "raise the limit of locked memory (ulimit -l, LimitMEMLOCK=infinity)");
      }
      same("ibv_mr.context", ibv_mr.context(made), context);
      same("ibv_mr.pd", ibv_mr.pd(made), domain);
      if (ibv_mr.length(made) != sizeBytes) {
        same("ibv_mr.length", MemorySegment.NULL, made);
      }
      return new MemoryRegion(this, made, address, sizeBytes);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  void deregister(MemorySegment region) {
    release(library.deregMr, region);
  }

  /** A window that opens nothing yet. */
  public MemoryWindow window() {
    try {
      MemorySegment made =
          VerbsLibrary.struct(
              (MemorySegment) ALLOC_MW.invokeExact(allocMw, domain, VerbsAbi.IBV_MW_TYPE_2()),
              ibv_mw.layout());
      if (made == null) {
        throw new NativeException("ibv_alloc_mw", name, Errno.ENOMEM);
      }
      // The provider leaves these to the header's inline function.
      ibv_mw.context(made, context);
      ibv_mw.pd(made, domain);
      ibv_mw.type(made, VerbsAbi.IBV_MW_TYPE_2());
      return new MemoryWindow(this, made, ibv_mw.rkey(made));
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  void release(MemoryWindow window) {
    try {
      int error = (int) DEALLOC_MW.invokeExact(deallocMw, window.struct);
      if (error != 0) {
        throw new NativeException("ibv_dealloc_mw", name, error);
      }
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  // ---------------------------------------------------------------- events

  /** Readable when {@link #nextEvent} has something. */
  public int eventFd() {
    return ibv_context.async_fd(context);
  }

  /** Takes one event; {@link Event#NONE} when there is none. */
  public Event nextEvent() {
    MemorySegment state = Native.errnoState();
    try (Arena short_ = Arena.ofConfined()) {
      MemorySegment event = short_.allocate(ibv_async_event.layout());
      int result = (int) library.getAsyncEvent.invokeExact(state, context, event);
      if (result != 0) {
        return Event.NONE;
      }
      int type = ibv_async_event.event_type(event);
      library.ackAsyncEvent.invokeExact(state, event);
      return eventOf(type);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  private static Event eventOf(int type) {
    if (type == VerbsAbi.IBV_EVENT_PORT_ACTIVE()) {
      return Event.PORT_UP;
    }
    if (type == VerbsAbi.IBV_EVENT_PORT_ERR()) {
      return Event.PORT_DOWN;
    }
    if (type == VerbsAbi.IBV_EVENT_DEVICE_FATAL()) {
      return Event.DEVICE_LOST;
    }
    if (type == VerbsAbi.IBV_EVENT_CQ_ERR()) {
      return Event.QUEUE_ERROR;
    }
    if (type == VerbsAbi.IBV_EVENT_QP_FATAL()
        || type == VerbsAbi.IBV_EVENT_QP_REQ_ERR()
        || type == VerbsAbi.IBV_EVENT_QP_ACCESS_ERR()) {
      return Event.QUEUE_PAIR_ERROR;
    }
    if (type == VerbsAbi.IBV_EVENT_GID_CHANGE()
        || type == VerbsAbi.IBV_EVENT_LID_CHANGE()
        || type == VerbsAbi.IBV_EVENT_PKEY_CHANGE()) {
      return Event.ADDRESS_CHANGED;
    }
    return Event.OTHER;
  }

  // ---------------------------------------------------------------- helpers

  /** A call with the context and one more pointer; 0 or it throws. */
  private void call(MethodHandle handle, String what, MemorySegment argument) {
    MemorySegment state = Native.errnoState();
    try {
      int error = (int) handle.invokeExact(state, context, argument);
      if (error != 0) {
        throw new NativeException(what, name, error);
      }
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** A call with the context that gives a struct, or throws. */
  MemorySegment make(MethodHandle handle, String what, long sizeBytes) {
    MemorySegment state = Native.errnoState();
    try {
      MemorySegment made = (MemorySegment) handle.invokeExact(state, context);
      if (made.address() == 0) {
        throw new NativeException(what, name, Native.errno(state));
      }
      return made.reinterpret(sizeBytes);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** A call that takes back what was made; a failure means that something on it still lives. */
  static void release(MethodHandle handle, MemorySegment struct) {
    MemorySegment state = Native.errnoState();
    try {
      int error = (int) handle.invokeExact(state, struct);
      if (error != 0) {
        throw new NativeException(
            "tear-down of RDMA", "I5", error < 0 ? Native.errno(state) : error);
      }
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  @Override
  public void close() {
    release(library.deallocPd, domain);
    release(library.closeDevice, context);
    arena.close();
  }

  @Override
  public String toString() {
    return "%s port %d gid %d (%s)"
        .formatted(name, port, gid.index, isInfiniband ? "InfiniBand" : "RoCE v2");
  }
}
