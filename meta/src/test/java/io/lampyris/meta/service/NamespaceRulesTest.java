package io.lampyris.meta.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.meta.schema.Inode;
import io.lampyris.meta.schema.Keys;
import io.lampyris.protocol.AttributeMask;
import io.lampyris.protocol.Attributes;
import io.lampyris.protocol.ChoreKind;
import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.FileMode;
import io.lampyris.protocol.Inodes;
import io.lampyris.protocol.OpenFlags;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.kv.MemoryKv;
import io.lampyris.reactor.kv.Transaction;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** The rules of every operation, through its messages. */
class NamespaceRulesTest {
  private static final long ROOT = Inodes.ROOT;
  private static final int NO_REPLACE = 1;
  private static final int EXCHANGE = 2;
  private static final int FILE = FileMode.REGULAR | 0644;

  private final MetaRig meta = new MetaRig(new MemoryKv());

  private void refused(Status status, MetaRig.TestCall call) {
    assertEquals(status.code(), meta.run(call).result);
  }

  private long lookup(long parent, String name) {
    return meta.ok(meta.lookupCall(parent, name)).inode();
  }

  private boolean exists(long parent, String name) {
    return meta.run(meta.lookupCall(parent, name)).result == 0;
  }

  private int links(long inode) {
    return meta.stat(inode).linkCount();
  }

  private void set(long inode, int mask, int mode, int uid, int gid) {
    meta.ok(meta.setCall(inode, mask, mode, uid, gid, 0, 0));
  }

  // Lookup

  @Test
  void theRootIsThereFromTheStart() {
    Attributes root = meta.stat(ROOT);
    assertEquals(FileMode.DIRECTORY | 0755, root.mode());
    assertEquals(2, root.linkCount());
    assertEquals(ROOT, root.parent());
    assertEquals(1, meta.inodeCount());
  }

  @Test
  void dotAndDotDotAreLookedUp() {
    long a = meta.mkdir(ROOT, "a");
    long b = meta.mkdir(a, "b");
    assertEquals(b, lookup(b, "."));
    assertEquals(a, lookup(b, ".."));
    assertEquals(ROOT, lookup(ROOT, ".."));
  }

  @Test
  void lookupsSayWhatIsWrong() {
    long file = meta.create(ROOT, "file");
    refused(Status.NOT_FOUND, meta.lookupCall(ROOT, "none"));
    refused(Status.NOT_FOUND, meta.lookupCall(99_999, "x"));
    refused(Status.NOT_DIRECTORY, meta.lookupCall(file, "x"));
    refused(Status.NAME_TOO_LONG, meta.lookupCall(ROOT, "x".repeat(256)));
    refused(Status.NOT_FOUND, meta.attributesCall(99_999));
  }

  // Create

  @Test
  void aNewFileHasItsOwnerModeTimesAndLayout() {
    meta.as(10, 20);
    Attributes first = meta.ok(meta.createCall(ROOT, "a", FileMode.REGULAR | 04640, 0));
    assertEquals(FileMode.REGULAR | 04640, first.mode());
    assertEquals(10, first.uid());
    assertEquals(20, first.gid());
    assertEquals(1, first.linkCount());
    assertEquals(0, first.lengthBytes());
    assertEquals(meta.wallNs, first.mtimeNs());
    assertEquals(new FileLayout(1 << 20, 2, 1, 1, first.layout().chainBase(), 0), first.layout());
    Attributes second = meta.ok(meta.createCall(ROOT, "b", FILE, 0));
    int next = (first.layout().chainBase() + 2) % 4;
    assertEquals(next, second.layout().chainBase(), "stripes go round the table");
    assertTrue(first.inode() >= Inodes.FIRST);
    assertEquals(3, meta.inodeCount());
  }

  @Test
  void creatingChangesTheParentsTimes() {
    meta.wallNs += 5;
    meta.create(ROOT, "a");
    assertEquals(meta.wallNs, meta.stat(ROOT).mtimeNs());
    assertEquals(meta.wallNs, meta.stat(ROOT).ctimeNs());
  }

