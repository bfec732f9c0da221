package io.lampyris.cli.instance;

import io.lampyris.cli.base.InputException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The lock that a running instance holds (I3). The kernel takes it back however the process ends,
 * so the pid inside means something only while it is held.
 *
 * <p>Of the file's first two bytes the holder locks one, so that it is alone, writes its pid, and
 * locks the other. Whoever only looks tries the second one, for a moment, in which the holder waits
 * for it: to look keeps nobody from starting.
 *
 * <p>A record lock belongs to the process and goes with <em>any</em> descriptor of the file that
 * this process closes; therefore a process never opens the file of a lock that it holds itself.
 */
public final class InstanceLock implements AutoCloseable {
  private static final Set<Path> HELD_HERE = ConcurrentHashMap.newKeySet();
  private static final long ALONE_AT = 0;
  private static final long SEEN_AT = 1;

  private final Path key;
  private final FileChannel channel;

  private InstanceLock(Path key, FileChannel channel) {
    this.key = key;
    this.channel = channel;
  }

  /** Takes the lock; the directory exists. */
  public static InstanceLock acquire(InstanceDirectory dir) throws InputException, IOException {
    Path key = dir.root().toRealPath();
    if (!HELD_HERE.add(key)) {
      throw inUse(dir, ProcessHandle.current().pid());
    }
    FileChannel channel = null;
    try {
      channel =
          FileChannel.open(
              dir.lock(),
              StandardOpenOption.CREATE,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE);
      if (channel.tryLock(ALONE_AT, 1, false) == null) {
        throw inUse(dir, pidIn(channel));
      }
      // As long as the one before it: at no time is there none, or half of one.
      String pid = "%18d\n".formatted(ProcessHandle.current().pid());
      channel.write(ByteBuffer.wrap(pid.getBytes(StandardCharsets.US_ASCII)), 0);
      FileLock seen = channel.lock(SEEN_AT, 1, false);
      assert seen.isValid() : "it is kept with the channel";
      return new InstanceLock(key, channel);
    } catch (InputException | IOException | RuntimeException e) {
      HELD_HERE.remove(key);
      closeQuietly(channel);
      throw e;
    }
  }

  /**
   * Who holds the lock now.
   *
   * @return the pid, or empty when nobody does
   */
  public static OptionalLong holder(InstanceDirectory dir) throws IOException {
    if (!Files.exists(dir.lock())) {
      return OptionalLong.empty();
    }
    if (HELD_HERE.contains(dir.root().toRealPath())) {
      return OptionalLong.of(ProcessHandle.current().pid());
    }
    try (FileChannel channel = FileChannel.open(dir.lock(), StandardOpenOption.READ)) {
      FileLock lock = channel.tryLock(SEEN_AT, 1, true);
      if (lock != null) {
        return OptionalLong.empty();
      }
      return OptionalLong.of(pidIn(channel));
    }
  }

  static InputException inUse(InstanceDirectory dir, long pid) {
    return InputException.of(
        "%s is in use by pid %d".formatted(dir, pid),
        "a running instance",
        "one instance per directory",
        "lampyris down --dir %s, or use another --dir".formatted(dir));
  }

  private static long pidIn(FileChannel channel) throws IOException {
    ByteBuffer text = ByteBuffer.allocate(32);
    channel.read(text, 0);
    String digits = new String(text.array(), 0, text.position(), StandardCharsets.US_ASCII).strip();
    return digits.matches("[0-9]{1,18}") ? Long.parseLong(digits) : 0;
  }

  private static void closeQuietly(@Nullable FileChannel channel) {
    try {
      if (channel != null) {
        channel.close();
      }
    } catch (IOException ignored) {
      // The failure that brought us here is the one to report.
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
    HELD_HERE.remove(key);
  }
}
