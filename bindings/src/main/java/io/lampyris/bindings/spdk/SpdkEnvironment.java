package io.lampyris.bindings.spdk;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Native;
import io.lampyris.bindings.spdk.abi.SpdkAbi;
import io.lampyris.bindings.spdk.abi.abi_env_opts;
import io.lampyris.bindings.spdk.abi.abi_pci_addr;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;

/**
 * SPDK's environment on DPDK: the memory that devices reach, and the PCI bus. One in a process,
 * until the process ends.
 */
public final class SpdkEnvironment {
  /**
   * What the environment takes.
   *
   * @param name of the process in DPDK's messages
   * @param memoryMib all that {@link #allocate} can give
   * @param hugePages from the hugetlb pool, which PCIe devices need; else shared memory of 4 KiB
   *     pages, which is enough for NVMe over fabrics and VFIOUSER
   * @param pciAddresses the controllers that it may touch, as {@code 0000:01:00.0}; none: no PCI
   */
  public record Options(String name, int memoryMib, boolean hugePages, List<String> pciAddresses) {
    public Options {
      pciAddresses = List.copyOf(pciAddresses);
    }
  }

  private static final long OPTS_BYTES = abi_env_opts.sizeof();

  /** Marks what the self-test must find overwritten. */
  private static final byte UNSET = (byte) 0xA5;

  private static final int DEFAULT = -1;
  private static @Nullable SpdkEnvironment started;

  private final Options options;

  private SpdkEnvironment(Options options) {
    this.options = options;
  }

  /**
   * Starts it, or finds it started with the same options. Runs on a thread of its own, because DPDK
   * ties the one that it starts on to a core.
   *
   * @throws SpdkException when DPDK refuses, or the libraries' layouts are not those of {@code
   *     native/abi/spdk.h}
   */
  public static synchronized SpdkEnvironment start(Options options) throws SpdkException {
    SpdkEnvironment present = started;
    if (present != null && present.options.equals(options)) {
      return present;
    }
    if (present != null) {
      throw new SpdkException(
          "SPDK's environment is started once in a process; observed=%s, limit=%s"
              .formatted(options, present.options));
    }
    FutureTask<Integer> init = new FutureTask<>(() -> init(options));
    Thread.ofPlatform().name("spdk-env").daemon().start(init);
    int result;
    try {
      result = init.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SpdkException("interrupted while SPDK's environment starts");
    } catch (ExecutionException e) {
      if (e.getCause() instanceof SpdkException refused) {
        throw refused;
      }
      throw new IllegalStateException(e.getCause());
    }
    if (result != 0) {
      throw new SpdkException(
          "SPDK's environment does not start; observed=%s with %d MiB of %s, limit=free memory of that kind; remedy: %s; lampyris check host says more"
              .formatted(
                  Errno.describe(-result),
                  options.memoryMib,
                  options.hugePages ? "huge pages" : "shared memory",
                  options.hugePages
                      ? "reserve huge pages (sysctl vm.nr_hugepages=%d), or where no controller is on PCIe, storage.spdk_huge_pages = false"
                          .formatted(options.memoryMib / 2 + 64)
                      : "less memory"));
    }
    present = new SpdkEnvironment(options);
    started = present;
    return present;
  }

