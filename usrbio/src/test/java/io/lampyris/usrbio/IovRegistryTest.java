package io.lampyris.usrbio;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeException;
import io.lampyris.bindings.Semaphores;
import io.lampyris.client.FileSystem.User;
import io.lampyris.client.FileSystemException;
import io.lampyris.client.VirtualTree.Caller;
import io.lampyris.protocol.Attributes;
import io.lampyris.protocol.Inodes;
import io.lampyris.usrbio.Program.Memory;
import io.lampyris.usrbio.Program.Ring;
import io.lampyris.usrbio.Program.Shared;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(300)
@SuppressWarnings("ClassCanBeStatic")
class IovRegistryTest {
  private static final Path SHM = Path.of("/dev/shm");
  private static final User OTHER = new User(2000, 2000);

  /** What the tests of limits need; everything else is the default. */
  private static final RingServerConfig SMALL =
      new RingServerConfig(0, 10_000_000, 100_000_000, 100_000_000, 64, 256, 4, 8);

  @TempDir Path directory;
  private final Set<Path> scratch = new HashSet<>();

  @SuppressWarnings("NullAway.Init")
  private Rig rig;

  @SuppressWarnings("NullAway.Init")
  private Program program;

  @BeforeEach
  void start() throws IOException {
    rig = new Rig(directory, SMALL);
    program = rig.program();
  }

  @AfterEach
  void stop() throws IOException {
    rig.close();
    for (Path path : scratch) {
      Files.deleteIfExists(path);
    }
  }

  // ---------------------------------------------------------------- the tree

  @Test
  void theTreeShowsTheSubmitSemaphoresAndOnesOwnRegistrations() throws FileSystemException {
    Memory memory = program.new Memory(4096, ".b4096");
    rig.program(OTHER, 1).new Memory(4096, "");

    assertEquals(List.of("iovs"), rig.registry.list(program.caller, ""));
    assertEquals(
        List.of("submit-ios.ph", "submit-ios", "submit-ios.pl", memory.key),
        rig.registry.list(program.caller, "iovs"));
  }

  @Test
  void everythingHasAttributesAndAnInodeNumberOfItsOwnAboveAllFiles() throws FileSystemException {
    Memory memory = program.new Memory(4096, ".b4096");
    Set<Long> inodes = new HashSet<>();
    for (String path : List.of("", "iovs", "iovs/submit-ios", "iovs/submit-ios.ph")) {
      inodes.add(lookup(path).inode());
    }
    inodes.add(lookup("iovs/submit-ios.pl").inode());
    inodes.add(lookup("iovs/" + memory.key).inode());

    assertEquals(6, inodes.size());
    assertTrue(inodes.stream().allMatch(i -> Long.compareUnsigned(i, Inodes.LAST) > 0));
    assertEquals(040555, lookup("").mode());
    assertEquals(040777, lookup("iovs").mode());
    assertEquals(0120777, lookup("iovs/submit-ios").mode());
    Attributes link = lookup("iovs/" + memory.key);
    assertEquals(0120777, link.mode());
    assertEquals(program.caller.user(), new User(link.uid(), link.gid()));
    assertEquals(memory.target().length, link.lengthBytes());
    assertArrayEquals(memory.target(), readSymlink("iovs/" + memory.key));
  }

