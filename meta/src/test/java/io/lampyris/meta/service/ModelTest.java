package io.lampyris.meta.service;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.meta.kv.RocksDbKv;
import io.lampyris.meta.schema.Inode;
import io.lampyris.meta.schema.Keys;
import io.lampyris.meta.schema.Values;
import io.lampyris.protocol.ChoreKind;
import io.lampyris.protocol.FileMode;
import io.lampyris.protocol.Inodes;
import io.lampyris.protocol.OpenFlags;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.kv.Kv;
import io.lampyris.reactor.kv.MemoryKv;
import io.lampyris.reactor.kv.Transaction;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Random operations against a model that is too simple to be wrong in the same way. */
class ModelTest {
  private static final int FILE = FileMode.REGULAR | 0644;
  private static final List<String> NAMES = List.of("a", "b", "c", "d", "e");

  /** A file or directory of the model. */
  private static final class Node {
    final long inode;
    final boolean isDirectory;
    final TreeMap<String, Node> children = new TreeMap<>();
    @Nullable Node parent;
    int names;
    boolean open;

    Node(long inode, boolean isDirectory) {
      this.inode = inode;
      this.isDirectory = isDirectory;
    }

    boolean isInside(Node other) {
      for (Node node = this; node != null; node = node.parent) {
        if (node == other) {
          return true;
        }
      }
      return false;
    }
  }

  private MetaRig meta = new MetaRig(new MemoryKv());
  private final Node root = new Node(Inodes.ROOT, true);
  private final List<Node> directories = new ArrayList<>(List.of(root));
  private final List<Node> files = new ArrayList<>();

  @TempDir Path directory;

  @Test
  void randomOperationsKeepTheInvariantsInMemory() {
    run(new MemoryKv(), 8000);
  }

  @Test
  void randomOperationsKeepTheInvariantsInRocksDb() {
    try (Kv kv = RocksDbKv.open(directory)) {
      run(kv, 3000);
    }
    try (Kv kv = RocksDbKv.open(directory)) {
      meta = new MetaRig(kv);
      checkAll(kv);
    }
  }

  /** The rig can fail: one wrong link count is seen. */
  @Test
  void aWrongLinkCountIsFound() {
    MemoryKv kv = new MemoryKv();
    run(kv, 200);
    try (Transaction transaction = kv.begin()) {
      byte[] value = Objects.requireNonNull(transaction.get(Keys.inode(Inodes.ROOT)));
      Inode inode = Inode.wrap(Inodes.ROOT, value);
      inode.linkCount(inode.linkCount() + 1);
      transaction.put(Keys.inode(Inodes.ROOT), value);
      transaction.commit();
    }
    assertThrows(AssertionError.class, () -> checkStore(kv));
  }

  private void run(Kv kv, int steps) {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("seed=" + seed);
    Random random = new Random(seed);
    meta = new MetaRig(kv);
    try {
      for (int i = 0; i < steps; i++) {
        step(random);
        if (i % 100 == 0) {
          checkAll(kv);
        }
      }
      checkAll(kv);
    } catch (AssertionError e) {
      throw new AssertionError("seed=" + seed + ": " + e.getMessage(), e);
    }
  }

  private void step(Random random) {
    Node parent = directories.get(random.nextInt(directories.size()));
    String name = NAMES.get(random.nextInt(NAMES.size()));
    Node there = parent.children.get(name);
    switch (random.nextInt(8)) {
      case 0 -> create(random, parent, name, there);
      case 1 -> mkdir(parent, name, there);
      case 2 -> unlink(parent, name, there);
      case 3 -> rmdir(parent, name, there);
      case 4 -> link(random, parent, name, there);
      case 5, 6 -> rename(random, parent, name, there);
      default -> closeOrClean(random);
    }
  }

  private void expect(@Nullable Status status, MetaRig.TestCall call) {
    long expected = status == null ? 0 : status.code();
    assertEquals(expected, meta.run(call).result, () -> "answer " + Status.of(call.result));
  }

