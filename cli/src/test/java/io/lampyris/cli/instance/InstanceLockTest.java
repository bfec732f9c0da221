package io.lampyris.cli.instance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.cli.base.InputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
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

  @Test
  void thePidThatADeadHolderLeftMeansNothing() throws Exception {
    InstanceDirectory dir = new InstanceDirectory(root);
    Files.writeString(dir.lock(), "1\n");
    assertEquals(OptionalLong.empty(), InstanceLock.holder(dir));
    InstanceLock.acquire(dir).close();
  }
}
