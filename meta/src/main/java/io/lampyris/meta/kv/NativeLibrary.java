package io.lampyris.meta.kv;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.rocksdb.RocksDB;
import org.rocksdb.util.Environment;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Loads RocksDB's library from a stable place, so that it is unpacked once per version and not at
 * every start. A directory of one's own, because whoever can write there runs code in this process.
 */
final class NativeLibrary {
  private static final Logger LOG = LoggerFactory.getLogger(NativeLibrary.class);
  private static boolean loaded;

  private NativeLibrary() {}

  static synchronized void load() {
    if (loaded) {
      return;
    }
    try {
      RocksDB.loadLibrary(List.of(unpacked().toString()));
    } catch (IOException | UnsatisfiedLinkError e) {
      LOG.warn(
          "rocksdb's library is unpacked to java.io.tmpdir for this start alone; observed={}"
              + "; remedy: set -Dlampyris.native.dir to a writable directory",
          e.toString());
      RocksDB.loadLibrary();
    }
    loaded = true;
  }

  /** The directory that the library lies in. */
  private static Path unpacked() throws IOException {
    String name = Environment.getJniLibraryFileName("rocksdb");
    URL source = RocksDB.class.getClassLoader().getResource(name);
    if (source == null) {
      throw new IOException("no " + name + " for this platform on the class path");
    }
    URLConnection connection = source.openConnection();
    connection.setUseCaches(false);
    try (InputStream in = connection.getInputStream()) {
      long sizeBytes = connection.getContentLengthLong();
      // Releases differ in their library's size, which thus names the version well enough.
      Path target = Files.createDirectories(directory().resolve("rocksdb-" + sizeBytes));
      // What loadLibrary(paths) looks for is not what the jar calls it.
      Path file = target.resolve(Environment.getJniLibraryFileName("rocksdbjni"));
      if (!Files.isRegularFile(file) || Files.size(file) != sizeBytes) {
        Path temporary = Files.createTempFile(target, name, ".part");
        Files.copy(in, temporary, StandardCopyOption.REPLACE_EXISTING);
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
      }
      return target;
    }
  }

  private static Path directory() throws IOException {
    String configured = System.getProperty("lampyris.native.dir");
    if (configured != null) {
      return Files.createDirectories(Path.of(configured));
    }
    Path own = Path.of(System.getProperty("user.home", "/nonexistent"), ".cache", "lampyris");
    Files.createDirectories(own);
    Path directory = own.resolve("native");
    if (!Files.isDirectory(directory)) {
      Files.createDirectory(
          directory,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }
    return directory;
  }
}
