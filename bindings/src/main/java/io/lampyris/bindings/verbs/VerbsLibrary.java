package io.lampyris.bindings.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Native;
import io.lampyris.bindings.verbs.abi.ibv_device;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * libibverbs, opened. What it exports is bound here, once; all of it is for set-up and tear-down.
 */
public final class VerbsLibrary {
  /** The library's name on the loader's path. */
  public static final String DEFAULT_PATH = "libibverbs.so.1";

  private static final FunctionDescriptor INT_POINTER = FunctionDescriptor.of(JAVA_INT, ADDRESS);
  private static final FunctionDescriptor INT_TWO_POINTERS =
      FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS);
  private static final FunctionDescriptor POINTER_POINTER = FunctionDescriptor.of(ADDRESS, ADDRESS);
  private static final FunctionDescriptor POINTER_TWO_POINTERS =
      FunctionDescriptor.of(ADDRESS, ADDRESS, ADDRESS);

  private final String path;
  private final SymbolLookup symbols;

  private final MethodHandle getDeviceList;
  private final MethodHandle freeDeviceList;
  final MethodHandle openDevice;
  final MethodHandle closeDevice;
  final MethodHandle queryDevice;
  final MethodHandle queryPort;
  final MethodHandle queryGid;
  final MethodHandle allocPd;
  final MethodHandle deallocPd;
  final MethodHandle regMr;
  final MethodHandle deregMr;
  final MethodHandle createChannel;
  final MethodHandle destroyChannel;
  final MethodHandle createCq;
  final MethodHandle destroyCq;
  final MethodHandle getCqEvent;
  final MethodHandle ackCqEvents;
  final MethodHandle createQp;
  final MethodHandle modifyQp;
  final MethodHandle destroyQp;
  final MethodHandle getAsyncEvent;
  final MethodHandle ackAsyncEvent;

  private VerbsLibrary(String path, SymbolLookup symbols) throws VerbsUnavailableException {
    this.path = path;
    this.symbols = symbols;
    getDeviceList = bind("ibv_get_device_list", POINTER_POINTER);
    freeDeviceList = bind("ibv_free_device_list", FunctionDescriptor.ofVoid(ADDRESS));
    openDevice = bind("ibv_open_device", POINTER_POINTER);
    closeDevice = bind("ibv_close_device", INT_POINTER);
    queryDevice = bind("ibv_query_device", INT_TWO_POINTERS);
    queryPort =
        bind("ibv_query_port", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_BYTE, ADDRESS));
    queryGid =
        bind(
            "_ibv_query_gid_ex",
            FunctionDescriptor.of(
                JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_LONG));
    allocPd = bind("ibv_alloc_pd", POINTER_POINTER);
    deallocPd = bind("ibv_dealloc_pd", INT_POINTER);
    regMr =
        bind("ibv_reg_mr", FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_INT));
    deregMr = bind("ibv_dereg_mr", INT_POINTER);
    createChannel = bind("ibv_create_comp_channel", POINTER_POINTER);
    destroyChannel = bind("ibv_destroy_comp_channel", INT_POINTER);
    createCq =
        bind(
            "ibv_create_cq",
            FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT));
    destroyCq = bind("ibv_destroy_cq", INT_POINTER);
    getCqEvent =
        bind("ibv_get_cq_event", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS));
    ackCqEvents = bind("ibv_ack_cq_events", FunctionDescriptor.ofVoid(ADDRESS, JAVA_INT));
    createQp = bind("ibv_create_qp", POINTER_TWO_POINTERS);
    modifyQp = bind("ibv_modify_qp", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_INT));
    destroyQp = bind("ibv_destroy_qp", INT_POINTER);
    getAsyncEvent = bind("ibv_get_async_event", INT_TWO_POINTERS);
    ackAsyncEvent = bind("ibv_ack_async_event", FunctionDescriptor.ofVoid(ADDRESS));
  }

  /**
   * Opens the library; it stays open.
   *
   * @param path a file, or a name for the loader to find
   */
  public static VerbsLibrary load(String path) throws VerbsUnavailableException {
    SymbolLookup lookup;
    try {
      lookup = SymbolLookup.libraryLookup(path, Arena.global());
    } catch (IllegalArgumentException e) {
      throw new VerbsUnavailableException(
          "no RDMA: libibverbs is not here; observed=cannot open "
              + path
              + "; remedy: install libibverbs1 and ibverbs-providers (rdma-core), or name the file");
    }
    return of(path, lookup);
  }

  /** From symbols that are loaded already. */
  public static VerbsLibrary of(String name, SymbolLookup symbols)
      throws VerbsUnavailableException {
    return new VerbsLibrary(name, symbols);
  }

  private MethodHandle bind(String symbol, FunctionDescriptor function)
      throws VerbsUnavailableException {
    MemorySegment address =
        symbols
            .find(symbol)
            .orElseThrow(() ->
                new VerbsUnavailableException(
                    "no RDMA: libibverbs is too old; observed=%s lacks %s; remedy: rdma-core 31 or newer"
                        .formatted(path, symbol)));
    return Linker.nativeLinker()
        .downcallHandle(address, function, Linker.Option.captureCallState("errno"));
  }

  /** A device's name, and where the list keeps it. */
  record Found(String name, MemorySegment device) {}

  /** Takes each device while the library's list of them lives. */
  interface InList<T> {
    T take(List<Found> devices) throws VerbsUnavailableException;
  }

  /** The names of the devices here, which may be none. */
  public List<String> deviceNames() {
    try {
      return inList(devices -> devices.stream().map(Found::name).toList());
    } catch (VerbsUnavailableException none) {
      return List.of();
    }
  }

  <T> T inList(InList<T> taker) throws VerbsUnavailableException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment count = arena.allocate(JAVA_INT);
      MemorySegment state = Native.errnoState();
      MemorySegment list = (MemorySegment) getDeviceList.invokeExact(state, count);
      if (list.address() == 0) {
        throw new VerbsUnavailableException(
            "no RDMA: the kernel has no verbs; observed=ibv_get_device_list: "
                + Errno.describe(Native.errno(state))
                + "; remedy: load ib_uverbs and the NIC's driver (or rdma_rxe)");
      }
      try {
        return taker.take(found(list, count.get(JAVA_INT, 0)));
      } finally {
        freeDeviceList.invokeExact(state, list);
      }
    } catch (VerbsUnavailableException e) {
      throw e;
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  private static List<Found> found(MemorySegment list, int count) {
    List<Found> found = new ArrayList<>();
    MemorySegment pointers = list.reinterpret(ADDRESS.byteSize() * count);
    for (int i = 0; i < count; i++) {
      MemorySegment device =
          pointers.getAtIndex(ADDRESS, i).reinterpret(ibv_device.layout().byteSize());
      found.add(new Found(ibv_device.name(device).getString(0), device));
    }
    return found;
  }

  /** What a function that gives a pointer gave; null with errno in the thread's state. */
  static @Nullable MemorySegment struct(MemorySegment pointer, MemoryLayout layout) {
    return pointer.address() == 0 ? null : pointer.reinterpret(layout.byteSize());
  }

  @Override
  public String toString() {
    return path;
  }
}