  @Test
  void anExclusiveCreateFindsNothingInItsPlaceAndAnOtherOneOpens() {
    long a = meta.create(ROOT, "a");
    refused(Status.EXISTS, meta.createCall(ROOT, "a", FILE, OpenFlags.EXCLUSIVE));
    assertEquals(a, meta.ok(meta.createCall(ROOT, "a", FILE, 0)).inode());
    meta.mkdir(ROOT, "d");
    refused(Status.IS_DIRECTORY, meta.createCall(ROOT, "d", FILE, 0));
    set(a, AttributeMask.MODE, 0600, 0, 0);
    meta.as(5, 5);
    refused(Status.ACCESS_DENIED, meta.createCall(ROOT, "a", FILE, OpenFlags.WRITE));
  }

  @Test
  void namesThatNobodyCouldSayAreRefused() {
    for (String name : List.of("", ".", "..", "a/b", "a\0b")) {
      refused(Status.INVALID_ARGUMENT, meta.createCall(ROOT, name, FILE, 0));
      refused(Status.INVALID_ARGUMENT, meta.mkdirCall(ROOT, name, 0755));
      refused(Status.INVALID_ARGUMENT, meta.symlinkCall(ROOT, name, "x"));
    }
    refused(Status.NAME_TOO_LONG, meta.mkdirCall(ROOT, "n".repeat(256), 0755));
    meta.mkdir(ROOT, "n".repeat(255));
    assertEquals(2, meta.inodeCount());
  }

  @Test
  void fifosAndSocketsAreMadeAndDevicesAreNot() {
    Attributes fifo = meta.ok(meta.createCall(ROOT, "fifo", FileMode.FIFO | 0600, 0));
    assertEquals(FileMode.FIFO | 0600, fifo.mode());
    assertEquals(FileLayout.NONE, fifo.layout());
    meta.ok(meta.createCall(ROOT, "socket", FileMode.SOCKET | 0600, 0));
    refused(Status.NOT_PERMITTED, meta.createCall(ROOT, "tty", 0020600, 0));
    refused(Status.INVALID_ARGUMENT, meta.createCall(ROOT, "d", FileMode.DIRECTORY | 0700, 0));
    refused(Status.EXISTS, meta.createCall(ROOT, "fifo", FILE, 0));
  }

  @Test
  void aSetGidDirectoryGivesItsGroupAway() {
    long d = meta.mkdir(ROOT, "d");
    set(d, AttributeMask.MODE | AttributeMask.GID, 02775, 0, 77);
    meta.as(5, 6);
    assertEquals(77, meta.stat(meta.create(d, "file")).gid());
    Attributes sub = meta.ok(meta.mkdirCall(d, "sub", 0755));
    assertEquals(77, sub.gid());
    assertEquals(FileMode.DIRECTORY | 02755, sub.mode());
    assertEquals(77, meta.ok(meta.symlinkCall(d, "link", "x")).gid());
  }

  // Directories

  @Test
  void directoriesCountTheirSubdirectories() {
    long a = meta.mkdir(ROOT, "a");
    assertEquals(2, links(a));
    assertEquals(3, links(ROOT));
    meta.mkdir(a, "b");
    assertEquals(3, links(a));
    refused(Status.EXISTS, meta.mkdirCall(ROOT, "a", 0755));
    refused(Status.NOT_EMPTY, meta.rmdirCall(ROOT, "a"));
    assertEquals(0, meta.ok(meta.rmdirCall(a, "b")).linkCount());
    assertEquals(2, links(a));
    meta.ok(meta.rmdirCall(ROOT, "a"));
    assertEquals(2, links(ROOT));
    refused(Status.NOT_FOUND, meta.attributesCall(a));
    refused(Status.NOT_FOUND, meta.createCall(a, "late", FILE, 0));
    assertEquals(1, meta.inodeCount());
  }