  private void create(Random random, Node parent, String name, @Nullable Node there) {
    boolean session = random.nextBoolean();
    int flags = OpenFlags.EXCLUSIVE | (session ? OpenFlags.SESSION : 0);
    MetaRig.TestCall call = meta.createCall(parent.inode, name, FILE, flags);
    expect(there == null ? null : Status.EXISTS, call);
    if (there == null) {
      Node node = new Node(meta.attributes(call).inode(), false);
      node.open = session;
      node.names = 1;
      files.add(node);
      parent.children.put(name, node);
    }
  }

  private void mkdir(Node parent, String name, @Nullable Node there) {
    MetaRig.TestCall call = meta.mkdirCall(parent.inode, name, 0755);
    expect(there == null ? null : Status.EXISTS, call);
    if (there == null) {
      Node node = new Node(meta.attributes(call).inode(), true);
      node.parent = parent;
      directories.add(node);
      parent.children.put(name, node);
    }
  }

  private void unlink(Node parent, String name, @Nullable Node there) {
    Status status =
        there == null ? Status.NOT_FOUND : there.isDirectory ? Status.IS_DIRECTORY : null;
    expect(status, meta.unlinkCall(parent.inode, name));
    if (status == null) {
      parent.children.remove(name);
      drop(there);
    }
  }

  private void rmdir(Node parent, String name, @Nullable Node there) {
    Status status =
        there == null
            ? Status.NOT_FOUND
            : !there.isDirectory
                ? Status.NOT_DIRECTORY
                : there.children.isEmpty() ? null : Status.NOT_EMPTY;
    expect(status, meta.rmdirCall(parent.inode, name));
    if (status == null) {
      parent.children.remove(name);
      drop(there);
    }
  }

  private void drop(@Nullable Node node) {
    if (node != null && node.isDirectory) {
      directories.remove(node);
    } else if (node != null) {
      node.names--;
    }
  }

  private void link(Random random, Node parent, String name, @Nullable Node there) {
    if (files.isEmpty()) {
      return;
    }
    Node file = files.get(random.nextInt(files.size()));
    Status status = file.names == 0 ? Status.NOT_FOUND : there != null ? Status.EXISTS : null;
    expect(status, meta.linkCall(file.inode, parent.inode, name));
    if (status == null) {
      parent.children.put(name, file);
      file.names++;
    }
  }

  private void rename(Random random, Node parent, String name, @Nullable Node there) {
    Node to = directories.get(random.nextInt(directories.size()));
    String newName = NAMES.get(random.nextInt(NAMES.size()));
    Node target = to.children.get(newName);
    int flags = random.nextInt(3);
    Status status = renameStatus(parent, there, to, target, flags);
    expect(status, meta.renameCall(parent.inode, name, to.inode, newName, flags));
    if (status != null || there == null || there == target) {
      return;
    }
    if (flags == 2 && target != null) {
      parent.children.put(name, target);
      target.parent = target.isDirectory ? parent : null;
    } else {
      parent.children.remove(name);
      drop(target);
    }
    to.children.put(newName, there);
    there.parent = there.isDirectory ? to : null;
  }

  private static @Nullable Status renameStatus(
      Node parent, @Nullable Node there, Node to, @Nullable Node target, int flags) {
    if (there == null) {
      return Status.NOT_FOUND;
    }
    if (flags == 1 && target != null) {
      return Status.EXISTS;
    }
    if (flags == 2 && target == null) {
      return Status.NOT_FOUND;
    }
    if (there == target) {
      return null;
    }
    if (there.isDirectory && to.isInside(there)) {
      return Status.LOOP;
    }
    if (flags == 2) {
      return target != null && target.isDirectory && parent.isInside(target) ? Status.LOOP : null;
    }
    if (target == null) {
      return null;
    }
    if (there.isDirectory != target.isDirectory) {
      return target.isDirectory ? Status.IS_DIRECTORY : Status.NOT_DIRECTORY;
    }
    return target.children.isEmpty() ? null : Status.NOT_EMPTY;
  }

