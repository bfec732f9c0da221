package io.lampyris.cli.embedded;

import io.lampyris.bindings.spdk.SpdkEnvironment;
import io.lampyris.bindings.spdk.SpdkException;
import io.lampyris.bindings.spdk.SpdkLibraries;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.host.NamespaceHost;
import io.lampyris.chunkengine.host.NamespaceName;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.config.NvmeSettings;
import io.lampyris.cli.host.HostCheck;
import io.lampyris.reactor.BufferMemory;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.device.Device;
import io.lampyris.reactor.device.SpdkController;
import io.lampyris.reactor.device.SpdkNvmeDevice;
import io.lampyris.reactor.device.UringDevice;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The devices of a process's targets: files by io_uring, and namespaces by SPDK, which is not
 * touched where none is named.
 */
public final class Namespaces implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Namespaces.class);
  private static final String LIBRARY = "native/build/liblampyris_nvme.so";

  private final @Nullable SpdkEnvironment environment;
  private final Map<String, SpdkController> controllers = new HashMap<>();
  private final Map<Path, NamespaceHost> hosts = new HashMap<>();

  private Namespaces(@Nullable SpdkEnvironment environment) {
    this.environment = environment;
  }

  /**
   * Starts SPDK where it is needed; blocks.
   *
   * @throws InputException when it cannot, with the remedy; nothing was changed
   */
  public static Namespaces open(NvmeSettings settings) throws InputException {
    List<NamespaceName> names = settings.named().toList();
    try {
      return new Namespaces(names.isEmpty() ? null : environment(settings, names));
    } catch (SpdkException e) {
      throw InputException.because(e);
    }
  }

  private static SpdkEnvironment environment(NvmeSettings settings, List<NamespaceName> names)
      throws SpdkException {
    String home = settings.spdkHome().isEmpty() ? System.getenv("SPDK_HOME") : settings.spdkHome();
    SpdkLibraries.load(
        home == null || home.isEmpty() ? null : Path.of(home),
        Path.of(System.getProperty("lampyris.home", ".")).toAbsolutePath().resolve(LIBRARY));
    List<String> addresses = new ArrayList<>();
    for (NamespaceName name : names) {
      String address = name.pciAddress();
      if (!address.isEmpty() && !addresses.contains(address)) {
        addresses.add(address);
      }
    }
    if (!addresses.isEmpty() && !settings.hugePages()) {
      throw new SpdkException(
          "controllers on PCIe need huge pages; observed=%s and storage.spdk_huge_pages = false, limit=true; remedy: correct it, and reserve huge pages (sysctl vm.nr_hugepages)"
              .formatted(addresses));
    }
    return SpdkEnvironment.start(
        new SpdkEnvironment.Options(
            "lampyris", (int) (settings.memoryBytes() >> 20), settings.hugePages(), addresses));
  }

  private SpdkController connected(NamespaceName name) throws SpdkException {
    String transportId = name.transportId();
    SpdkController present = controllers.get(transportId);
    if (present == null) {
      assert environment != null : "it is of the settings";
      requireDrivable(name.pciAddress());
      present = SpdkController.connect(environment, transportId, SpdkController.Patience.DEFAULT);
      controllers.put(transportId, present);
      LOG.info("NVMe controller: {}, namespaces {}", present, present.namespaces());
    }
    return present;
  }

  private static void requireDrivable(String pciAddress) throws SpdkException {
    if (!pciAddress.isEmpty()) {
      try {
        HostCheck.requireDrivable(pciAddress);
      } catch (InputException e) {
        throw new SpdkException(String.valueOf(e.getMessage()));
      }
    }
  }

  /**
   * Says where the device of a target is, which {@link #host} reaches from then on.
   *
   * @param target its directory
   * @param name null: it is a file
   * @param newBytes of a target that is to be made; 0: it is there
   * @throws StoreException IO when there is no such controller or namespace; INVALID_ARGUMENT when
   *     it is too small for the new target, or carries something else
   */
  public void place(Path target, @Nullable NamespaceName name, long newBytes)
      throws StoreException {
    if (name == null) {
      return;
    }
    try {
      NamespaceHost made = new NamespaceHost(name, connected(name));
      hosts.put(target.resolve("device"), made);
      if (newBytes > 0) {
        long ignored = made.checkDevice(target.resolve("device"), newBytes);
      }
    } catch (SpdkException e) {
      throw new StoreException(StoreException.Reason.IO, String.valueOf(e.getMessage()), e);
    }
  }

  /** How a target in a directory reaches its files and its device. */
  public Host host(Path target) {
    Host namespace = hosts.get(target.resolve("device"));
    return namespace == null ? Host.posix() : namespace;
  }

  /** Opens what a target asks for, for the reactor that has it. */
  public Device device(Reactor on, Path path, boolean direct) throws IOException {
    NamespaceHost host = direct ? hosts.get(path) : null;
    if (host == null) {
      return UringDevice.open(on, path, direct);
    }
    host.rest();
    // Which target it is was read through the host, of whichever superblock is intact.
    return SpdkNvmeDevice.open(on, host.controller(), host.name().namespace(), true);
  }

  /** Where the buffers of a reactor come from that has one of these devices. */
  public BufferMemory memory() {
    return environment == null ? BufferMemory.ANONYMOUS : SpdkController.memory(environment);
  }

  /** After the targets and their reactors. */
  @Override
  public void close() {
    hosts.values().forEach(NamespaceHost::close);
    hosts.clear();
    controllers.values().forEach(SpdkController::close);
    controllers.clear();
  }
}
