package io.lampyris.reactor.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lampyris.bindings.Libc;
import io.lampyris.bindings.spdk.SpdkEnvironment;
import io.lampyris.bindings.spdk.SpdkException;
import io.lampyris.bindings.spdk.SpdkLibraries;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * SPDK's own target with two namespaces, in memory as a rule, of 4096 and of 512 bytes a sector,
 * over VFIOUSER and NVMe/TCP on loopback: a process of the SPDK in {@code $SPDK_HOME}.
 */
public final class SpdkTarget implements AutoCloseable {
  public static final int MIB = 64;
  private static final String NQN = "nqn.2026-11.io.lampyris:test";
  private static final int START_WAIT_S = 60;

  // signal(7)
  private static final int SIGCONT = 18;
  private static final int SIGSTOP = 19;

  private final Path dir;
  private final int port;

  /** How the first namespace's bdev is made. */
  private final String first;

  private final Process process;

  private SpdkTarget(Path dir, int port, String first) throws IOException {
    this.dir = dir;
    this.port = port;
    this.first = first;
    process = launch();
  }

  /** Skips the test where there is no SPDK. */
  public static Path home() {
    String home = System.getenv("SPDK_HOME");
    assumeTrue(
        home != null && Files.isDirectory(Path.of(home)),
        "no SPDK to test against; remedy: build one (configure --with-shared --with-vfio-user), set SPDK_HOME to it");
    return Path.of(String.valueOf(home));
  }

  /** The environment of this process, without huge pages. */
  public static SpdkEnvironment environment() throws SpdkException {
    return environment(new SpdkEnvironment.Options("lampyris-test", 512, false, List.of()));
  }

  public static SpdkEnvironment environment(SpdkEnvironment.Options options) throws SpdkException {
    Path queues = Path.of("../native/build/liblampyris_nvme.so").toAbsolutePath().normalize();
    assumeTrue(Files.exists(queues), queues + " is not built; remedy: make -C native");
    SpdkLibraries.load(home(), queues);
    return SpdkEnvironment.start(options);
  }

  public static SpdkTarget start(Path dir, int port) throws IOException {
    return new SpdkTarget(
        dir,
        port,
        """
        {"method": "bdev_malloc_create", "params": {"name": "a", "num_blocks": %d, "block_size": 4096}}\
        """
            .formatted(MIB * 256));
  }

  /** The same with a file as its first namespace, which is there when it is started again. */
  public static SpdkTarget startOn(Path file, Path dir, int port) throws IOException {
    return new SpdkTarget(
        dir,
        port,
        """
        {"method": "bdev_aio_create", "params": {"name": "a", "filename": "%s", "block_size": 4096}}\
        """
            .formatted(file));
  }

  private static Path program() {
    for (String place : List.of("build/bin/nvmf_tgt", "bin/nvmf_tgt")) {
      if (Files.isExecutable(home().resolve(place))) {
        return home().resolve(place);
      }
    }
    assumeTrue(false, home() + " has no nvmf_tgt; remedy: build SPDK's applications");
    throw new AssertionError();
  }

  private Process launch() throws IOException {
    Files.createDirectories(dir.resolve("vfio"));
    Files.deleteIfExists(dir.resolve("vfio/cntrl"));
    Path config = dir.resolve("config.json");
    Files.writeString(
        config,
        """
        {"subsystems": [
          {"subsystem": "bdev", "config": [
            %1$s,
            {"method": "bdev_malloc_create", "params": {"name": "b", "num_blocks": %2$d, "block_size": 512}},
            {"method": "bdev_wait_for_examine"}]},
          {"subsystem": "nvmf", "config": [
            {"method": "nvmf_create_transport", "params": {"trtype": "VFIOUSER"}},
            {"method": "nvmf_create_transport", "params": {"trtype": "TCP"}},
            {"method": "nvmf_create_subsystem", "params": {"nqn": "%3$s", "allow_any_host": true, "serial_number": "LMPTEST", "max_namespaces": 4}},
            {"method": "nvmf_subsystem_add_ns", "params": {"nqn": "%3$s", "namespace": {"nsid": 1, "bdev_name": "a"}}},
            {"method": "nvmf_subsystem_add_ns", "params": {"nqn": "%3$s", "namespace": {"nsid": 2, "bdev_name": "b"}}},
            {"method": "nvmf_subsystem_add_listener", "params": {"nqn": "%3$s", "listen_address": {"trtype": "VFIOUSER", "traddr": "%4$s"}}},
            {"method": "nvmf_subsystem_add_listener", "params": {"nqn": "%3$s", "listen_address": {"trtype": "TCP", "adrfam": "IPv4", "traddr": "127.0.0.1", "trsvcid": "%5$d"}}}]}]}
        """
            .formatted(first, MIB * 2048, NQN, dir.resolve("vfio"), port));
    ProcessBuilder builder =
        new ProcessBuilder(
            program().toString(),
            "--no-huge",
            "-s",
            Integer.toString(2 * MIB + 512),
            "--no-pci",
            "--disable-cpumask-locks",
            "-m",
            "0x1",
            "-c",
            config.toString(),
            "-r",
            dir.resolve("rpc.sock").toString());
    // An installed prefix, a tree that was built, and what the caller has for either.
    builder
        .environment()
        .merge(
            "LD_LIBRARY_PATH",
            "%1$s/lib:%1$s/build/lib:%1$s/build/libvfio-user/usr/local/lib".formatted(home()),
            (callers, ours) -> ours + ":" + callers);
    Process launched =
        builder
            .redirectErrorStream(true)
            .redirectOutput(dir.resolve("target.log").toFile())
            .start();
    long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_WAIT_S);
    while (!Files.readString(dir.resolve("target.log")).contains("port " + port)) {
      if (!launched.isAlive() || System.nanoTime() > deadlineNs) {
        launched.destroyForcibly();
        throw new IOException(
            "SPDK's target does not start; observed=\n"
                + Files.readString(dir.resolve("target.log")));
      }
      LockSupport.parkNanos(10_000_000);
    }
    return launched;
  }

  public String overSharedMemory() {
    return "trtype:VFIOUSER traddr:%s subnqn:%s".formatted(dir.resolve("vfio"), NQN);
  }

  public String overTcp() {
    return "trtype:TCP adrfam:IPv4 traddr:127.0.0.1 trsvcid:%d subnqn:%s".formatted(port, NQN);
  }

  /** The process ends at once: a device that is pulled. */
  public void kill() {
    process.destroyForcibly().onExit().join();
  }

  /** Answers nothing until it {@link #goOn}. */
  public void hang() {
    signal(SIGSTOP);
  }

  public void goOn() {
    signal(SIGCONT);
  }

  private void signal(int number) {
    int result = Libc.kill((int) process.pid(), number);
    assertEquals(0, result, "signal " + number);
  }

  @Override
  public void close() {
    kill();
  }
}