  @Test
  void rmdirAndUnlinkKeepToTheirKind() {
    meta.mkdir(ROOT, "d");
    meta.create(ROOT, "f");
    refused(Status.IS_DIRECTORY, meta.unlinkCall(ROOT, "d"));
    refused(Status.NOT_DIRECTORY, meta.rmdirCall(ROOT, "f"));
    refused(Status.NOT_FOUND, meta.unlinkCall(ROOT, "none"));
    refused(Status.NOT_FOUND, meta.rmdirCall(ROOT, "none"));
  }

  // Links

  @Test
  void symlinksHoldTheirTargetAndVanishAtOnce() {
    Attributes link = meta.ok(meta.symlinkCall(ROOT, "l", "../some/where"));
    assertEquals(FileMode.SYMLINK | 0777, link.mode());
    assertEquals(13, link.lengthBytes());
    assertEquals("../some/where", meta.readlink(link.inode()));
    refused(Status.EXISTS, meta.symlinkCall(ROOT, "l", "x"));
    refused(Status.NAME_TOO_LONG, meta.symlinkCall(ROOT, "m", "t".repeat(4096)));
    refused(Status.NOT_FOUND, meta.symlinkCall(ROOT, "m", ""));
    String longest = "t".repeat(4095);
    assertEquals(longest, meta.readlink(meta.ok(meta.symlinkCall(ROOT, "m", longest)).inode()));
    assertEquals("status " + Status.INVALID_ARGUMENT.code(), meta.readlink(meta.create(ROOT, "f")));
    meta.ok(meta.unlinkCall(ROOT, "l"));
    refused(Status.NOT_FOUND, meta.attributesCall(link.inode()));
    assertEquals(List.of(), meta.chores(ChoreKind.REMOVE));
  }

  @Test
  void hardLinksAreCounted() {
    long f = meta.create(ROOT, "f");
    long d = meta.mkdir(ROOT, "d");
    assertEquals(2, meta.ok(meta.linkCall(f, d, "g")).linkCount());
    assertEquals(f, lookup(d, "g"));
    refused(Status.EXISTS, meta.linkCall(f, d, "g"));
    refused(Status.NOT_PERMITTED, meta.linkCall(d, ROOT, "e"));
    refused(Status.NOT_FOUND, meta.linkCall(99_999, ROOT, "e"));
    assertEquals(1, meta.ok(meta.unlinkCall(ROOT, "f")).linkCount());
    assertEquals(List.of(), meta.chores(ChoreKind.REMOVE));
  }

  @Test
  void linksEndAtTheirMaximum() {
    long f = meta.create(ROOT, "f");
    try (Transaction transaction = meta.kv.begin()) {
      byte[] value = Objects.requireNonNull(transaction.get(Keys.inode(f)));
      Inode inode = Inode.wrap(f, value);
      inode.linkCount(65_534);
      transaction.put(Keys.inode(f), inode.value());
      transaction.commit();
    }
    meta.ok(meta.linkCall(f, ROOT, "last"));
    refused(Status.TOO_MANY_LINKS, meta.linkCall(f, ROOT, "more"));
  }

  // Unlink, sessions and chores

  @Test
  void anUnlinkedFileIsAChoreUntilItsChunksAreGone() {
    long f = meta.create(ROOT, "f");
    assertEquals(0, meta.ok(meta.unlinkCall(ROOT, "f")).linkCount());
    assertEquals(f, meta.chores(ChoreKind.REMOVE).getFirst().inode());
    assertEquals(2, meta.inodeCount());
    refused(Status.NOT_FOUND, meta.openCall(f, OpenFlags.SESSION));
    refused(Status.NOT_FOUND, meta.linkCall(f, ROOT, "again"));
    assertEquals(0, meta.run(meta.endChoreCall(ChoreKind.REMOVE, f, 0, 0)).result);
    assertEquals(0, meta.run(meta.endChoreCall(ChoreKind.REMOVE, f, 0, 0)).result, "a retry");
    refused(Status.NOT_FOUND, meta.attributesCall(f));
    assertEquals(1, meta.inodeCount());
    assertEquals(List.of(), meta.chores(ChoreKind.REMOVE));
  }

