package io.lampyris.cli.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.bindings.KernelClock;
import io.lampyris.cli.host.Finding.State;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What every machine has: kernel, memory, limits, clocks, processors, links. */
final class MachineChecksTest {
  @TempDir private Path root;
  private MadeMachine machine = new MadeMachine(Path.of(""));

  @BeforeEach
  void makeMachine() throws IOException {
    machine = MadeMachine.laptop(root);
  }

  private void finds(State state, String id, String observed) {
    Finding finding = machine.find(id);
    assertEquals(state, finding.state(), finding.toString());
    assertTrue(finding.observed().contains(observed), finding.observed());
  }

  @Test
  void kernelsAreJudgedByTheirVersion() throws IOException {
    machine.file("/proc/sys/kernel/osrelease", "5.14.0-427.el9.x86_64\n");
    finds(State.ERR, "kernel", "Linux 5.14.0-427.el9.x86_64");
    machine.file("/proc/sys/kernel/osrelease", "5.15.0-91-generic\n");
    finds(State.WARN, "kernel", "5.15.0");
    machine.file("/proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
    finds(State.OK, "kernel", "6.1.0");
    machine.file("/proc/sys/kernel/osrelease", "10.0\n");
    finds(State.OK, "kernel", "10.0");
  }

  @Test
  void withoutIoUringNothingRuns() throws IOException {
    machine.uring(false, "io_uring_setup(entries=4) failed; observed=EPERM; remedy: somewhere");
    finds(State.ERR, "io_uring", "kernel.io_uring_disabled=0; io_uring_setup(entries=4) failed");
    assertTrue(machine.find("io_uring").remedy().contains("seccomp"));
    machine.file("/proc/sys/kernel/io_uring_disabled", "2\n");
    finds(State.ERR, "io_uring", "kernel.io_uring_disabled=2");
    assertTrue(machine.find("io_uring").remedy().contains("kernel.io_uring_disabled=0"));
    machine.uring(true, "ring").file("/proc/sys/kernel/io_uring_disabled", "1\n");
    finds(State.WARN, "io_uring", "not for other users");
    Files.delete(machine.path("/proc/sys/kernel/io_uring_disabled"));
    finds(State.OK, "io_uring", "ring");
  }

  @Test
  void mountsNeedTheDeviceAndTheLibraryOfFuse() throws IOException {
    finds(State.OK, "fuse.library", "/usr/lib/x86_64-linux-gnu/libfuse.so.2, version 2.9.9");
    Files.delete(machine.path("/usr/lib/x86_64-linux-gnu/libfuse.so.2"));
    finds(State.ERR, "fuse.library", "not found");
    Files.delete(machine.path("/dev/fuse"));
    finds(State.ERR, "fuse.device", "no /dev/fuse");
    assertTrue(machine.find("fuse.device").remedy().startsWith("modprobe fuse"));
  }

  @Test
  void hugePagesOnDemandMayNotBeForbidden() throws IOException {
    machine.file("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
    finds(State.WARN, "thp", "[never]");
  }

  @Test
  void memoryThatIsPromisedStrictlyHasToSuffice() throws IOException {
    machine.file("/proc/sys/vm/overcommit_memory", "2\n");
    machine.file("/proc/meminfo", "CommitLimit:  4194304 kB\nCommitted_AS:  3145729 kB\n");
    finds(State.ERR, "overcommit", "1024.0 MiB can still be promised");
    machine.file("/proc/meminfo", "CommitLimit:  4194304 kB\nCommitted_AS:  3145728 kB\n");
    finds(State.OK, "overcommit", "1.0 GiB can still be promised");
  }

  @Test
  void lockedMemoryBindsWhoLacksTheCapability() throws IOException {
    machine.limits("8388608", "65536");
    finds(State.WARN, "memlock", "8.0 MiB");
    assertTrue(machine.find("memlock").limit().startsWith("100.0 MiB"));
    assertEquals(
        """
        printf '%s - memlock unlimited\\n' '*' root > /etc/security/limits.d/90-lampyris-memlock.conf
        # log in again; a service of systemd takes LimitMEMLOCK=infinity instead\
        """,
        machine.find("memlock").remedy());
    machine.file("/proc/self/status", "Name:\tjava\nCapEff:\t0000000000004000\n");
    finds(State.OK, "memlock", "CAP_IPC_LOCK");
    machine.file("/proc/self/status", "CapEff:\t000001ffffffbfff\n");
    finds(State.WARN, "memlock", "8.0 MiB");
    machine.limits("104857600", "65536");
    finds(State.OK, "memlock", "100.0 MiB");
    machine.roce("mlx5_0", "ens1f0");
    finds(State.WARN, "memlock", "100.0 MiB");
    machine.limits("unlimited", "1024");
    finds(State.OK, "memlock", "unlimited");
    finds(State.WARN, "nofile", "1024");
  }

  @Test
  void sharedMemoryIsATmpfsWithRoom() {
    HostFiles.Space large = new HostFiles.Space(1L << 30, 1L << 30);
    assertEquals(State.OK, MemoryFsCheck.judge("tmpfs", Optional.of(large)).state());
    HostFiles.Space docker = new HostFiles.Space(64 << 20, 64 << 20);
    Finding small = MemoryFsCheck.judge("tmpfs", Optional.of(docker));
    assertEquals(State.WARN, small.state());
    assertTrue(small.remedy().contains("--shm-size"));
    assertEquals(State.WARN, MemoryFsCheck.judge("", Optional.of(large)).state());
    assertEquals(State.WARN, MemoryFsCheck.judge("overlay", Optional.of(large)).state());
    assertEquals(State.ERR, MemoryFsCheck.judge("", Optional.empty()).state());
  }

  @Test
  void slowClocksAndWrongOnesAreWarnings() throws IOException {
    String sources = "/sys/devices/system/clocksource/clocksource0/";
    machine.file(sources + "current_clocksource", "hpet\n");
    machine.file(sources + "available_clocksource", "tsc hpet acpi_pm\n");
    finds(State.WARN, "clock.source", "hpet of tsc hpet acpi_pm");
    assertTrue(machine.find("clock.source").remedy().startsWith("echo tsc > " + sources));
    machine.file(sources + "available_clocksource", "hpet acpi_pm\n");
    assertTrue(machine.find("clock.source").remedy().startsWith("dmesg"));
    machine.file(sources + "current_clocksource", "kvm-clock\n");
    finds(State.OK, "clock.source", "kvm-clock");
    finds(State.OK, "clock.synchronised", "within 1,500 µs");
    machine.clock(Optional.of(new KernelClock(false, 16_000_000)));
    finds(State.WARN, "clock.synchronised", "no");
    machine.clock(Optional.empty());
    finds(State.INFO, "clock.synchronised", "not allowed");
  }

  @Test
  void processorsAreCountedAndNodesHaveDistances() throws IOException {
    machine.file("/sys/devices/system/node/node1/cpulist", "8-15\n");
    machine.file("/sys/devices/system/node/node1/distance", "21 10\n");
    machine.file("/sys/devices/system/node/node0/distance", "10 21\n");
    finds(
        State.OK, "numa", "node 0: CPUs 0-7, distances 10 21; node 1: CPUs 8-15, distances 21 10");
    machine.file("/sys/devices/system/cpu/isolated", "2-5\n");
    finds(State.OK, "cpu", "8 CPUs, 2-5 isolated");
    assertEquals(7, CpuCheck.count("0-3,8,10-11"));
    machine.file("/sys/devices/system/cpu/online", "0\n");
    finds(State.WARN, "cpu", "1 CPU");
  }

  @Test
  void governorsThatSaveEnergyAreAWarning() throws IOException {
    finds(State.INFO, "cpu.governor", "no frequency");
    String policy = "/sys/devices/system/cpu/cpufreq/policy%d/scaling_governor";
    machine.file(policy.formatted(0), "performance\n").file(policy.formatted(1), "schedutil\n");
    finds(State.OK, "cpu.governor", "performance, schedutil");
    machine.file(policy.formatted(1), "powersave\n");
    finds(State.WARN, "cpu.governor", "performance, powersave");
  }

  @Test
  void fastLinksWantLargeFrames() throws IOException {
    machine.interfaceOf("ens1f0", 1500, "25000");
    finds(State.WARN, "net.ens1f0", "link, 25000 Mbit/s, MTU 1500, node 0");
    machine.interfaceOf("ens1f0", 1500, "10000");
    finds(State.OK, "net.ens1f0", "10000 Mbit/s");
    machine.file("/sys/class/net/ens1f0/carrier", "0\n");
    finds(State.INFO, "net.ens1f0", "no link");
    machine.interfaceOf("ib0", 2044, "100000").file("/sys/class/net/ib0/type", "32\n");
    finds(State.OK, "net.ib0", "MTU 2044");
    machine.file("/sys/class/net/lo/mtu", "65536\n");
    assertTrue(machine.check().findings().stream().noneMatch(f -> f.id().equals("net.lo")));
  }
}