  private static int init(Options options) throws SpdkException {
    // The strings are SPDK's for ever.
    Arena arena = Arena.global();
    MemorySegment opts = arena.allocate(OPTS_BYTES, Long.BYTES);
    try {
      SpdkCalls.LOG_SET_PRINT_LEVEL.invokeExact(SpdkAbi.ABI_LOG_WARN());
      opts.fill(UNSET);
      abi_env_opts.opts_size(opts, OPTS_BYTES);
      SpdkCalls.ENV_OPTS_INIT.invokeExact(opts.address());
      selfTest(opts);
      abi_env_opts.name(opts, arena.allocateFrom(options.name));
      abi_env_opts.core_mask(opts, arena.allocateFrom("[" + firstCore() + "]"));
      abi_env_opts.mem_size(opts, options.memoryMib);
      abi_env_opts.no_huge(opts, !options.hugePages);
      abi_env_opts.no_pci(opts, options.pciAddresses.isEmpty());
      abi_env_opts.unlink_hugepage(opts, options.hugePages);
      abi_env_opts.env_context(opts, arena.allocateFrom("--no-telemetry --log-level=lib.eal:4"));
      allow(arena, opts, options.pciAddresses);
      return (int) SpdkCalls.ENV_INIT.invokeExact(opts.address());
    } catch (SpdkException refused) {
      throw refused;
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /**
   * SPDK has just written its defaults: they are where they should be, or its layout is another.
   */
  private static void selfTest(MemorySegment opts) throws SpdkException {
    boolean fits =
        abi_env_opts.shm_id(opts) == DEFAULT
            && abi_env_opts.mem_size(opts) == DEFAULT
            && abi_env_opts.num_pci_addr(opts) == 0
            && abi_env_opts.env_context(opts).address() == 0
            && abi_env_opts.opts_size(opts) == OPTS_BYTES
            && !abi_env_opts.no_huge(opts);
    if (!fits) {
      SpdkLibraries libraries = SpdkLibraries.loaded();
      throw new SpdkException(
          "SPDK's options are laid out in another way; observed=libspdk_nvme.so.%s in %s, limit=SPDK 25.05 to 26.09; remedy: make -C native abi-check SPDK=PATH, then an SPDK that passes"
              .formatted(libraries.version(), libraries.where()));
    }
  }

  private static void allow(Arena arena, MemorySegment opts, List<String> addresses)
      throws SpdkException {
    if (addresses.isEmpty()) {
      return;
    }
    MemorySegment allowed = abi_pci_addr.allocateArray(addresses.size(), arena);
    for (int i = 0; i < addresses.size(); i++) {
      MemorySegment each = abi_pci_addr.asSlice(allowed, i);
      String address = addresses.get(i);
      if (!address.matches("[0-9a-fA-F]{4}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\\.[0-7]")) {
        throw new SpdkException(
            "not a PCIe address; observed=%s, limit=DDDD:BB:DD.F as lspci -D prints it"
                .formatted(address));
      }
      abi_pci_addr.domain(each, Integer.parseInt(address, 0, 4, 16));
      abi_pci_addr.bus(each, (byte) Integer.parseInt(address, 5, 7, 16));
      abi_pci_addr.dev(each, (byte) Integer.parseInt(address, 8, 10, 16));
      abi_pci_addr.func(each, (byte) Integer.parseInt(address, 11, 12, 16));
    }
    abi_env_opts.pci_allowed(opts, allowed);
    abi_env_opts.num_pci_addr(opts, addresses.size());
  }

  /** One that this process may run on. */
  private static int firstCore() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("Cpus_allowed_list:")) {
        return Integer.parseInt(line.substring(18).strip().split("[-,]", 2)[0]);
      }
    }
    return 0;
  }

  public Options options() {
    return options;
  }

  /**
   * Zeroed memory that devices reach.
   *
   * @param alignmentBytes a power of two
   * @throws SpdkException when there is not so much in one piece
   */
  public MemorySegment allocate(long sizeBytes, long alignmentBytes) throws SpdkException {
    long address;
    try {
      address =
          (long)
              SpdkCalls.ZMALLOC.invokeExact(
                  sizeBytes,
                  alignmentBytes,
                  0L,
                  SpdkAbi.ABI_ENV_NUMA_ID_ANY(),
                  SpdkAbi.ABI_MALLOC_DMA());
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
    if (address == 0) {
      throw new SpdkException(
          "SPDK has not so much memory in one piece; observed=%d bytes wanted, limit=%d MiB in all; remedy: give its environment more"
              .formatted(sizeBytes, options.memoryMib));
    }
    return MemorySegment.ofAddress(address).reinterpret(sizeBytes);
  }

  /** Gives back what {@link #allocate} gave. */
  public void free(MemorySegment memory) {
    try {
      SpdkCalls.FREE.invokeExact(memory.address());
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }
}