  @Test
  void anUnlinkedFileLivesUntilItsLastClose() {
    int flags = OpenFlags.SESSION | OpenFlags.WRITE;
    long f = meta.ok(meta.createCall(ROOT, "f", FILE, flags)).inode();
    meta.client = 8;
    meta.ok(meta.openCall(f, OpenFlags.SESSION));
    meta.ok(meta.unlinkCall(ROOT, "f"));
    assertEquals(List.of(), meta.chores(ChoreKind.REMOVE));
    assertEquals(0, links(f));
    refused(Status.BUSY, meta.endChoreCall(ChoreKind.REMOVE, f, 0, 0));
    meta.ok(meta.closeCall(f, -1, 0, -1));
    meta.ok(meta.closeCall(f, -1, 0, -1));
    assertEquals(List.of(), meta.chores(ChoreKind.REMOVE));
    meta.client = 7;
    meta.ok(meta.closeCall(f, 10, 0, -1));
    assertEquals(f, meta.chores(ChoreKind.REMOVE).getFirst().inode());
  }

  @Test
  void aNamedFileIsNoChoreToRemove() {
    long f = meta.create(ROOT, "f");
    refused(Status.INVALID_ARGUMENT, meta.endChoreCall(ChoreKind.REMOVE, f, 0, 0));
    assertEquals(1, links(f));
  }

  @Test
  void opensAreOfFiles() {
    long d = meta.mkdir(ROOT, "d");
    long l = meta.ok(meta.symlinkCall(ROOT, "l", "x")).inode();
    meta.ok(meta.openCall(d, OpenFlags.SESSION));
    refused(Status.IS_DIRECTORY, meta.openCall(d, OpenFlags.WRITE));
    refused(Status.INVALID_ARGUMENT, meta.openCall(l, 0));
    refused(Status.NOT_FOUND, meta.openCall(99_999, 0));
    meta.ok(meta.rmdirCall(ROOT, "d"));
    assertEquals(2, meta.inodeCount());
  }

  @Test
  void sessionsOfClientsThatWentAreSettled() {
    int flags = OpenFlags.SESSION | OpenFlags.WRITE;
    long kept = meta.ok(meta.createCall(ROOT, "kept", FILE, flags)).inode();
    long gone = meta.ok(meta.createCall(ROOT, "gone", FILE, flags)).inode();
    meta.ok(meta.unlinkCall(ROOT, "gone"));
    assertEquals(List.of(), meta.chores(ChoreKind.SETTLE), "its own are not listed");
    meta.client = 8;
    assertEquals(2, meta.chores(ChoreKind.SETTLE).size());
    assertEquals(7, meta.chores(ChoreKind.SETTLE).getFirst().client());
    meta.run(meta.endChoreCall(ChoreKind.SETTLE, kept, 4096, 7));
    meta.run(meta.endChoreCall(ChoreKind.SETTLE, kept, 9999, 8));
    meta.run(meta.endChoreCall(ChoreKind.SETTLE, gone, 0, 7));
    assertEquals(9999, meta.stat(kept).lengthBytes());
    assertEquals(List.of(), meta.chores(ChoreKind.SETTLE));
    assertEquals(gone, meta.chores(ChoreKind.REMOVE).getFirst().inode());
  }

  @Test
  void choresComeInPages() {
    for (int i = 0; i < 25; i++) {
      meta.create(ROOT, "f" + i);
      meta.ok(meta.unlinkCall(ROOT, "f" + i));
    }
    List<MetaRig.Listed> found = new ArrayList<>();
    boolean more = true;
    int pages = 0;
    while (more) {
      long after = found.isEmpty() ? 0 : found.getLast().inode();
      more = meta.chores(ChoreKind.REMOVE, after, 10, found);
      pages++;
    }
    assertEquals(25, found.stream().map(MetaRig.Listed::inode).distinct().count());
    assertEquals(3, pages);
  }

