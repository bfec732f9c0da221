package io.lampyris.bindings.spdk;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.lampyris.bindings.Native;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * SPDK's shared libraries in this process, opened in the order that they need: {@code
 * libspdk_env_dpdk} does not say that it needs DPDK's, nor {@code libspdk_nvme} that it needs
 * libcrypto, so these come first, for all to see (RTLD_GLOBAL).
 *
 * <p>They are looked for in the given directory, then where pkg-config's files say, then where the
 * loader looks. Opened once in a process, and never closed.
 */
public final class SpdkLibraries {
  /** Longest name of a library or text of dlerror. */
  private static final long TEXT_BYTES_MAX = 4096;

  private static final int RTLD_NOW = 2;
  private static final int RTLD_GLOBAL = 0x100;

  /** How many libraries one may drag along. */
  private static final int NEEDED_MAX = 64;

  private static final String ENVIRONMENT = "libspdk_env_dpdk.so";
  private static final String SOCKETS = "libspdk_sock_posix.so";
  private static final String LOG = "libspdk_log.so";
  private static final String DRIVER = "libspdk_nvme.so";

  /** What SPDK's libraries may use without saying so; each is a matter of how SPDK was built. */
  private static final List<List<String>> UNSAID =
      List.of(
          List.of("libcrypto.so.3", "libcrypto.so.1.1"),
          List.of("libssl.so.3", "libssl.so.1.1"),
          List.of("libuuid.so.1"),
          List.of("libnuma.so.1"),
          List.of("libibverbs.so.1"),
          List.of("librdmacm.so.1"));

  private static final List<String> DPDK =
      List.of("kvargs", "log", "telemetry", "argparse", "eal", "ring", "mempool", "mempool_ring")
          .stream()
          .map(name -> "librte_" + name + ".so")
          .toList();

  private static final List<String> DPDK_PCI = List.of("librte_pci.so", "librte_bus_pci.so");

  private static final List<String> SYSTEM_DIRECTORIES =
      List.of("/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib");

