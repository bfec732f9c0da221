package io.lampyris.cli.instance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.cli.base.InputException;
import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InstanceLockTest {
  @TempDir private Path root;

  @Test
  void theHolderIsKnownByItsPidUntilItLetsGo_I3() throws Exception {
    InstanceDirectory dir = new InstanceDirectory(root);
    assertEquals(OptionalLong.empty(), InstanceLock.holder(dir));
    long own = ProcessHandle.current().pid();
    try (InstanceLock _ = InstanceLock.acquire(dir)) {
      assertEquals(OptionalLong.of(own), InstanceLock.holder(dir));
      InputException e = assertThrows(InputException.class, () -> InstanceLock.acquire(dir));
      assertTrue(String.valueOf(e.getMessage()).contains("is in use by pid " + own));
    }
    assertEquals(OptionalLong.empty(), InstanceLock.holder(dir));
  }

  /** As {@code lampyris up} looks after what it starts, all the time. */
  @Test
  void whoeverLooksKeepsNobodyFromTakingIt() throws Exception {
    InstanceDirectory dir = new InstanceDirectory(root);
    InstanceLock.acquire(dir).close();
    Process looking =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Looking.class.getName(),
                root.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    int taken = 0;
    try (BufferedReader said = looking.inputReader()) {
      assertEquals("looking", said.readLine());
      long untilNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(1);
      while (System.nanoTime() - untilNs < 0) {
        InstanceLock.acquire(dir).close();
        taken++;
      }
      looking.outputWriter().append('\n').close();
      String[] seen = said.readLine().split(" ", -1);
      int free = Integer.parseInt(seen[0]);
      int held = Integer.parseInt(seen[1]);
      assertTrue(
          taken > 100 && free > 100 && held > 0, taken + " taken, " + String.join(" ", seen));
      assertEquals(Long.toString(ProcessHandle.current().pid()), seen[2]);
    } finally {
      looking.destroyForcibly();
    }
  }

  /**
   * Looks until a line tells it to end, and says how often it saw nobody and somebody, and whom.
   */
  static final class Looking {
    private Looking() {}

    public static void main(String[] args) throws Exception {
      InstanceDirectory dir = new InstanceDirectory(Path.of(args[0]));
      System.out.println("looking");
      int free = 0;
      int held = 0;
      Set<Long> pids = new TreeSet<>();
      while (System.in.available() == 0) {
        OptionalLong pid = InstanceLock.holder(dir);
        if (pid.isPresent()) {
          held++;
          pids.add(pid.getAsLong());
        } else {
          free++;
        }
      }
      System.out.printf(
          "%d %d %s%n",
          free, held, pids.stream().map(String::valueOf).collect(Collectors.joining(",")));
    }
  }

  @Test
  void thePidThatADeadHolderLeftMeansNothing() throws Exception {
    InstanceDirectory dir = new InstanceDirectory(root);
    Files.writeString(dir.lock(), "1\n");
    assertEquals(OptionalLong.empty(), InstanceLock.holder(dir));
    InstanceLock.acquire(dir).close();
  }
}