  @Test
  void aPageDoesNotCutTheSessionsOfAnInodeApart() {
    long a = meta.create(ROOT, "a");
    long b = meta.create(ROOT, "b");
    for (int client = 100; client < 104; client++) {
      meta.client = client;
      meta.ok(meta.openCall(a, OpenFlags.SESSION));
      meta.ok(meta.openCall(b, OpenFlags.SESSION));
    }
    meta.client = 1;
    List<MetaRig.Listed> found = new ArrayList<>();
    assertTrue(meta.chores(ChoreKind.SETTLE, 0, 6, found));
    assertEquals(4, found.size());
    meta.chores(ChoreKind.SETTLE, found.getLast().inode(), 6, found);
    assertEquals(8, found.size());
  }

  // Lengths

  @Test
  void lengthsOnlyRise() {
    long f = meta.create(ROOT, "f");
    assertEquals(100, meta.ok(meta.syncCall(f, 100, 0, -1, true)).lengthBytes());
    assertEquals(100, meta.ok(meta.syncCall(f, 50, 0, -1, true)).lengthBytes());
    Attributes timed = meta.ok(meta.syncCall(f, -1, 0, 12_345, false));
    assertEquals(100, timed.lengthBytes());
    assertEquals(12_345, timed.mtimeNs());
    assertEquals(200, meta.ok(meta.closeCall(f, 200, 0, -1)).lengthBytes());
    long max = meta.stat(f).layout().lengthMaxBytes();
    refused(Status.FILE_TOO_LARGE, meta.syncCall(f, max + 1, 0, -1, true));
    refused(Status.IS_DIRECTORY, meta.syncCall(ROOT, 5, 0, -1, true));
    refused(Status.NOT_FOUND, meta.syncCall(99_999, 5, 0, -1, true));
    meta.ok(meta.syncCall(ROOT, -1, 0, -1, true));
  }

  @Test
  void aLengthFromBeforeATruncationIsIgnored() {
    long f = meta.create(ROOT, "f");
    meta.ok(meta.syncCall(f, 100, 0, -1, true));
    Attributes cut = meta.ok(meta.beginTruncateCall(f, 10));
    assertEquals(1, cut.truncateVersion());
    assertEquals(10, meta.ok(meta.syncCall(f, 100, 0, -1, true)).lengthBytes());
    assertEquals(60, meta.ok(meta.syncCall(f, 60, 1, -1, true)).lengthBytes());
  }

  @Test
  void aTruncationIsAChoreUntilItEnds() {
    long f = meta.create(ROOT, "f");
    meta.ok(meta.syncCall(f, 100, 0, -1, true));
    meta.ok(meta.beginTruncateCall(f, 10));
    assertEquals(10, meta.chores(ChoreKind.TRUNCATE).getFirst().lengthBytes());
    meta.ok(meta.beginTruncateCall(f, 5));
    meta.ok(meta.endTruncateCall(f, 1));
    assertEquals(1, meta.chores(ChoreKind.TRUNCATE).size(), "truncated again meanwhile");
    meta.ok(meta.endTruncateCall(f, 2));
    assertEquals(List.of(), meta.chores(ChoreKind.TRUNCATE));
    meta.ok(meta.beginTruncateCall(f, 7));
    refused(Status.BUSY, meta.endChoreCall(ChoreKind.TRUNCATE, f, 6, 0));
    assertEquals(0, meta.run(meta.endChoreCall(ChoreKind.TRUNCATE, f, 7, 0)).result);
    assertEquals(List.of(), meta.chores(ChoreKind.TRUNCATE));
  }

