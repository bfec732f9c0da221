package io.lampyris.usrbio;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.Semaphores;
import io.lampyris.client.FileSystem.User;
import io.lampyris.client.FileSystemException;
import io.lampyris.client.VirtualTree.Caller;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** A program with rings and memory: does what the C library does, step by step. */
final class Program implements AutoCloseable {
  /** One completion. */
  record Completion(int slot, long result, long userdata) {}

  private final IovRegistry registry;
  final Caller caller;
  private final List<Shared> all = new ArrayList<>();

  Program(IovRegistry registry, User user, int pid) {
    this.registry = registry;
    caller = new Caller(user, pid);
  }

  /** A mapped file in /dev/shm. */
  class Shared {
    final String name = "lampyris-test-" + UUID.randomUUID();
    final int fd;
    final MemorySegment bytes;
    String key = "";

    Shared(long sizeBytes) {
      fd = Libc.shmOpen("/" + name, Fcntl.O_RDWR | Fcntl.O_CREAT | Fcntl.O_EXCL, 0666);
      if (fd < 0 || Libc.ftruncate(fd, sizeBytes) < 0) {
        throw new AssertionError("shm: " + Errno.describe(-fd));
      }
      // The test's user is not the program's, and the umask took the others' bits.
      Libc.chmod("/dev/shm/" + name, 0666);
      int prot = Fcntl.PROT_READ | Fcntl.PROT_WRITE;
      bytes = NativeMemory.map(fd, 0, sizeBytes, prot, Fcntl.MAP_SHARED);
      all.add(this);
    }

    byte[] target() {
      return ("/dev/shm/" + name).getBytes(UTF_8);
    }

    void register(String name) throws FileSystemException {
      registry.makeSymlink(caller, "iovs/" + name, target());
      key = name;
    }

    void unregister() throws FileSystemException {
      registry.unlink(caller, "iovs/" + key);
      key = "";
    }

    void shrink(long sizeBytes) {
      if (Libc.ftruncate(fd, sizeBytes) < 0) {
        throw new AssertionError("ftruncate");
      }
    }

    void unlinkShm() {
      Libc.shmUnlink("/" + name);
    }
  }

  /** Memory for data. */
  final class Memory extends Shared {
    final IovId id = randomId();

    Memory(long sizeBytes, String attributes) throws FileSystemException {
      super(sizeBytes);
      register(id + attributes);
    }
  }

  /** A ring; at most {@code entries} prepared and not reaped. */
  final class Ring extends Shared {
    final IovId id = randomId();
    final int entries;
    final int slots;
    private final MemorySegment completed;
    private final MemorySegment submit;
    private final String submitPath;
    private final ArrayDeque<Integer> freeSlots = new ArrayDeque<>();

    Ring(int entries, String attributes) throws FileSystemException {
      super(RingLayout.sizeBytes(entries));
      this.entries = entries;
      slots = entries + 1;
      for (int i = 0; i < slots; i++) {
        freeSlots.add(i);
      }
      register(id + attributes);
      unlinkShm();
      completed = bytes.asSlice(RingLayout.semaphoreAt(slots), RingLayout.SEMAPHORE_BYTES);
      String priority =
          attributes.contains(".ph") ? ".ph" : attributes.contains(".pl") ? ".pl" : "";
      byte[] link = registry.readSymlink(caller, "iovs/submit-ios" + priority);
      submitPath = new String(link, UTF_8);
      submit = Semaphores.openNamed(submitPath.substring("/dev/shm/sem.".length()));
    }

    String submitPath() {
      return submitPath;
    }

    int index(long at) {
      return RingLayout.index(bytes, at);
    }

    void index(long at, int value) {
      RingLayout.index(bytes, at, value);
    }

    /** Prepares an I/O: its slot, or -EAGAIN. */
    int prepare(
        IovId iov, long iovOffset, long inode, long fileOffset, long length, long userdata) {
      return prepare(iov, iovOffset, 0, inode, fileOffset, length, userdata);
    }

    /** As the other, with the data of each slot in a place of its own. */
    int prepare(
        IovId iov,
        long iovOffset,
        long bytesPerSlot,
        long inode,
        long fileOffset,
        long length,
        long userdata) {
      int head = index(RingLayout.SQE_HEAD_AT);
      int next = (head + 1) % slots;
      if (next == index(RingLayout.SQE_TAIL_AT) || freeSlots.isEmpty()) {
        return -Errno.EAGAIN;
      }
      int slot = freeSlots.remove();
      RingLayout.args(
          bytes,
          RingLayout.argsAt(slot),
          iov,
          iovOffset + slot * bytesPerSlot,
          inode,
          fileOffset,
          length,
          userdata);
      RingLayout.sqe(bytes, RingLayout.sqeAt(slots, head), slot, userdata);
      index(RingLayout.SQE_HEAD_AT, next);
      return slot;
    }

    void submit() {
      Semaphores.post(submit);
    }

    int submitValue() {
      return Semaphores.value(submit);
    }

    /** Takes what is there. */
    List<Completion> reap() {
      List<Completion> found = new ArrayList<>();
      int tail = index(RingLayout.CQE_TAIL_AT);
      int head = index(RingLayout.CQE_HEAD_AT);
      for (; tail != head; tail = (tail + 1) % slots) {
        long at = RingLayout.cqeAt(slots, tail);
        int slot = RingLayout.cqeSlot(bytes, at);
        found.add(
            new Completion(
                slot, RingLayout.cqeResult(bytes, at), RingLayout.cqeUserdata(bytes, at)));
        if (slot >= 0 && slot < slots) {
          freeSlots.add(slot);
        }
      }
      index(RingLayout.CQE_TAIL_AT, tail);
      if (!found.isEmpty()) {
        submit();
      }
      return found;
    }

    /** Waits on the completion semaphore alone, so that a missing post shows. */
    List<Completion> await(int count, long timeoutMs) {
      List<Completion> found = new ArrayList<>(reap());
      long deadlineMs = System.currentTimeMillis() + timeoutMs;
      while (found.size() < count && Semaphores.timedWait(completed, deadlineMs * 1_000_000) == 0) {
        found.addAll(reap());
      }
      return found;
    }

    List<Completion> await(int count) {
      List<Completion> found = await(count, Rig.AWAIT_SECONDS * 1000);
      if (found.size() != count) {
        throw new AssertionError("completions; observed=" + found + ", limit=" + count);
      }
      return found;
    }
  }

  static IovId randomId() {
    UUID id = UUID.randomUUID();
    return new IovId(id.getMostSignificantBits(), id.getLeastSignificantBits());
  }

  @Override
  public void close() {
    for (Shared shared : all) {
      shared.unlinkShm();
      NativeMemory.unmap(shared.bytes);
      Libc.close(shared.fd);
    }
  }
}
