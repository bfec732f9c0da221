package io.lampyris.usrbio;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.client.FileSystem.User;
import io.lampyris.client.FileSystemException;
import io.lampyris.usrbio.Ring.Wake;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Who is woken for completions, and when (I9). */
class RingWakeTest {
  private static final int ENTRIES = 4;
  private static final long SHOWN_NS = 1_000_000;
  private static final long SOON_NS = SHOWN_NS + 100;
  private static final long LATE_NS = SHOWN_NS + 1_000_000;
  private static final User ROOT = new User(0, 0);

  private SharedFile file;
  private MemorySegment memory;
  private Ring ring;

  /** A ring that has shown one completion which nobody has taken. */
  @BeforeEach
  void show() throws FileSystemException {
    String name = "lampyris-wake-" + ProcessHandle.current().pid();
    int fd = Libc.shmOpen("/" + name, Fcntl.O_RDWR | Fcntl.O_CREAT, 0600);
    assertEquals(0, Libc.ftruncate(fd, RingLayout.sizeBytes(ENTRIES)));
    Libc.close(fd);
    file = SharedFile.open(("/dev/shm/" + name).getBytes(UTF_8), ROOT);
    Libc.shmUnlink("/" + name);
    memory = file.memory();
    RingLayout.index(memory, RingLayout.CQE_HEAD_AT, 1);
    ring = new Ring(RegistrationKey.parse("ab".repeat(16) + ".r0.t0"), file, ROOT);
    assertTrue(ring.initialize());
    ring.publishCompletions(SHOWN_NS);
    ring.unposted = true;
  }

  @AfterEach
  void close() {
    file.close();
  }

  private void sleepers(int count) {
    memory.set(JAVA_INT, RingLayout.semaphoreAt(ENTRIES + 1) + 4, count);
  }

  @Test
  void whoSleepsIsWokenAtOnce() {
    sleepers(1);
    assertEquals(Wake.POST, ring.wake(SHOWN_NS));
    // One more wake-up than needed does no harm.
    RingLayout.index(memory, RingLayout.CQE_TAIL_AT, 1);
    assertEquals(Wake.POST, ring.wake(SHOWN_NS));
  }

  @Test
  void whoPollsHasAMomentAndIsNotWokenOnceItTookAll() {
    assertEquals(Wake.LATER, ring.wake(SOON_NS));
    RingLayout.index(memory, RingLayout.CQE_TAIL_AT, 1);
    assertEquals(Wake.NOT_NEEDED, ring.wake(SOON_NS));
    assertEquals(Wake.NOT_NEEDED, ring.wake(LATE_NS));
  }

  @Test
  void whatIsNotTakenIsAnnouncedSoonAndLaterCompletionsDoNotPutThatOff() {
    ring.publishCompletions(LATE_NS);
    assertEquals(Wake.POST, ring.wake(LATE_NS));
  }

  @Test
  void anIndexThatIsNoneIsNotTakenForAllTaken() {
    RingLayout.index(memory, RingLayout.CQE_TAIL_AT, -7);
    assertEquals(Wake.LATER, ring.wake(SOON_NS));
    assertEquals(Wake.POST, ring.wake(LATE_NS));
  }
}
