package io.lampyris.usrbio.client;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A mount, as programs use it that have rings. Any thread. */
public final class RingMount implements AutoCloseable {
  private static final String TYPE = "fuse.hf3fs";
  private static final Path MOUNTS = Path.of("/proc/self/mountinfo");

  private final Path path;
  private final Registrar registrar;

  RingMount(Path path, Registrar registrar) {
    this.path = path;
    this.registrar = registrar;
  }

  /**
   * Opens the mount that a path is on.
   *
   * @throws IOException when the path is on no such mount, or its daemon is gone
   */
  public static RingMount of(Path anyPathOnIt) throws IOException {
    Path real = anyPathOnIt.toRealPath();
    Path found = find(Files.readAllLines(MOUNTS, StandardCharsets.UTF_8), real);
    if (found == null) {
      throw new IOException(
          "no rings there; observed=%s, limit=a path on a mount of type %s; remedy: mount the file"
                  .formatted(real, TYPE)
              + " system (lampyris mount), or name a path on it");
    }
    return new RingMount(found, new MountRegistrar(found));
  }

  /** The innermost mount of the type over a path; of several at one place the last. */
  static @Nullable Path find(List<String> mountinfo, Path real) {
    Path best = null;
    boolean ours = false;
    for (String line : mountinfo) {
      // "id parent dev root MOUNTPOINT options [optional]... - TYPE source super"
      String[] fields = line.split(" ", 6);
      int dash = line.indexOf(" - ");
      if (fields.length < 6 || dash < 0) {
        continue;
      }
      Path at = Path.of(unescaped(fields[4]));
      if (real.startsWith(at) && (best == null || at.getNameCount() >= best.getNameCount())) {
        best = at;
        ours = line.startsWith(TYPE + " ", dash + 3);
      }
    }
    return ours ? best : null;
  }

  /** Undoes the octal escapes of blanks and the like. */
  private static String unescaped(String text) {
    if (text.indexOf('\\') < 0) {
      return text;
    }
    byte[] in = text.getBytes(StandardCharsets.UTF_8);
    byte[] out = new byte[in.length];
    int length = 0;
    for (int i = 0; i < in.length; i++) {
      boolean escaped = in[i] == '\\' && i + 3 < in.length;
      out[length++] = escaped ? (byte) Integer.parseInt(text.substring(i + 1, i + 4), 8) : in[i];
      i += escaped ? 3 : 0;
    }
    return new String(out, 0, length, StandardCharsets.UTF_8);
  }

  /** Where it is mounted. */
  public Path path() {
    return path;
  }

  /**
   * Opens a file on the mount for rings.
   *
   * @param options READ (also when none is given), WRITE, CREATE, CREATE_NEW, TRUNCATE_EXISTING
   */
  public RingFile open(Path file, OpenOption... options) throws IOException {
    return RingFile.open(file, Set.of(options));
  }

  /**
   * Memory for data.
   *
   * @throws IOException when {@code /dev/shm} has no room for it, or the daemon refuses it
   */
  public IoVec allocate(long sizeBytes) throws IOException {
    return IoVec.create(registrar, sizeBytes);
  }

  /** A ring. */
  public IoRing ring(RingOptions options) throws IOException {
    return IoRing.create(registrar, options);
  }

  /**
   * A channel that reads a file through a ring of its own.
   *
   * @param file stays the caller's to close, after the channel
   */
  public RingChannel channel(RingFile file) throws IOException {
    return RingChannel.create(this, file);
  }

  /** Everything that was registered by it goes, closed or not. */
  @Override
  public void close() {
    registrar.close();
  }
}
