package io.lampyris.usrbio.client;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.usrbio.RegistrationKey.Priority;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The directory of registrations of a mount. Any thread. */
final class MountRegistrar implements Registrar {
  private static final String SEMAPHORES = "/dev/shm/sem.";

  private final Path iovs;
  private final int fd;

  /** Opens it; the daemon ties what is registered to this handle (I3). */
  MountRegistrar(Path mountPoint) throws IOException {
    iovs = mountPoint.resolve("3fs-virt/iovs");
    fd = Libc.open(iovs.toString(), Fcntl.O_RDONLY | Fcntl.O_DIRECTORY | Fcntl.O_CLOEXEC, 0);
    if (fd < 0) {
      throw new IOException(
          "cannot open the directory of registrations; observed=%s: %s, limit=a mount; remedy: is"
                  .formatted(iovs, Errno.describe(-fd))
              + " the file system mounted there?");
    }
  }

  @Override
  public void register(String key, String target) throws IOException {
    Files.createSymbolicLink(iovs.resolve(key), Path.of(target));
  }

  @Override
  public void deregister(String key) throws IOException {
    Files.delete(iovs.resolve(key));
  }

  @Override
  public String submitSemaphore(Priority priority) throws IOException {
    String suffix =
        switch (priority) {
          case HIGH -> ".ph";
          case NORMAL -> "";
          case LOW -> ".pl";
        };
    Path link = iovs.resolve("submit-ios" + suffix);
    String target = Files.readSymbolicLink(link).toString();
    String name = target.startsWith(SEMAPHORES) ? target.substring(SEMAPHORES.length()) : "";
    if (name.isEmpty() || name.contains("/")) {
      throw new IOException(
          "%s leads to a strange place; observed=%s, limit=%sNAME; remedy: check what is mounted"
              .formatted(link, target, SEMAPHORES));
    }
    return name;
  }

  @Override
  public boolean isAlive() {
    return Libc.linkCount(fd) >= 0;
  }

  @Override
  public void close() {
    Libc.close(fd);
  }
}
