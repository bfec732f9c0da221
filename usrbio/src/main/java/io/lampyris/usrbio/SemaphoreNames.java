package io.lampyris.usrbio;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.lampyris.bindings.Semaphores;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The names of an instance's semaphores and of its {@link ChangeBoard}, kept in a file of the
 * instance from before they are made until after they are gone, so that the next start removes what
 * a killed one left in {@code /dev/shm}.
 */
final class SemaphoreNames {
  private static final Logger LOG = LoggerFactory.getLogger(SemaphoreNames.class);
  private static final String FILE = "usrbio-semaphores";
  private static final String PREFIX = "hf3fs-submit-ios.";

  /** The file may hold anything; only what we could have written is removed. */
  private static final Pattern OURS = Pattern.compile("hf3fs-submit-ios\\.[0-9a-f-]{36}");

  private static final String BOARD_PREFIX = "lampyris-changes.";
  private static final Pattern OUR_BOARD = Pattern.compile("lampyris-changes\\.[0-9a-f-]{36}");

  private final Path file;

  SemaphoreNames(Path instanceDirectory) {
    file = instanceDirectory.resolve(FILE);
  }

  /** Removes what an earlier process of this instance left. */
  void removeLeftovers() throws IOException {
    if (!Files.exists(file)) {
      return;
    }
    for (String name : Files.readAllLines(file, ISO_8859_1)) {
      if (OURS.matcher(name).matches() && Semaphores.unlinkNamed(name) == 0) {
        LOG.info("removed a leftover semaphore; observed={}", name);
      }
      if (OUR_BOARD.matcher(name).matches()) {
        Files.deleteIfExists(Path.of(SharedFile.DIRECTORY, name));
      }
    }
    Files.delete(file);
  }

  /** Makes new names and records them: of so many semaphores, and then that of the board. */
  List<String> create(int count) throws IOException {
    String board = BOARD_PREFIX + UUID.randomUUID();
    List<String> names =
        Stream.concat(
                Stream.generate(() -> PREFIX + UUID.randomUUID()).limit(count), Stream.of(board))
            .toList();
    Path fresh = file.resolveSibling(FILE + ".new");
    Files.writeString(fresh, String.join("\n", names), ISO_8859_1);
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    return names;
  }

  /** The semaphores are gone. */
  void forget() throws IOException {
    Files.deleteIfExists(file);
  }
}
