package io.lampyris.usrbio;

import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.function.LongConsumer;

/**
 * Shared memory from which programs learn, without asking, that what they have read of a file may
 * be old: {@value #WORDS} words of 32 bits, each of which counts the changes of the inodes that
 * share it.
 *
 * <p>A program takes the word before it asks for bytes. As long as the word is the same, a read
 * that begins now would find the same bytes: each change counts after it can be read, and before
 * the write, flush or truncation that made it returns.
 *
 * <p>All may read the file; who may shrink it is this daemon's own user, who can as well kill it.
 * Any thread.
 */
final class ChangeBoard implements LongConsumer {
  private static final int WORD_BITS = 14;

  /** Few enough to stay in caches; files that are read and files that are written rarely meet. */
  static final int WORDS = 1 << WORD_BITS;

  static final long SIZE_BYTES = (long) WORDS * Integer.BYTES;

  private static final long GOLDEN_RATIO = 0x9e3779b97f4a7c15L;
  private static final VarHandle WORD = ValueLayout.JAVA_INT.varHandle();

  private final Path file;
  private final MemorySegment words;
  private final int fd;

  /** Makes the file; as {@link SemaphoreNames#openHeld}, or NoSuchFileException a moment before. */
  ChangeBoard(Path file) throws IOException {
    this.file = file;
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE,
            StandardOpenOption.CREATE_NEW)) {
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
      // Not closed: threads may count until the very end.
      words = channel.map(MapMode.READ_WRITE, 0, SIZE_BYTES, Arena.ofAuto());
    }
    fd = SemaphoreNames.openHeld(file.toString(), Fcntl.O_RDONLY);
  }

  Path file() {
    return file;
  }

  /** Where the word of an inode is. */
  static long wordAt(long inode) {
    return ((inode * GOLDEN_RATIO) >>> (Long.SIZE - WORD_BITS)) * Integer.BYTES;
  }

  @Override
  public void accept(long inode) {
    WORD.getAndAdd(words, wordAt(inode), 1);
  }

  /** Programs that begin now find none. */
  void remove() throws IOException {
    Files.deleteIfExists(file);
    Libc.close(fd);
  }
}
