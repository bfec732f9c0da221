package io.lampyris.usrbio.client;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeException;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.usrbio.IovId;
import io.lampyris.usrbio.RegistrationKey;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.UUID;

/** A file under {@code /dev/shm}, mapped, and registered with a daemon. */
final class SharedMemory implements AutoCloseable {
  private static final String DIRECTORY = "/dev/shm/";

  final MemorySegment segment;
  private final Registrar registrar;
  private final String key;
  private String name;

  private SharedMemory(MemorySegment segment, Registrar registrar, String key, String name) {
    this.segment = segment;
    this.registrar = registrar;
    this.key = key;
    this.name = name;
  }

  static IovId newId() {
    UUID id = UUID.randomUUID();
    return new IovId(id.getMostSignificantBits(), id.getLeastSignificantBits());
  }

  /** Its pages are claimed, so that a full {@code /dev/shm} is an error now, not a fault later. */
  static SharedMemory create(Registrar registrar, RegistrationKey key, long sizeBytes)
      throws IOException {
    // Another id than the key's: who can list /dev/shm does not learn what to put into a ring.
    String name = "lampyris-iov-" + UUID.randomUUID();
    MemorySegment segment = map(name, sizeBytes);
    SharedMemory made = new SharedMemory(segment, registrar, key.name(), name);
    try {
      registrar.register(made.key, DIRECTORY + name);
    } catch (IOException | RuntimeException | Error e) {
      made.unlinkName();
      NativeMemory.unmap(segment);
      throw e;
    }
    return made;
  }

  private static MemorySegment map(String name, long sizeBytes) throws IOException {
    int flags = Fcntl.O_RDWR | Fcntl.O_CREAT | Fcntl.O_EXCL | Fcntl.O_CLOEXEC;
    int fd = Libc.shmOpen("/" + name, flags, 0666);
    int failed = fd < 0 ? fd : Libc.ftruncate(fd, sizeBytes);
    failed = failed < 0 ? failed : Libc.fallocate(fd, 0, 0, sizeBytes);
    try {
      if (failed >= 0) {
        int access = Fcntl.PROT_READ | Fcntl.PROT_WRITE;
        return NativeMemory.map(fd, 0, sizeBytes, access, Fcntl.MAP_SHARED);
      }
    } catch (NativeException e) {
      failed = -e.errno();
    } finally {
      if (fd >= 0) {
        Libc.close(fd);
      }
    }
    if (fd >= 0) {
      Libc.shmUnlink("/" + name);
    }
    throw new IOException(
        "cannot make shared memory; observed=%s, limit=%d bytes in /dev/shm; remedy: ask for less,"
                .formatted(Errno.describe(-failed), sizeBytes)
            + " or enlarge /dev/shm (containers: --shm-size)");
  }

  /** The daemon has it mapped: nobody else needs its name. */
  void unlinkName() {
    if (!name.isEmpty()) {
      Libc.shmUnlink("/" + name);
      name = "";
    }
  }

  @Override
  public void close() throws IOException {
    unlinkName();
    try {
      if (registrar.isAlive()) {
        registrar.deregister(key);
      }
    } finally {
      NativeMemory.unmap(segment);
    }
  }
}
