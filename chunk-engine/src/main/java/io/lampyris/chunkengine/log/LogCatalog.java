package io.lampyris.chunkengine.log;

import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.StoreException.Reason;
import io.lampyris.chunkengine.host.Host;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The file {@code CURRENT}: which generations make up the log, in order. Replaced as a whole, so a
 * crash leaves the old or the new one. Generations that it does not name do not exist.
 *
 * @param generations oldest first; the last one may be appended to, the others are closed
 */
public record LogCatalog(List<Generation> generations) {
  public static final String FILE = "CURRENT";
  private static final String TITLE = "lampyris chunk log, format 1\n";
  private static final Pattern LINE =
      Pattern.compile("generation (\\d+) first-group (\\d+) durable-group (\\d+) (open|closed)");

  /**
   * One file of the log.
   *
   * @param number names its directory
   * @param firstGroup the group that it starts with
   * @param durableGroup the last group that was known to be durable when this was written;
   *     firstGroup - 1 for none
   * @param closed nothing after {@code durableGroup} counts: it was torn, or is repeated later
   */
  public record Generation(long number, long firstGroup, long durableGroup, boolean closed) {
    public String directory() {
      return "gen-%06d".formatted(number);
    }

    private String line() {
      return "generation %d first-group %d durable-group %d %s\n"
          .formatted(number, firstGroup, durableGroup, closed ? "closed" : "open");
    }
  }

  public LogCatalog {
    generations = List.copyOf(generations);
  }

  public void write(Host host, Path logDir) throws StoreException {
    StringBuilder text = new StringBuilder(TITLE);
    generations.forEach(g -> text.append(g.line()));
    String crc = crc(text.toString());
    text.append("crc32c ").append(crc).append('\n');
    host.replace(logDir.resolve(FILE), text.toString().getBytes(StandardCharsets.US_ASCII));
  }

  private static String crc(String text) {
    MemorySegment bytes = MemorySegment.ofArray(text.getBytes(StandardCharsets.US_ASCII));
    return HexFormat.of().toHexDigits(new Crc32c().of(bytes, 0, (int) bytes.byteSize()));
  }

  public static LogCatalog read(Path logDir) throws StoreException {
    Path file = logDir.resolve(FILE);
    String text;
    try {
      text = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new StoreException(
          Reason.LOG_CORRUPT,
          "the log's %s cannot be read; observed=%s, limit=a readable file; remedy: restore the target's log directory"
              .formatted(file, e),
          e);
    }
    int crcAt = text.lastIndexOf("crc32c ");
    if (!text.startsWith(TITLE)
        || crcAt < 0
        || !text.substring(crcAt).equals("crc32c " + crc(text.substring(0, crcAt)) + "\n")) {
      throw corrupt(file, "wrong title or checksum");
    }
    return new LogCatalog(parse(file, text.substring(TITLE.length(), crcAt)));
  }

  private static List<Generation> parse(Path file, String lines) throws StoreException {
    List<Generation> generations = new ArrayList<>();
    for (String line : lines.lines().toList()) {
      Matcher match = LINE.matcher(line);
      if (!match.matches()) {
        throw corrupt(file, "line '" + line + "'");
      }
      generations.add(
          new Generation(
              Long.parseLong(match.group(1)),
              Long.parseLong(match.group(2)),
              Long.parseLong(match.group(3)),
              match.group(4).equals("closed")));
    }
    if (generations.isEmpty()) {
      throw corrupt(file, "no generations");
    }
    return generations;
  }

  private static StoreException corrupt(Path file, String observed) {
    return new StoreException(
        Reason.LOG_CORRUPT,
        "%s is damaged; observed=%s, limit=format 1; remedy: restore the target's log directory"
            .formatted(file, observed));
  }
}