  @Test
  void onlyFilesAreTruncatedAndOnlyToWhatTheyCanHold() {
    long f = meta.create(ROOT, "f");
    refused(Status.IS_DIRECTORY, meta.beginTruncateCall(ROOT, 0));
    refused(Status.INVALID_ARGUMENT, meta.beginTruncateCall(f, -1));
    refused(Status.FILE_TOO_LARGE, meta.beginTruncateCall(f, Long.MAX_VALUE));
    refused(Status.NOT_FOUND, meta.beginTruncateCall(99_999, 0));
    long l = meta.ok(meta.symlinkCall(ROOT, "l", "x")).inode();
    refused(Status.INVALID_ARGUMENT, meta.beginTruncateCall(l, 0));
  }

  // Attributes

  @Test
  void modesKeepTheirTypeAndTimesTheirNanoseconds() {
    long f = meta.create(ROOT, "f");
    meta.wallNs += 7;
    Attributes chmod =
        meta.ok(meta.setCall(f, AttributeMask.MODE, FileMode.DIRECTORY | 06711, 0, 0, 0, 0));
    assertEquals(FileMode.REGULAR | 06711, chmod.mode());
    assertEquals(meta.wallNs, chmod.ctimeNs());
    int times = AttributeMask.ATIME | AttributeMask.MTIME;
    Attributes touched = meta.ok(meta.setCall(f, times, 0, 0, 0, 123_456_789L, -5L));
    assertEquals(123_456_789L, touched.atimeNs());
    assertEquals(-5L, touched.mtimeNs(), "before the epoch");
    assertEquals(chmod.mode(), touched.mode());
    refused(Status.INVALID_ARGUMENT, meta.setCall(f, 1 << 10, 0, 0, 0, 0, 0));
    refused(Status.NOT_FOUND, meta.setCall(99_999, times, 0, 0, 0, 0, 0));
  }

  @Test
  void onlyOwnersChangeModesAndOnlyRootGivesFilesAway() {
    meta.as(5, 5);
    long f = meta.create(ROOT, "f");
    set(f, AttributeMask.MODE, 0600, 0, 0);
    refused(Status.NOT_PERMITTED, meta.setCall(f, AttributeMask.UID, 0, 6, 0, 0, 0));
    set(f, AttributeMask.UID, 0, 5, 0);
    set(f, AttributeMask.GID, 0, 0, 9);
    meta.as(6, 6);
    refused(Status.NOT_PERMITTED, meta.setCall(f, AttributeMask.MODE, 0666, 0, 0, 0, 0));
    refused(Status.NOT_PERMITTED, meta.setCall(f, AttributeMask.GID, 0, 0, 6, 0, 0));
    refused(Status.NOT_PERMITTED, meta.setCall(f, AttributeMask.MTIME, 0, 0, 0, 0, 1));
    meta.as(0, 0);
    set(f, AttributeMask.MODE | AttributeMask.UID, 0666, 7, 0);
    assertEquals(7, meta.stat(f).uid());
    meta.as(6, 6);
    meta.ok(meta.setCall(f, AttributeMask.MTIME, 0, 0, 0, 0, 1));
  }

  @Test
  void chownTakesPrivilegesAway() {
    meta.as(5, 5);
    long f = meta.ok(meta.createCall(ROOT, "f", FileMode.REGULAR | 06755, 0)).inode();
    set(f, AttributeMask.GID, 0, 0, 9);
    assertEquals(FileMode.REGULAR | 0755, meta.stat(f).mode());
  }

  @Test
  void aStickyDirectoryProtectsNames() {
    set(ROOT, AttributeMask.MODE, 01777, 0, 0);
    meta.as(5, 5);
    meta.create(ROOT, "of5");
    meta.as(6, 6);
    meta.create(ROOT, "of6");
    refused(Status.NOT_PERMITTED, meta.unlinkCall(ROOT, "of5"));
    refused(Status.NOT_PERMITTED, meta.renameCall(ROOT, "of5", ROOT, "x", 0));
    refused(Status.NOT_PERMITTED, meta.renameCall(ROOT, "of6", ROOT, "of5", 0));
    meta.ok(meta.unlinkCall(ROOT, "of6"));
    meta.as(0, 0);
    meta.ok(meta.unlinkCall(ROOT, "of5"));
  }

