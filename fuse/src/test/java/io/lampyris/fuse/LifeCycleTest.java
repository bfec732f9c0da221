package io.lampyris.fuse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Mounting, unmounting, and what a daemon's death leaves. */
class LifeCycleTest {
  private Path base = Path.of("/nowhere");
  private Path point = Path.of("/nowhere");
  private MemoryFileSystem files = new MemoryFileSystem();
  private TestReactor reactor;

  @BeforeEach
  void makePoint() throws IOException {
    Shell.assumeMountsWork();
    reactor = new TestReactor();
    base = Files.createTempDirectory("lampyris-fuse").toRealPath();
    point = Files.createDirectory(base.resolve("with blank"));
  }

  @AfterEach
  void leaveNothingMounted() throws Exception {
    if (reactor != null) {
      reactor.close();
    }
    Shell.run(
        "while grep -qF \"$2\" /proc/self/mountinfo; do umount -l \"$1\" || break; done; rm -rf"
            + " \"$3\"",
        point,
        point.toString().replace(" ", "\\040"),
        base);
  }

  private FuseMount mount() throws MountException {
    return FuseMount.mount(
        point,
        files,
        new MemoryVirtualTree(),
        MountOptions.of("life").withThreads(4),
        reactor.agent());
  }

  private Process daemon() throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED",
            "--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-ea",
            "-cp",
            System.getProperty("java.class.path"),
            MountDaemon.class.getName(),
            point.toString());
    return builder.redirectErrorStream(true).start();
  }

  private static BufferedReader awaitReady(Process daemon) throws IOException {
    BufferedReader out =
        new BufferedReader(new InputStreamReader(daemon.getInputStream(), StandardCharsets.UTF_8));
    StringBuilder said = new StringBuilder();
    for (String line = out.readLine(); line != null; line = out.readLine()) {
      if (line.equals("READY")) {
        return out;
      }
      said.append(line).append('\n');
    }
    throw new AssertionError("the child did not mount:\n" + said);
  }

  @Test
  void aMountEndsAndTheSamePointIsMountedAgain() throws Exception {
    for (int i = 0; i < 3; i++) {
      long startNs = System.nanoTime();
      try (FuseMount mount = mount()) {
        assertTrue(mount.isServing());
        assertEquals("ok", Shell.sh("cd \"$1\"; rm -f f; echo ok > f; cat f", point));
      }
      assertTrue(MountTable.at(point.toString()).isEmpty());
      long ms = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNs);
      assertTrue(ms < 5000, () -> "slow life; observed=" + ms + " ms");
    }
    assertEquals(0, files.openHandles.get());
  }

  @Test
  void aBusyMountIsDetachedAndItsUsersGetErrors() throws Exception {
    FuseMount mount = mount();
    Process user =
        new ProcessBuilder(
                "bash",
                "-c",
                "exec 3>\"$1/f\"; echo OPEN; read; echo x >&3 || echo FAILED",
                "bash",
                point.toString())
            .redirectErrorStream(true)
            .start();
    BufferedReader out =
        new BufferedReader(new InputStreamReader(user.getInputStream(), StandardCharsets.UTF_8));
    assertEquals("OPEN", out.readLine());
    long startNs = System.nanoTime();
    mount.close();
    long ms = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNs);
    assertTrue(ms < 5500, () -> "slow close; observed=" + ms + " ms");
    assertFalse(mount.isServing());
    assertTrue(MountTable.at(point.toString()).isEmpty());
    assertEquals(0, files.openHandles.get());
    user.getOutputStream().write('\n');
    user.getOutputStream().flush();
    String said = out.readLine() + out.readLine();
    assertTrue(said.contains("FAILED"), said);
    user.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
    mount().close();
  }

  @Test
  void somebodyElseMayUnmount() throws Exception {
    FuseMount mount = mount();
    Shell.sh("umount \"$1\"", point);
    mount.close();
    assertFalse(mount.isServing());
    mount().close();
  }

  @Test
  void theMountOfAKilledDaemonIsReplaced() throws Exception {
    for (int round = 0; round < 2; round++) {
      Process daemon = daemon();
      awaitReady(daemon);
      daemon.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
      assertFalse(MountTable.at(point.toString()).isEmpty(), "it left its mount behind");
    }
    assertEquals(1, MountTable.at(point.toString()).size(), "each start clears what is dead");
    try (FuseMount mount = mount()) {
      assertTrue(mount.isServing());
      assertEquals("ok", Shell.sh("cd \"$1\"; echo ok > f; cat f", point));
      assertEquals(1, MountTable.at(point.toString()).size());
    }
  }

  @Test
  void sigtermRunsTheShutdownHookAndUnmounts() throws Exception {
    Process daemon = daemon();
    BufferedReader out = awaitReady(daemon);
    Shell.sh("cd \"$1\"; echo x > f; cat f > /dev/null", point);
    long startNs = System.nanoTime();
    // Process.destroy would close its output as well.
    daemon.toHandle().destroy();
    assertEquals("STOPPED", out.readLine());
    assertTrue(daemon.waitFor(10, TimeUnit.SECONDS), "it exits");
    assertEquals(143, daemon.exitValue());
    long ms = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - startNs);
    System.out.println("exit after SIGTERM: " + ms + " ms");
    assertTrue(MountTable.at(point.toString()).isEmpty());
  }

  @Test
  void aLiveMountIsNotReplaced() throws Exception {
    try (FuseMount mount = mount()) {
      MountException refused = assertThrows(MountException.class, this::mount);
      assertEquals(MountException.Reason.POINT_BUSY, refused.reason());
      assertTrue(mount.isServing());
    }
  }

  @Test
  void aForeignMountIsNotReplaced() throws Exception {
    Shell.sh("mount -t tmpfs none \"$1\"", point);
    MountException refused = assertThrows(MountException.class, this::mount);
    assertEquals(MountException.Reason.POINT_BUSY, refused.reason());
    assertTrue(refused.toString().contains("remedy:"), refused.toString());
  }

  @Test
  void badMountPointsAreRefused() throws Exception {
    Path file = Files.createFile(base.resolve("file"));
    Path full = Files.createDirectory(base.resolve("full"));
    Files.createFile(full.resolve("entry"));
    assertEquals(MountException.Reason.POINT_NOT_DIRECTORY, refusal(file));
    assertEquals(MountException.Reason.POINT_NOT_EMPTY, refusal(full));
    assertEquals(MountException.Reason.POINT_MISSING, refusal(base.resolve("missing")));
    assertEquals(MountException.Reason.POINT_MISSING, refusal(base.resolve("missing/deeper")));
  }

  private MountException.Reason refusal(Path at) {
    return assertThrows(
            MountException.class,
            () ->
                FuseMount.mount(
                    at,
                    files,
                    new MemoryVirtualTree(),
                    MountOptions.of("life").withThreads(2),
                    reactor.agent()))
        .reason();
  }
}