  /** Closes an open file, or follows the chores as storage would. */
  private void closeOrClean(Random random) {
    if (random.nextInt(4) == 0) {
      for (MetaRig.Listed chore : meta.chores(ChoreKind.REMOVE)) {
        Node node = files.stream().filter(f -> f.inode == chore.inode()).findFirst().orElseThrow();
        assertTrue(node.names == 0 && !node.open);
        assertEquals(0, meta.run(meta.endChoreCall(ChoreKind.REMOVE, node.inode, 0, 0)).result);
        files.remove(node);
      }
      assertTrue(files.stream().allMatch(f -> f.names > 0 || f.open), "every chore was listed");
    } else if (!files.isEmpty()) {
      Node node = files.get(random.nextInt(files.size()));
      if (node.open) {
        meta.ok(meta.closeCall(node.inode, -1, 0, -1));
        node.open = false;
      }
    }
  }

  /** The tree as the service shows it is the model's, and the store keeps the invariants of ops. */
  private void checkAll(Kv kv) {
    for (Node node : directories) {
      Map<String, Long> expected = new TreeMap<>();
      node.children.forEach((name, child) -> expected.put(name, child.inode));
      Map<String, Long> listed = new TreeMap<>();
      meta.list(node.inode).forEach(entry -> listed.put(entry.name(), entry.inode()));
      assertEquals(expected, listed);
      Node parent = node.parent == null ? root : node.parent;
      assertEquals(parent.inode, meta.ok(meta.lookupCall(node.inode, "..")).inode());
    }
    assertEquals(directories.size() + files.size(), meta.inodeCount());
    checkStore(kv);
  }

  private void checkStore(Kv kv) {
    Map<Long, Inode> inodes = new HashMap<>();
    Map<Long, Integer> names = new HashMap<>();
    Map<Long, Integer> subdirectories = new HashMap<>();
    try (Transaction transaction = kv.begin()) {
      transaction.range(
          Keys.inodes(),
          Keys.end(Keys.inodes()),
          Integer.MAX_VALUE,
          false,
          (key, value) ->
              inodes.put(Keys.inodeOf(key), Inode.wrap(Keys.inodeOf(key), value)) == null);
      byte[] dentries = "DENT".getBytes(UTF_8);
      transaction.range(
          dentries,
          Keys.end(dentries),
          Integer.MAX_VALUE,
          false,
          (key, value) -> {
            long parent = Keys.inodeOf(key);
            Inode inode = Objects.requireNonNull(inodes.get(Values.dentryInode(value)), "I1");
            assertTrue(inodes.containsKey(parent), "I1");
            assertEquals(inode.mode() & FileMode.TYPE_MASK, Values.dentryType(value));
            names.merge(inode.number(), 1, Integer::sum);
            if (inode.isDirectory()) {
              assertEquals(parent, inode.parent(), "I4");
              subdirectories.merge(parent, 1, Integer::sum);
            }
            return true;
          });
      for (Inode inode : inodes.values()) {
        long number = inode.number();
        int expected =
            inode.isDirectory()
                ? 2 + subdirectories.getOrDefault(number, 0)
                : names.getOrDefault(number, 0);
        assertEquals(expected, inode.linkCount(), "I2");
        if (inode.linkCount() == 0) {
          boolean chore = transaction.get(Keys.chore(ChoreKind.REMOVE, number)) != null;
          boolean[] session = new boolean[1];
          transaction.range(
              Keys.sessions(number),
              Keys.end(Keys.sessions(number)),
              1,
              false,
              (key, value) -> session[0] |= true);
          assertTrue(chore != session[0], "I3");
        }
      }
      byte[] count = Objects.requireNonNull(transaction.get(Keys.inodeCount()));
      assertEquals(inodes.size(), Values.counterOf(count), "I7");
    }
  }
}
