package io.lampyris.usrbio.client;

import io.lampyris.usrbio.RegistrationKey.Priority;
import java.io.IOException;
import java.nio.file.Path;

/** Lets tests of this module stand in for a mounted directory. */
public final class MountAccess {
  /** What the directory of registrations does. */
  public interface Directory {
    void register(String key, String target) throws IOException;

    void deregister(String key) throws IOException;

    String submitSemaphore(Priority priority) throws IOException;

    boolean isAlive();
  }

  private MountAccess() {}

  public static RingMount mount(Directory directory) {
    Registrar registrar =
        new Registrar() {
          @Override
          public void register(String key, String target) throws IOException {
            directory.register(key, target);
          }

          @Override
          public void deregister(String key) throws IOException {
            directory.deregister(key);
          }

          @Override
          public String submitSemaphore(Priority priority) throws IOException {
            return directory.submitSemaphore(priority);
          }

          @Override
          public boolean isAlive() {
            return directory.isAlive();
          }

          @Override
          public void close() {}
        };
    return new RingMount(Path.of("/"), registrar);
  }

  /** A file that is open elsewhere. */
  public static RingFile file(long inode, boolean writable) {
    return new RingFile(-1, inode, writable);
  }
}
