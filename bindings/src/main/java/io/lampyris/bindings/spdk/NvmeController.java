package io.lampyris.bindings.spdk;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Native;
import io.lampyris.bindings.spdk.abi.SpdkAbi;
import io.lampyris.bindings.spdk.abi.abi_nvme_ctrlr_data;
import io.lampyris.bindings.spdk.abi.abi_nvme_transport_id;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A connected NVMe controller. What is done to it as a whole (admin polling, reset, detaching) is
 * one thread's; queues are made on it from any thread.
 */
public final class NvmeController {
  private final String transportId;
  private final boolean aborts;
  private final long handle;
  private final String serial;
  private final String model;
  private final String firmware;
  private final List<NvmeNamespace> namespaces;

  private NvmeController(String transportId, boolean aborts, long handle) throws Throwable {
    this.transportId = transportId;
    this.aborts = aborts;
    this.handle = handle;
    MemorySegment data =
        MemorySegment.ofAddress((long) SpdkCalls.GET_DATA.invokeExact(handle))
            .reinterpret(abi_nvme_ctrlr_data.sizeof());
    serial = text(abi_nvme_ctrlr_data.sn(data));
    model = text(abi_nvme_ctrlr_data.mn(data));
    firmware = text(abi_nvme_ctrlr_data.fr(data));
    List<NvmeNamespace> found = new ArrayList<>();
    int id = (int) SpdkCalls.FIRST_NAMESPACE.invokeExact(handle);
    while (id != 0) {
      found.add(describe(id));
      id = (int) SpdkCalls.NEXT_NAMESPACE.invokeExact(handle, id);
    }
    namespaces = List.copyOf(found);
  }

  /** Identify data is ASCII, padded with spaces. */
  private static String text(MemorySegment field) {
    byte[] bytes = field.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
    return new String(bytes, StandardCharsets.US_ASCII).replace('\0', ' ').strip();
  }

  private NvmeNamespace describe(int id) throws Throwable {
    long ns = namespace(id);
    int flags = (int) SpdkCalls.NAMESPACE_FLAGS.invokeExact(ns);
    return new NvmeNamespace(
        id,
        (long) SpdkCalls.NAMESPACE_SIZE.invokeExact(ns),
        (int) SpdkCalls.NAMESPACE_SECTOR.invokeExact(ns),
        (int) SpdkCalls.NAMESPACE_METADATA.invokeExact(ns),
        (flags & SpdkAbi.ABI_NVME_NS_FLUSH_SUPPORTED()) != 0,
        (flags & SpdkAbi.ABI_NVME_NS_DEALLOCATE_SUPPORTED()) != 0);
  }

  /**
   * Connects; blocks until the controller is ready or SPDK gives up.
   *
   * @param transportId as SPDK's programs take it: {@code trtype:PCIe traddr:0000:01:00.0}, {@code
   *     trtype:TCP adrfam:IPv4 traddr:… trsvcid:4420 subnqn:…}, {@code trtype:VFIOUSER traddr:/dir
   *     subnqn:…}
   * @throws SpdkException when the identifier cannot be read or nobody answers; SPDK has printed
   *     why
   */
  public static NvmeController connect(SpdkEnvironment environment, String transportId)
      throws SpdkException {
    assert environment != null : "the environment is started first";
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment trid = abi_nvme_transport_id.allocate(arena);
      MemorySegment text = arena.allocateFrom(transportId);
      int parsed = (int) SpdkCalls.TRANSPORT_ID_PARSE.invokeExact(trid.address(), text.address());
      if (parsed != 0) {
        throw new SpdkException(
            "not a transport id; observed=%s, limit=trtype:PCIe|TCP|RDMA|VFIOUSER traddr:… and for fabrics trsvcid:… subnqn:…"
                .formatted(transportId));
      }
      long handle;
      SpdkCalls.ENTER.invokeExact();
      try {
        handle = (long) SpdkCalls.CONNECT.invokeExact(trid.address(), 0L, 0L);
      } finally {
        SpdkCalls.LEAVE.invokeExact();
      }
      if (handle == 0) {
        throw new SpdkException("no NVMe controller answers; observed=%s".formatted(transportId));
      }
      boolean aborts = abi_nvme_transport_id.trtype(trid) != SpdkAbi.ABI_NVME_TRANSPORT_VFIOUSER();
      return new NvmeController(transportId, aborts, handle);
    } catch (SpdkException refused) {
      throw refused;
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  public String transportId() {
    return transportId;
  }

  public String serial() {
    return serial;
  }

  public String model() {
    return model;
  }

  public String firmware() {
    return firmware;
  }

  /** Whether single requests can be aborted: SPDK 26.09 crashes on that over VFIOUSER. */
  boolean aborts() {
    return aborts;
  }

  /** The active ones. */
  public List<NvmeNamespace> namespaces() {
    return namespaces;
  }

  long handle() {
    return handle;
  }

  long namespace(int id) {
    try {
      return (long) SpdkCalls.GET_NAMESPACE.invokeExact(handle, id);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /**
   * Says once for a thread that does nothing else: SIGBUS on it is SPDK's, whose registers may go
   * when a device is pulled.
   */
  public static void adoptThread() {
    try {
      SpdkCalls.ENTER.invokeExact();
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** Answers of the admin queue, keep-alives; a negative errno when the controller is lost. */
  public int pollAdmin() {
    try {
      return (int) SpdkCalls.PROCESS_ADMIN.invokeExact(handle);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /**
   * The first half of a reset: takes the admin queue away. No other thread uses the controller
   * until {@link #reconnect} is done; every queue has to be disconnected in between.
   *
   * @param deadlineNs by {@link System#nanoTime}: then it gives up
   * @return 0, or a negative errno: the device was removed, or is busy with an earlier reset
   */
  public int disconnect(long deadlineNs) {
    try {
      int result = (int) SpdkCalls.DISCONNECT.invokeExact(handle);
      if (result != 0) {
        return result;
      }
      while ((int) SpdkCalls.PROCESS_ADMIN.invokeExact(handle) != -Errno.ENXIO) {
        if (System.nanoTime() - deadlineNs > 0) {
          return -Errno.ETIMEDOUT;
        }
        Thread.onSpinWait();
      }
      return 0;
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /**
   * The second half: brings the controller up again. It says itself how long that may take, one
   * without power for ever. When this gives up, SPDK's lock of the controller stays with this
   * thread: only {@link #detach} may follow, once the thread has ended.
   *
   * @param deadlineNs by {@link System#nanoTime}: then it gives up
   * @return 0, or a negative errno: it does not come back, or not yet
   */
  public int reconnect(long deadlineNs) {
    try {
      SpdkCalls.RECONNECT.invokeExact(handle);
      int result = (int) SpdkCalls.RECONNECT_POLL.invokeExact(handle);
      while (result == -Errno.EAGAIN) {
        if (System.nanoTime() - deadlineNs > 0) {
          return -Errno.ETIMEDOUT;
        }
        Thread.onSpinWait();
        result = (int) SpdkCalls.RECONNECT_POLL.invokeExact(handle);
      }
      return result;
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** Lets go; all queues are closed. */
  public void detach() {
    try {
      int result = (int) SpdkCalls.DETACH.invokeExact(handle);
      assert result == 0 : "detach of " + transportId + ": " + result;
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  @Override
  public String toString() {
    return "%s (%s, serial %s, firmware %s)".formatted(transportId, model, serial, firmware);
  }
}