  private static final MethodHandle DLOPEN =
      Native.plain("dlopen", FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_INT));
  private static final MethodHandle DLERROR =
      Native.plain("dlerror", FunctionDescriptor.of(ADDRESS));
  private static final MethodHandle DLSYM =
      Native.plain("dlsym", FunctionDescriptor.of(ADDRESS, ADDRESS, ADDRESS));

  private static @Nullable SpdkLibraries loaded;

  private final List<Path> directories;
  private final List<MemorySegment> handles = new ArrayList<>();
  private String where = "the loader's path";
  private String version = "";

  private SpdkLibraries(List<Path> directories) {
    this.directories = directories;
  }

  /**
   * Opens them, or finds them open.
   *
   * @param home an installed prefix or a tree that was built; null: where pkg-config or the loader
   *     finds them
   * @param queues the path of {@code liblampyris_nvme.so}
   * @throws SpdkException when one is missing or does not fit
   */
  public static synchronized SpdkLibraries load(@Nullable Path home, Path queues)
      throws SpdkException {
    SpdkLibraries present = loaded;
    if (present == null) {
      present = new SpdkLibraries(candidates(home));
      present.open(home, queues);
      loaded = present;
    }
    return present;
  }

  /** Those of this process, which were loaded. */
  static synchronized SpdkLibraries loaded() {
    SpdkLibraries present = loaded;
    if (present == null) {
      throw new IllegalStateException("SPDK's libraries are loaded before they are called");
    }
    return present;
  }

  /** What the driver's file name says: the number of its interface. */
  public String version() {
    return version;
  }

  /** Where they were found. */
  public String where() {
    return where;
  }

  private static List<Path> candidates(@Nullable Path home) {
    List<Path> found = new ArrayList<>();
    if (home != null) {
      for (String name : List.of("build/lib", "lib", "lib64", "dpdk/build/lib", "")) {
        found.add(home.resolve(name));
      }
    } else {
      pkgConfig().ifPresent(found::add);
    }
    SYSTEM_DIRECTORIES.forEach(name -> found.add(Path.of(name)));
    return found.stream().filter(Files::isDirectory).toList();
  }

  /** The libdir of the first spdk_nvme.pc. */
  private static Optional<Path> pkgConfig() {
    List<String> places = new ArrayList<>();
    String configured = System.getenv("PKG_CONFIG_PATH");
    if (configured != null) {
      places.addAll(List.of(configured.split(":", -1)));
    }
    SYSTEM_DIRECTORIES.forEach(name -> places.add(name + "/pkgconfig"));
    for (String place : places) {
      Path file = Path.of(place, "spdk_nvme.pc");
      if (place.startsWith("/") && Files.isReadable(file)) {
        try (Stream<String> lines = Files.lines(file)) {
          Optional<String> libdir = lines.filter(line -> line.startsWith("libdir=")).findFirst();
          Path prefix = file.resolve("../../..").normalize();
          return libdir.map(
              line -> Path.of(line.substring(7).replace("${prefix}", prefix.toString())));
        } catch (IOException | IllegalArgumentException unreadable) {
          // As if it were not there: the next place may have one.
        }
      }
    }
    return Optional.empty();
  }

  private void open(@Nullable Path home, Path queues) throws SpdkException {
    require(queues.toString(), queues.toString(), "bin/lampyris builds it: make -C native");
    if (queueCall("lmp_sigbus_save") != 0) {
      throw new SpdkException("the handler of SIGBUS cannot be read");
    }
    for (List<String> names : UNSAID) {
      for (String name : names) {
        if (tryOpen(name) == null) {
          break;
        }
      }
    }
    DPDK.forEach(this::openIfPresent);
    DPDK_PCI.forEach(this::openIfPresent);
    String install =
        home == null
            ? "install SPDK with shared libraries (configure --with-shared), or set SPDK_HOME"
            : "name an SPDK with shared libraries (configure --with-shared) by SPDK_HOME or storage.spdk_home";
    for (String name : List.of(LOG, ENVIRONMENT, SOCKETS, DRIVER)) {
      Path file = find(name);
      String path = file == null ? name : file.toString();
      require(path, "SPDK's " + name, install);
      if (name.equals(DRIVER) && file != null) {
        where = String.valueOf(file.getParent());
        version = versionOf(file);
      }
    }
    if (queueCall("lmp_sigbus_share") != 0) {
      throw new SpdkException("the handler of SIGBUS cannot be shared with SPDK's");
    }
  }

  private int queueCall(String name) {
    try {
      MethodHandle call =
          Linker.nativeLinker().downcallHandle(symbol(name), FunctionDescriptor.of(JAVA_INT));
      return (int) call.invokeExact();
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  private static String versionOf(Path file) {
    try {
      String real = String.valueOf(file.toRealPath().getFileName());
      int at = real.indexOf(".so.");
      return at < 0 ? "" : real.substring(at + 4);
    } catch (IOException gone) {
      return "";
    }
  }

  /** A library in one of the directories; of several versions the highest. */
  private @Nullable Path find(String name) {
    for (Path directory : directories) {
      Path exact = directory.resolve(name);
      if (Files.exists(exact)) {
        return exact;
      }
      try (Stream<Path> files = Files.list(directory)) {
        Optional<Path> versioned =
            files
                .filter(file -> String.valueOf(file.getFileName()).startsWith(name + "."))
                .max(Comparator.comparing(Path::toString));
        if (versioned.isPresent()) {
          return versioned.get();
        }
      } catch (IOException unreadable) {
        // Nothing is found there.
      }
    }
    return null;
  }

  private void openIfPresent(String name) {
    Path file = find(name);
    tryOpen(file == null ? name : file.toString());
  }

  /** Opens one with all that it says it needs, as far as that lies in the directories. */
  private void require(String path, String what, String remedy) throws SpdkException {
    for (int opened = 0; opened < NEEDED_MAX; opened++) {
      String error = tryOpen(path);
      if (error == null) {
        return;
      }
      Path needed = neededBy(error, path);
      if (needed == null) {
        throw new SpdkException(
            "cannot open %s; observed=%s, limit=SPDK 25.05 to 26.09; remedy: %s"
                .formatted(what, error, remedy));
      }
      require(needed.toString(), String.valueOf(needed.getFileName()), remedy);
    }
    throw new SpdkException(
        "cannot open %s; observed=more than %d libraries behind it".formatted(what, NEEDED_MAX));
  }

  /** dlerror begins with the name of the one that it did not find. */
  private @Nullable Path neededBy(String error, String path) {
    int end = error.indexOf(':');
    String name = end < 0 ? "" : error.substring(0, end);
    if (name.isEmpty() || name.contains("/") || path.endsWith(name)) {
      return null;
    }
    for (Path directory : directories) {
      Path file = directory.resolve(name);
      if (Files.exists(file)) {
        return file;
      }
    }
    return null;
  }

  /** Null when it is open; else what dlerror says. */
  private @Nullable String tryOpen(String name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment handle =
          (MemorySegment) DLOPEN.invokeExact(arena.allocateFrom(name), RTLD_NOW | RTLD_GLOBAL);
      if (handle.address() == 0) {
        MemorySegment text = (MemorySegment) DLERROR.invokeExact();
        return text.address() == 0
            ? "unknown error"
            : text.reinterpret(TEXT_BYTES_MAX).getString(0);
      }
      handles.add(handle);
      return null;
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** A function of one of them. */
  MemorySegment symbol(String name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocateFrom(name);
      for (MemorySegment handle : handles.reversed()) {
        MemorySegment found = (MemorySegment) DLSYM.invokeExact(handle, text);
        if (found.address() != 0) {
          return found;
        }
      }
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
    throw new UnsatisfiedLinkError(
        "SPDK's libraries lack a function; observed=no %s in %s, limit=SPDK 25.05 to 26.09; remedy: make -C native abi-check SPDK=PATH"
            .formatted(name, where));
  }
}