  // Rename

  @Test
  void aRenameMovesTheName() {
    long d = meta.mkdir(ROOT, "d");
    long f = meta.create(ROOT, "f");
    assertEquals(0, meta.ok(meta.renameCall(ROOT, "f", d, "g", 0)).inode());
    assertEquals(f, lookup(d, "g"));
    assertTrue(!exists(ROOT, "f"));
    refused(Status.NOT_FOUND, meta.renameCall(ROOT, "f", d, "g", 0));
    refused(Status.NOT_FOUND, meta.renameCall(ROOT, "f", 99_999, "g", 0));
    refused(Status.NOT_DIRECTORY, meta.renameCall(d, "g", f, "g", 0));
    refused(Status.INVALID_ARGUMENT, meta.renameCall(d, "g", d, "..", 0));
    refused(Status.INVALID_ARGUMENT, meta.renameCall(d, "g", d, "h", 3));
    refused(Status.INVALID_ARGUMENT, meta.renameCall(d, "g", d, "h", 4));
  }

  @Test
  void aRenameOntoTheSameInodeDoesNothing() {
    long f = meta.create(ROOT, "f");
    meta.ok(meta.linkCall(f, ROOT, "g"));
    assertEquals(0, meta.ok(meta.renameCall(ROOT, "f", ROOT, "g", 0)).inode());
    assertEquals(0, meta.ok(meta.renameCall(ROOT, "f", ROOT, "f", 0)).inode());
    assertTrue(exists(ROOT, "f") && exists(ROOT, "g"));
    assertEquals(2, links(f));
  }

  @Test
  void aRenameReplacesAFile() {
    long f = meta.create(ROOT, "f");
    long g = meta.create(ROOT, "g");
    Attributes replaced = meta.ok(meta.renameCall(ROOT, "f", ROOT, "g", 0));
    assertEquals(g, replaced.inode());
    assertEquals(0, replaced.linkCount());
    assertEquals(f, lookup(ROOT, "g"));
    assertEquals(g, meta.chores(ChoreKind.REMOVE).getFirst().inode());
  }

  @Test
  void aRenameReplacesAnEmptyDirectoryAndKeepsCount() {
    long a = meta.mkdir(ROOT, "a");
    long b = meta.mkdir(ROOT, "b");
    long sub = meta.mkdir(a, "sub");
    meta.mkdir(b, "sub");
    meta.ok(meta.renameCall(a, "sub", b, "sub", 0));
    assertEquals(sub, lookup(b, "sub"));
    assertEquals(b, lookup(sub, ".."));
    assertEquals(2, links(a));
    assertEquals(3, links(b));
    assertEquals(4, meta.inodeCount());
    meta.create(sub, "full");
    meta.mkdir(a, "other");
    refused(Status.NOT_EMPTY, meta.renameCall(a, "other", b, "sub", 0));
  }

  @Test
  void kindsAreNotReplacedByOtherKinds() {
    meta.mkdir(ROOT, "d");
    meta.create(ROOT, "f");
    refused(Status.NOT_DIRECTORY, meta.renameCall(ROOT, "d", ROOT, "f", 0));
    refused(Status.IS_DIRECTORY, meta.renameCall(ROOT, "f", ROOT, "d", 0));
  }

  @Test
  void aDirectoryDoesNotMoveIntoItself() {
    long a = meta.mkdir(ROOT, "a");
    long b = meta.mkdir(a, "b");
    long c = meta.mkdir(b, "c");
    refused(Status.LOOP, meta.renameCall(ROOT, "a", a, "x", 0));
    refused(Status.LOOP, meta.renameCall(ROOT, "a", c, "x", 0));
    refused(Status.NOT_EMPTY, meta.renameCall(b, "c", ROOT, "a", 0));
    refused(Status.LOOP, meta.renameCall(ROOT, "a", b, "c", EXCHANGE));
    refused(Status.LOOP, meta.renameCall(b, "c", ROOT, "a", EXCHANGE));
    assertEquals(22, Status.LOOP.errno());
  }

