package io.lampyris.cli.host;

import io.lampyris.bindings.KernelClock;
import io.lampyris.bindings.uring.Probe;
import io.lampyris.reactor.device.Signatures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** A machine made of files below a directory, laid out as the kernel does. */
final class MadeMachine {
  static final String NVME = "0000:5e:00.0";

  private final Path root;
  private final Map<String, String> environment = new TreeMap<>();
  private Probe uring = new Probe(true, "io_uring sq=4");
  private Optional<KernelClock> clock = Optional.of(new KernelClock(true, 1500));

  MadeMachine(Path root) {
    this.root = root;
  }

  /** Nothing of what SPDK and RDMA need, and nothing wrong: a laptop. */
  static MadeMachine laptop(Path root) throws IOException {
    MadeMachine machine = new MadeMachine(root);
    machine.file("/proc/sys/kernel/osrelease", "6.12.9-amd64\n");
    machine.file("/proc/sys/kernel/io_uring_disabled", "0\n");
    machine.file("/proc/sys/vm/overcommit_memory", "0\n");
    machine.file("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
    machine.file("/dev/fuse", "");
    machine.file("/usr/lib/x86_64-linux-gnu/libfuse.so.2.9.9", "");
    machine.link("/usr/lib/x86_64-linux-gnu/libfuse.so.2", "libfuse.so.2.9.9");
    machine.directory("/dev/shm");
    machine.mounts("25 1 0:23 / /dev/shm rw - tmpfs tmpfs rw");
    machine.limits("134217728", "65536");
    machine.file("/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
    machine.file("/sys/devices/system/cpu/online", "0-7\n");
    machine.file("/sys/devices/system/node/node0/cpulist", "0-7\n");
    machine.file("/sys/devices/system/node/node0/distance", "10\n");
    machine.interfaceOf("wlan0", 1500, "");
    return machine;
  }

  HostFiles files() {
    return new HostFiles(root);
  }

  Host host() {
    return new Host(files(), environment, uring, clock);
  }

  HostReport check(String... named) {
    return HostCheck.of(host(), Set.of(named));
  }

  /** What was found under this id; there must be one. */
  Finding find(String id, String... named) {
    return check(named).findings().stream()
        .filter(finding -> finding.id().equals(id))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no finding " + id));
  }

  Path path(String path) {
    return root.resolve(path.substring(1));
  }

  MadeMachine file(String path, String content) throws IOException {
    Files.createDirectories(path(path).getParent());
    Files.writeString(path(path), content);
    return this;
  }

  MadeMachine file(String path, byte[] content) throws IOException {
    Files.createDirectories(path(path).getParent());
    Files.write(path(path), content);
    return this;
  }

  MadeMachine directory(String path) throws IOException {
    Files.createDirectories(path(path));
    return this;
  }

  MadeMachine link(String path, String target) throws IOException {
    Files.createDirectories(path(path).getParent());
    Files.deleteIfExists(path(path));
    Files.createSymbolicLink(path(path), Path.of(target));
    return this;
  }

  MadeMachine environment(String name, String value) {
    environment.put(name, value);
    return this;
  }

  MadeMachine uring(boolean available, String reason) {
    uring = new Probe(available, reason);
    return this;
  }

  MadeMachine clock(Optional<KernelClock> value) {
    clock = value;
    return this;
  }

  MadeMachine mounts(String... lines) throws IOException {
    return file("/proc/self/mountinfo", String.join("\n", lines) + "\n");
  }

  MadeMachine limits(String lockedBytes, String openFiles) throws IOException {
    return file(
        "/proc/self/limits",
        """
        Limit                     Soft Limit           Hard Limit           Units
        Max open files            %-20s %-20s files
        Max locked memory         %-20s %-20s bytes
        """
            .formatted(openFiles, openFiles, lockedBytes, lockedBytes));
  }

  MadeMachine interfaceOf(String name, int mtuBytes, String speedMbit) throws IOException {
    String directory = "/sys/class/net/" + name;
    file(directory + "/type", "1\n");
    file(directory + "/mtu", mtuBytes + "\n");
    file(directory + "/carrier", "1\n");
    file(directory + "/speed", speedMbit + "\n");
    return file(directory + "/device/numa_node", "0\n");
  }

  /** A controller with a driver, or with none when that is empty. */
  MadeMachine nvme(String address, String driver, int node) throws IOException {
    String device = "/sys/bus/pci/devices/" + address;
    file(device + "/class", "0x010802\n");
    file(device + "/vendor", "0x144d\n");
    file(device + "/device", "0xa808\n");
    file(device + "/numa_node", node + "\n");
    file(device + "/driver_override", "(null)\n");
    if (!driver.isEmpty()) {
      directory("/sys/bus/pci/drivers/" + driver);
      link(device + "/driver", "../../../../bus/pci/drivers/" + driver);
    }
    return this;
  }

  /** The kernel's driver holds it and shows a namespace without anything on it. */
  MadeMachine emptyNvme(String address, String disk) throws IOException {
    nvme(address, "nvme", 0);
    directory("/sys/bus/pci/devices/%s/nvme/nvme0/%s".formatted(address, disk));
    return block(disk, "259:0");
  }

  /** A block device full of zeros. */
  MadeMachine block(String name, String device) throws IOException {
    file("/sys/class/block/" + name + "/dev", device + "\n");
    directory("/sys/class/block/" + name + "/holders");
    return file("/dev/" + name, new byte[Signatures.HEAD_BYTES]);
  }

  MadeMachine partition(String disk, String name, String device) throws IOException {
    file("/sys/class/block/" + disk + "/" + name + "/partition", "1\n");
    file("/sys/class/block/" + name + "/partition", "1\n");
    return block(name, device);
  }

  /** Bound to vfio-pci, alone in group 12, which this user may open. */
  MadeMachine vfioNvme(String address) throws IOException {
    nvme(address, "vfio-pci", 0);
    link("/sys/bus/pci/devices/" + address + "/iommu_group", "../../../kernel/iommu_groups/12");
    directory("/sys/kernel/iommu_groups/12/devices/" + address);
    return file("/dev/vfio/12", "");
  }

  MadeMachine hugePages(int node, int reserved, int free) throws IOException {
    String directory = "/sys/devices/system/node/node%d/hugepages/hugepages-2048kB".formatted(node);
    file(directory + "/nr_hugepages", reserved + "\n");
    return file(directory + "/free_hugepages", free + "\n");
  }

  /** A port of a card, active, with a GID of RoCE v2 over an interface of 100 Gbit/s. */
  MadeMachine roce(String device, String network) throws IOException {
    String port = "/sys/class/infiniband/" + device + "/ports/1";
    file("/sys/class/infiniband/" + device + "/node_type", "1: CA\n");
    file(port + "/state", "4: ACTIVE\n");
    file(port + "/link_layer", "Ethernet\n");
    file(port + "/rate", "100 Gb/sec (4X EDR)\n");
    file(port + "/gids/0", "fe80:0000:0000:0000:0e42:a1ff:fe00:0001\n");
    file(port + "/gid_attrs/types/0", "IB/RoCE v1\n");
    file(port + "/gid_attrs/ndevs/0", network + "\n");
    file(port + "/gids/1", "0000:0000:0000:0000:0000:ffff:0a00:0001\n");
    file(port + "/gid_attrs/types/1", "RoCE v2\n");
    file(port + "/gids/2", "0000:0000:0000:0000:0000:0000:0000:0000\n");
    file("/sys/class/infiniband_verbs/uverbs0/ibdev", device + "\n");
    return interfaceOf(network, 9000, "100000");
  }

  MadeMachine libraries(String... names) throws IOException {
    for (String name : names) {
      file("/usr/lib/x86_64-linux-gnu/" + name, "");
    }
    return this;
  }

  /** Everything that SPDK and RDMA ask for. */
  static MadeMachine server(Path root) throws IOException {
    MadeMachine machine = laptop(root);
    machine.vfioNvme(NVME).hugePages(0, 512, 512).roce("mlx5_0", "ens1f0");
    machine.limits("unlimited", "65536");
    machine.mounts(
        "25 1 0:23 / /dev/shm rw - tmpfs tmpfs rw",
        "26 1 0:24 / /dev/hugepages rw - hugetlbfs hugetlbfs rw");
    machine.libraries("libibverbs.so.1.14.44.0", "librdmacm.so.1.3.44.0");
    machine.link("/usr/lib/x86_64-linux-gnu/libibverbs.so.1", "libibverbs.so.1.14.44.0");
    machine.link("/usr/lib/x86_64-linux-gnu/librdmacm.so.1", "librdmacm.so.1.3.44.0");
    machine.file("/opt/spdk/VERSION", "26.09-pre\n");
    machine.file("/opt/spdk/build/lib/libspdk_nvme.so", "");
    machine.file("/opt/spdk/build/lib/libspdk_env_dpdk.so", "");
    return machine.environment("SPDK_HOME", "/opt/spdk");
  }

  static List<String> ids(HostReport report, Finding.State state) {
    return report.findings().stream()
        .filter(finding -> finding.state() == state)
        .map(Finding::id)
        .toList();
  }
}