  @ParameterizedTest
  @ValueSource(strings = {"iovs/submit-ios", "iovs/submit-ios.ph", "iovs/submit-ios.pl"})
  void aSubmitLinkLeadsToASemaphoreThatEverybodyMayPost(String path) throws Exception {
    Path target = Path.of(new String(readSymlink(path), UTF_8));

    assertEquals(SHM, target.getParent());
    assertTrue(target.getFileName().toString().startsWith("sem.hf3fs-submit-ios."));
    assertEquals(0666, (int) Files.getAttribute(target, "unix:mode") & 0777);
    assertEquals(target.toString().length(), lookup(path).lengthBytes());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "nothing",
        "iovs/nothing",
        "iovs/submit-ios.pn",
        "iovs/",
        "iovs/a/b",
        "iovs/00000000000000000000000000000000"
      })
  void whatIsNotThereIsNotFound(String path) {
    assertErrno(Errno.ENOENT, () -> lookup(path));
    assertErrno(Errno.ENOENT, () -> readSymlink(path));
    assertErrno(Errno.ENOENT, () -> rig.registry.unlink(program.caller, path));
  }

  @Test
  void whatTheDaemonMadeStays() {
    for (String path : List.of("", "iovs", "iovs/submit-ios", "iovs/submit-ios.ph")) {
      assertErrno(Errno.EPERM, () -> rig.registry.unlink(program.caller, path));
    }
    byte[] target = program.new Shared(4096).target();
    assertErrno(Errno.EEXIST, () -> link("iovs/submit-ios", target));
    assertErrno(Errno.EPERM, () -> link("x", target));
    assertErrno(Errno.EPERM, () -> link("iovs", target));
    assertErrno(Errno.ENOTDIR, () -> rig.registry.list(program.caller, "iovs/submit-ios"));
    assertErrno(Errno.ENOTDIR, () -> rig.registry.openDirectory(program.caller, "iovs/x"));
    assertErrno(Errno.EINVAL, () -> readSymlink("iovs"));
  }

  // ---------------------------------------------------------------- what may be registered

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "/",
        "/etc/passwd",
        "/dev/shm",
        "/dev/shm/",
        "/dev/shm/.",
        "/dev/shm/..",
        "/dev/shm/../../etc/passwd",
        "/dev/shm/a/b",
        "/dev/shmx",
        "dev/shm/x",
        "x",
        "/dev/shm/a\0b",
        "/tmp/x",
        "/proc/self/mem"
      })
  void aTargetElsewhereIsRefused(String target) {
    assertErrno(Errno.EINVAL, () -> link(key(""), target.getBytes(UTF_8)));
  }

  @Test
  void aTargetWithInvalidUtf8IsRefused() {
    byte[] target = "/dev/shm/xx".getBytes(UTF_8);
    target[10] = (byte) 0xff;
    assertErrno(Errno.EINVAL, () -> link(key(""), target));
  }

  @Test
  void aTargetThatIsNoRegularFileIsRefused() throws Exception {
    Path folder = Files.createDirectory(scratch("folder"));
    Path symlink = Files.createSymbolicLink(scratch("link"), Path.of("/etc/passwd"));
    Path fifo = scratch("fifo");
    assertEquals(0, new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor());
    Path empty = Files.createFile(scratch("empty"));

    for (Path path : List.of(folder, symlink, fifo, empty)) {
      assertErrno(Errno.EINVAL, () -> link(key(""), bytes(path), User.ROOT));
    }
    assertErrno(Errno.EACCES, () -> link(key(""), bytes(scratch("missing")), User.ROOT));
  }

  @Test
  void memoryThatTheUserCannotReadAndWriteIsRefused() throws FileSystemException {
    Shared shared = program.new Shared(4096);
    Libc.chmod("/dev/shm/" + shared.name, 0660);
    assertErrno(Errno.EACCES, () -> link(key(""), shared.target()));
    Libc.chmod("/dev/shm/" + shared.name, 0664);
    assertErrno(Errno.EACCES, () -> link(key(""), shared.target()));
    link(key(""), shared.target(), User.ROOT);
    Libc.chmod("/dev/shm/" + shared.name, 0006);
    link(key(""), shared.target());
  }

  @Test
  void sizesMustFit() throws FileSystemException {
    byte[] ring = program.new Shared(RingLayout.sizeBytes(8)).target();
    byte[] tooSmall = program.new Shared(RingLayout.sizeBytes(1) - 1).target();
    byte[] tooLarge = program.new Shared(RingLayout.sizeBytes(RingLayout.ENTRIES_MAX + 1)).target();

    assertErrno(Errno.EINVAL, () -> link(key(".r9.t0"), ring));
    assertErrno(Errno.EINVAL, () -> link(key(".r0.t0"), tooSmall));
    assertErrno(Errno.EINVAL, () -> link(key(".r0.t0"), tooLarge));
    assertErrno(Errno.EINVAL, () -> link(key(".r0.t0.f100"), ring));
    long size = RingLayout.sizeBytes(8);
    assertErrno(Errno.EINVAL, () -> link(key(".b" + (size + 1)), ring));
    assertErrno(Errno.EINVAL, () -> link("iovs/nonsense", ring));
    assertEquals(0, rig.registry.mapped());
    link(key(".r8.t0"), ring);
    link(key(".b" + size), ring);
    link(key(".r-1000.t0"), ring);
  }

  @Test
  void aRingThatBeginsOutsideItselfIsRefused() {
    Shared ring = program.new Shared(RingLayout.sizeBytes(8));
    RingLayout.index(ring.bytes, RingLayout.CQE_HEAD_AT, 9);
    assertErrno(Errno.EINVAL, () -> link(key(".r0.t0"), ring.target()));
  }

  @Test
  void theCompletionSemaphoreIsReadyWhenTheLinkIs() throws FileSystemException {
    Shared ring = program.new Shared(RingLayout.sizeBytes(8));
    ring.bytes.asSlice(RingLayout.semaphoreAt(9), 32).fill((byte) 0x55);

    link(key(".r0.t0"), ring.target());

    assertEquals(0, Semaphores.value(ring.bytes.asSlice(RingLayout.semaphoreAt(9), 32)));
  }

  @Test
  void aUuidIsRegisteredOnce() throws FileSystemException {
    Memory memory = program.new Memory(4096, "");
    byte[] target = program.new Shared(4096).target();
    assertErrno(Errno.EEXIST, () -> link("iovs/" + memory.id + ".b1", target));
    assertErrno(Errno.EEXIST, () -> link("iovs/" + memory.id, target, OTHER));
    memory.unregister();
    link("iovs/" + memory.id + ".b1", target);
  }

  @Test
  void theTableHasALimitThatCountsWhatIsStillMapped() throws FileSystemException {
    for (int n = 0; n < SMALL.ringsMax(); n++) {
      program.new Ring(1, ".r0.t0");
    }
    byte[] ring = program.new Shared(RingLayout.sizeBytes(1)).target();
    assertErrno(Errno.EMFILE, () -> link(key(".r0.t0"), ring));
    for (int n = SMALL.ringsMax(); n < SMALL.registrationsMax(); n++) {
      program.new Memory(4096, "");
    }
    assertErrno(Errno.EMFILE, () -> link(key(""), ring));
    assertEquals(SMALL.registrationsMax(), rig.registry.mapped());
  }

  // ---------------------------------------------------------------- whose it is

  /** I6. */
  @Test
  void anotherUsersRegistrationIsOutOfReach() throws FileSystemException {
    Memory memory = program.new Memory(4096, "");
    Caller other = new Caller(OTHER, Rig.OWN_PID);
    String path = "iovs/" + memory.key;

    assertErrno(Errno.EPERM, () -> rig.registry.lookup(other, path));
    assertErrno(Errno.EPERM, () -> rig.registry.readSymlink(other, path));
    assertErrno(Errno.EPERM, () -> rig.registry.unlink(other, path));
    assertEquals(3, rig.registry.list(other, "iovs").size());
    assertEquals(1, rig.registry.mapped());
  }

  @Test
  void aRegistrationIsFoundByItsUuidHoweverTheRestIsSpelled() throws FileSystemException {
    Ring ring = program.new Ring(4, ".r0.t0.f10");
    rig.registry.unlink(program.caller, "iovs/" + ring.id + ".r0.t0.f2");
    Rig.await("unmapping", () -> rig.registry.mapped() == 0);
  }

  /** I7. */
  @Test
  void whatAProcessRegisteredGoesWithItsLastDirectoryHandle() throws Exception {
    Process process = new ProcessBuilder("sleep", "600").start();
    try {
      Program owner = rig.program(Rig.USER, (int) process.pid());
      final long first = rig.registry.openDirectory(owner.caller, "iovs");
      final long second = rig.registry.openDirectory(owner.caller, "iovs");
      final long elsewhere = rig.registry.openDirectory(owner.caller, "");
      final long mine = rig.registry.openDirectory(program.caller, "iovs");
      owner.new Memory(4096, "");
      owner.new Ring(4, ".r0.t0");
      Memory kept = program.new Memory(4096, "");

      rig.registry.releaseDirectory(second);
      rig.registry.releaseDirectory(elsewhere);
      assertEquals(6, rig.registry.list(program.caller, "iovs").size());
      rig.registry.releaseDirectory(first);

      assertTrue(rig.registry.list(program.caller, "iovs").contains(kept.key));
      assertEquals(4, rig.registry.list(program.caller, "iovs").size());
      Rig.await("unmapping", () -> rig.registry.mapped() == 1);
      rig.registry.releaseDirectory(mine);
      rig.registry.releaseDirectory(mine);
      Rig.await("unmapping", () -> rig.registry.mapped() == 0);
    } finally {
      process.destroyForcibly().waitFor();
    }
  }

  @Test
  void threadsOfAProcessAreOneOwner() throws Exception {
    AtomicLong thread = new AtomicLong();
    Thread other =
        new Thread(() -> {
          thread.set(threadNumber());
          synchronized (thread) {
            thread.notifyAll();
            Threads.uninterruptibly(thread::wait);
          }
        });
    synchronized (thread) {
      other.start();
      while (thread.get() == 0) {
        thread.wait();
      }
    }
    assertFalse(thread.get() == Rig.OWN_PID);
    long handle = rig.registry.openDirectory(new Caller(Rig.USER, (int) thread.get()), "iovs");
    program.new Memory(4096, "");

    rig.registry.releaseDirectory(handle);

    Rig.await("unmapping", () -> rig.registry.mapped() == 0);
    synchronized (thread) {
      thread.notifyAll();
    }
    other.join();
  }

  private static long threadNumber() {
    try {
      return Long.parseLong(
          Files.readSymbolicLink(Path.of("/proc/thread-self")).getFileName().toString());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void whatADeadProcessRegisteredWithoutAHandleGoesToo() throws Exception {
    Process process = new ProcessBuilder("sleep", "600").start();
    rig.program(Rig.USER, (int) process.pid()).new Memory(4096, "");
    program.new Memory(4096, "");
    assertEquals(2, rig.registry.mapped());

    process.destroyForcibly().waitFor();

    Rig.await("unmapping", () -> rig.registry.mapped() == 1);
  }

  @Test
  void processesWithoutANumberGoWithTheLastOfTheirUser() throws Exception {
    Program hidden = rig.program(Rig.USER, 0);
    final long first = rig.registry.openDirectory(hidden.caller, "iovs");
    final long second = rig.registry.openDirectory(hidden.caller, "iovs");
    hidden.new Memory(4096, "");
    rig.registry.releaseDirectory(first);
    assertEquals(1, rig.registry.mapped());
    rig.registry.releaseDirectory(second);
    Rig.await("unmapping", () -> rig.registry.mapped() == 0);
  }

  // ---------------------------------------------------------------- beginning and end

  @Test
  void closingLeavesNothingInShm() throws Exception {
    Path semaphore = Path.of(new String(readSymlink("iovs/submit-ios"), UTF_8));
    Path record = directory.resolve("usrbio-semaphores");
    program.new Memory(4096, "");
    program.new Ring(4, ".r0.t0");
    assertTrue(Files.exists(semaphore) && Files.exists(record));

    rig.registry.close();

    assertEquals(0, rig.registry.mapped());
    assertFalse(Files.exists(semaphore) || Files.exists(record));
    byte[] target = program.new Shared(4096).target();
    assertErrno(Errno.ENODEV, () -> link(key(""), target));
  }

  @Test
  void theNextStartRemovesWhatAKilledOneLeftAndNothingElse() throws Exception {
    Path other = Files.createDirectory(directory.resolve("other"));
    Path record = other.resolve("usrbio-semaphores");
    SemaphoreNames names = new SemaphoreNames(other);
    List<String> left = names.create(3);
    Semaphores.closeNamed(Semaphores.createNamed(left.get(1), 0666, 0));
    Path innocent = scratch("innocent");
    Semaphores.closeNamed(Semaphores.createNamed(innocent.getFileName().toString(), 0600, 0));
    Path innocentFile = SHM.resolve("sem." + innocent.getFileName());
    scratch.add(innocentFile);
    Files.writeString(
        record, Files.readString(record) + "\n" + innocent.getFileName() + "\n../../etc/x\n\n\0\n");

    names.removeLeftovers();

    assertFalse(Files.exists(SHM.resolve("sem." + left.get(1))));
    assertTrue(Files.exists(innocentFile));
    assertFalse(Files.exists(record));
    names.removeLeftovers();
  }

  @Test
  void aStartRemovesWhatADeadInstanceLeftAndNothingThatMayBeInUse() throws Exception {
    List<Path> dead = new ArrayList<>();
    for (String name : new SemaphoreNames(directory("dead")).create(3)) {
      dead.add(SHM.resolve(name.startsWith("lampyris-board.") ? name : "sem." + name));
    }
    scratch.addAll(dead);
    for (Path each : dead) {
      Files.createFile(each);
    }
    Path live = Path.of(new String(readSymlink("iovs/submit-ios"), UTF_8));
    Path board = Path.of(new String(readSymlink("iovs/changes"), UTF_8));
    // Of those who hold no locks, and what only looks like ours.
    List<Path> others = new ArrayList<>();
    for (String name : List.of("sem.hf3fs-submit-ios.", "lampyris-changes.", "hf3fs-iov-")) {
      others.add(Files.createFile(fresh(name + UUID.randomUUID())));
    }
    others.add(Files.createFile(fresh("lampyris-board." + UUID.randomUUID() + "x")));
    others.add(Files.createDirectory(fresh("lampyris-board." + UUID.randomUUID())));
    others.add(
        Files.createSymbolicLink(fresh("lampyris-board." + UUID.randomUUID()), dead.getFirst()));

    new SemaphoreNames(directory("fresh")).removeLeftovers();

    for (Path each : dead) {
      assertFalse(Files.exists(each), each::toString);
    }
    for (Path each : others) {
      assertTrue(Files.exists(each, LinkOption.NOFOLLOW_LINKS), each::toString);
    }
    assertTrue(Files.exists(live) && Files.exists(board), () -> live + ", " + board);
  }

  @Test
  void aFileThatWasTakenForADeadInstancesIsNotHeld() throws Exception {
    Path path = Files.createFile(fresh("lampyris-board." + UUID.randomUUID()));
    int fd = Libc.open(path.toString(), Fcntl.O_RDONLY | Fcntl.O_CLOEXEC, 0);
    try {
      new SemaphoreNames(directory("another")).removeLeftovers();
      assertFalse(Files.exists(path));
      assertThrows(NativeException.class, () -> SemaphoreNames.hold(fd, path.toString()));
    } finally {
      Libc.close(fd);
    }
  }

  @Test
  void whoStartsWhileOthersStartHoldsItsFilesOrHearsThatTheyAreGone() throws Exception {
    SemaphoreNames other = new SemaphoreNames(directory("starting"));
    AtomicLong sweeps = new AtomicLong();
    AtomicBoolean enough = new AtomicBoolean();
    Thread sweeper =
        Thread.ofPlatform()
            .start(() -> {
              while (!enough.get()) {
                try {
                  other.removeLeftovers();
                } catch (IOException e) {
                  throw new AssertionError(e);
                }
                sweeps.incrementAndGet();
              }
            });
    int held = 0;
    try {
      for (int round = 0; round < 300; round++) {
        ChangeBoard board;
        try {
          board = new ChangeBoard(fresh("lampyris-board." + UUID.randomUUID()));
        } catch (NativeException | NoSuchFileException e) {
          continue;
        }
        long before = sweeps.get();
        Rig.await("sweeps", () -> sweeps.get() >= before + 2);
        assertTrue(Files.exists(board.file()), "removed while it is held");
        board.remove();
        held++;
      }
    } finally {
      enough.set(true);
      sweeper.join();
    }
    assertTrue(held > 0, "none was ever held");
  }

  private Path directory(String name) throws IOException {
    return Files.createDirectory(directory.resolve(name));
  }

  private Path fresh(String name) {
    Path path = SHM.resolve(name);
    scratch.add(path);
    return path;
  }

  // ---------------------------------------------------------------- the board of changes

  @Test
  void changesAreCountedWhereProgramsSeeThem() throws Exception {
    Path board = Path.of(new String(readSymlink("iovs/changes"), UTF_8));
    assertEquals(board.toString().length(), lookup("iovs/changes").lengthBytes());
    assertEquals(SHM, board.getParent());
    assertEquals("rw-r--r--", PosixFilePermissions.toString(Files.getPosixFilePermissions(board)));
    assertEquals(64 << 10, Files.size(board));

    rig.registry.changes().accept(4711);
    rig.registry.changes().accept(4711);
    rig.registry.changes().accept(-1);

    // As native/preload computes it: the upper 14 bits of the product.
    assertEquals(2, wordOf(board, 4711));
    assertEquals(1, wordOf(board, -1));
    assertEquals(0, wordOf(board, 4712));
    rig.registry.close();
    assertFalse(Files.exists(board));
    rig.registry.changes().accept(4711);
  }

  private static int wordOf(Path board, long inode) throws IOException {
    int word = (int) Long.divideUnsigned(inode * 0x9e3779b97f4a7c15L, 1L << 50);
    return ByteBuffer.wrap(Files.readAllBytes(board))
        .order(ByteOrder.nativeOrder())
        .getInt(4 * word);
  }

  @Test
  void theBoardOfAKilledDaemonIsRemovedByTheNext() throws Exception {
    Path place = Files.createDirectory(directory.resolve("killed"));
    SemaphoreNames names = new SemaphoreNames(place);
    ChangeBoard left = new ChangeBoard(SHM.resolve(names.create(3).getLast()));
    assertTrue(Files.exists(left.file()));
    names.removeLeftovers();
    assertFalse(Files.exists(left.file()));
  }

  // ---------------------------------------------------------------- helpers

  private Attributes lookup(String path) throws FileSystemException {
    return rig.registry.lookup(program.caller, path);
  }

  private byte[] readSymlink(String path) throws FileSystemException {
    return rig.registry.readSymlink(program.caller, path);
  }

  private void link(String path, byte[] target) throws FileSystemException {
    link(path, target, program.caller.user());
  }

  private void link(String path, byte[] target, User user) throws FileSystemException {
    rig.registry.makeSymlink(new Caller(user, Rig.OWN_PID), path, target);
  }

  private static String key(String attributes) {
    return "iovs/" + Program.randomId() + attributes;
  }

  private Path scratch(String name) {
    Path path = SHM.resolve("lampyris-test-" + name + "-" + Rig.OWN_PID);
    scratch.add(path);
    return path;
  }

  private static byte[] bytes(Path path) {
    return path.toString().getBytes(UTF_8);
  }

  private static void assertErrno(int errno, Executable action) {
    FileSystemException e = assertThrows(FileSystemException.class, action);
    assertEquals(Errno.name(errno), Errno.name(e.errno()), e.getMessage());
  }
}