  @Test
  void aRenameMayRefuseToReplace() {
    meta.create(ROOT, "f");
    meta.create(ROOT, "g");
    refused(Status.EXISTS, meta.renameCall(ROOT, "f", ROOT, "g", NO_REPLACE));
    refused(Status.EXISTS, meta.renameCall(ROOT, "f", ROOT, "f", NO_REPLACE));
    meta.ok(meta.renameCall(ROOT, "f", ROOT, "h", NO_REPLACE));
  }

  @Test
  void namesAreExchanged() {
    long a = meta.mkdir(ROOT, "a");
    long d = meta.mkdir(a, "d");
    long f = meta.create(ROOT, "f");
    refused(Status.NOT_FOUND, meta.renameCall(ROOT, "f", ROOT, "none", EXCHANGE));
    assertEquals(0, meta.ok(meta.renameCall(ROOT, "f", a, "d", EXCHANGE)).inode());
    assertEquals(f, lookup(a, "d"));
    assertEquals(d, lookup(ROOT, "f"));
    assertEquals(ROOT, lookup(d, ".."));
    assertEquals(2, links(a));
    assertEquals(4, links(ROOT));
    assertEquals(FileMode.DIRECTORY, meta.list(ROOT).get(1).mode());
  }

  // Listings

  @Test
  void entriesComeInByteOrderWithTheirTypes() {
    meta.create(ROOT, "b");
    meta.mkdir(ROOT, "a");
    meta.ok(meta.symlinkCall(ROOT, "\u00e9", "x"));
    meta.create(ROOT, "B");
    List<MetaRig.Entry> entries = meta.list(ROOT);
    assertEquals(
        List.of("B", "a", "b", "\u00e9"), entries.stream().map(MetaRig.Entry::name).toList());
    assertEquals(FileMode.DIRECTORY, entries.get(1).mode());
    assertEquals(FileMode.SYMLINK, entries.get(3).mode());
    refused(Status.NOT_DIRECTORY, meta.listCall(entries.get(0).inode(), "", 10));
    refused(Status.NOT_FOUND, meta.listCall(99_999, "", 10));
    refused(Status.INVALID_ARGUMENT, meta.listCall(ROOT, "", 0));
  }

  @Test
  void aPageIsBoundedByTheReplyAndByTheAskedNumber() {
    for (int i = 0; i < 100; i++) {
      meta.create(ROOT, "file-%03d".formatted(i));
    }
    meta.replyCapacity = 200;
    assertEquals(100, meta.list(ROOT).stream().map(MetaRig.Entry::name).distinct().count());
    List<MetaRig.Entry> page = new ArrayList<>();
    assertTrue(meta.page(meta.run(meta.listCall(ROOT, "file-049", 3)), page));
    assertEquals(List.of("file-050", "file-051", "file-052"), names(page));
    page.clear();
    assertTrue(!meta.page(meta.run(meta.listCall(ROOT, "file-096", 3)), page));
    assertEquals(3, page.size());
    page.clear();
    assertTrue(!meta.page(meta.run(meta.listCall(ROOT, "zzz", 3)), page));
    assertEquals(0, page.size());
    meta.replyCapacity = 20;
    refused(Status.INVALID_ARGUMENT, meta.listCall(ROOT, "", 3));
  }

  private static List<String> names(List<MetaRig.Entry> page) {
    return page.stream().map(MetaRig.Entry::name).toList();
  }

  @Test
  void inodeNumbersAreNeverGivenOutTwice() {
    MemoryKv store = new MemoryKv();
    long last = new MetaRig(store).create(ROOT, "a");
    MetaRig next = new MetaRig(store);
    next.client = 8;
    assertNotEquals(last, next.create(ROOT, "b"));
    assertTrue(next.stat(next.ok(next.lookupCall(ROOT, "b")).inode()).inode() > last);
    assertEquals(3, next.inodeCount());
  }
}
