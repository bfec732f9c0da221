package io.lampyris.usrbio;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.lampyris.bindings.Errno;
import io.lampyris.client.FileSystemException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * What a program may say when it registers, as a fuzzer makes it up: a symlink's name and target.
 * Whatever they are, the registry takes them or refuses with an errno that it may give, a name that
 * it takes is read back from how it is written, and nothing stays.
 *
 * <p>{@code bench/usrbio/fuzz} runs it for hours, {@link FuzzTest} for a moment.
 */
public final class KeyFuzz {
  private static final Set<Integer> ERRNOS =
      Set.of(Errno.EINVAL, Errno.EACCES, Errno.EEXIST, Errno.EMFILE, Errno.EPERM);

  /** What random bytes would take too long to find. */
  private static final List<String> PIECES =
      List.of(
          "0123456789abcdef0123456789abcdef",
          "01234567-89ab-cdef-0123-456789abcdef",
          ".b4096",
          ".r",
          ".w",
          "-8",
          "4",
          ".ph",
          ".pl",
          ".pn",
          ".t1",
          ".f11",
          ".f",
          "submit-ios",
          "99999999999999999999",
          "/",
          "..");

  private static final KeyFuzz FUZZ = new KeyFuzz();

  private final Rig rig;
  private final Program program;
  private final Program.Shared memory;

  private KeyFuzz() {
    try {
      Path directory = Files.createTempDirectory("lampyris-fuzz");
      rig = new Rig(directory, RingServerConfig.DEFAULT);
      Runtime.getRuntime().addShutdownHook(new Thread(rig::close));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    program = rig.program();
    memory = program.new Shared(RingLayout.sizeBytes(8));
  }

  /** Jazzer's entry. */
  public static void fuzzerTestOneInput(byte[] data) {
    FUZZ.run(ByteBuffer.wrap(data));
  }

  private void run(ByteBuffer in) {
    boolean elsewhere = in.hasRemaining() && in.get() % 4 == 0;
    byte[] target = memory.target();
    if (elsewhere) {
      target = new byte[Math.min(in.remaining(), 40)];
      in.get(target);
      if (names(target, "/dev/shm/")) {
        // Whatever else is on this machine is none of ours.
        return;
      }
    }
    String name = name(in);
    String path = "iovs/" + name;
    try {
      rig.registry.makeSymlink(program.caller, path, target);
    } catch (FileSystemException e) {
      check(ERRNOS.contains(e.errno()), "refused with " + Errno.describe(e.errno()));
      check(String.valueOf(e.getMessage()).chars().allMatch(c -> c >= ' '), "a torn log line");
      return;
    }
    try {
      check(!elsewhere, "registered what is no shared memory: " + Arrays.toString(target));
      RegistrationKey key = RegistrationKey.parse(name);
      check(key.equals(RegistrationKey.parse(key.name())), "not read back: " + name);
      check(
          Arrays.equals(target, rig.registry.readSymlink(program.caller, path)), "another target");
      rig.registry.unlink(program.caller, path);
      check(rig.registry.list(program.caller, "iovs").size() == 3, "something stays");
    } catch (FileSystemException e) {
      throw new AssertionError(name, e);
    }
    // So that the memory's indices are zero again for the next ring.
    Rig.await("unmapping", () -> rig.registry.mapped() == 0);
    memory.bytes.fill((byte) 0);
  }

  private static boolean names(byte[] target, String prefix) {
    return new String(target, UTF_8).replaceAll("/+", "/").startsWith(prefix);
  }

  /** Pieces of names, and bytes as they are. */
  private static String name(ByteBuffer in) {
    StringBuilder name = new StringBuilder();
    while (in.hasRemaining()) {
      int next = in.get() & 0xff;
      if (next < PIECES.size()) {
        name.append(PIECES.get(next));
      } else {
        name.append(new String(new byte[] {(byte) next}, ISO_8859_1));
      }
    }
    return name.toString();
  }

  private static void check(boolean good, String what) {
    if (!good) {
      throw new AssertionError(what);
    }
  }
}
