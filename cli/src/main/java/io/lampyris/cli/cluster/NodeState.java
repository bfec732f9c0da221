package io.lampyris.cli.cluster;

import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;

/**
 * What a storage node remembers: who it is, and how often it was started. Text, key=value, replaced
 * whole and durably.
 */
final class NodeState {
  private static final String FILE = "NODE";
  private static final String FORMAT = "1";

  private NodeState() {}

  /**
   * Begins another life of the node in this directory.
   *
   * @return higher than for every start before; where the memory of these is lost, the clock's
   *     milliseconds are
   */
  static long nextIncarnation(Path dir, int nodeId) throws InputException, FailedException {
    Path file = dir.resolve(FILE);
    long last = 0;
    try {
      if (Files.exists(file)) {
        last = read(file, nodeId);
      }
      long next = Math.max(last + 1, System.currentTimeMillis());
      Host.posix().replace(file, text(nodeId, next).getBytes(StandardCharsets.UTF_8));
      return next;
    } catch (IOException e) {
      throw FailedException.of(
          "cannot read what the node remembers", e, "a readable file " + file, "look at the disk");
    } catch (StoreException e) {
      throw FailedException.because(e);
    }
  }

  private static String text(int nodeId, long incarnation) {
    return "# Written by lampyris at every start of this storage node. Do not edit.%n"
        .formatted()
        .concat("format=%s%nnode=%d%nincarnation=%d%n".formatted(FORMAT, nodeId, incarnation));
  }

  private static long read(Path file, int nodeId) throws IOException, InputException {
    Properties values = new Properties();
    try (var reader = Files.newBufferedReader(file)) {
      values.load(reader);
    }
    String node = values.getProperty("node", "none");
    if (!node.equals(Integer.toString(nodeId))) {
      throw InputException.of(
          "storage.dir is another node's",
          "node %s in %s".formatted(node, file),
          "node " + nodeId,
          "name another storage.dir, or correct storage.node");
    }
    try {
      if (values.getProperty("format", "none").equals(FORMAT)) {
        return Long.parseLong(values.getProperty("incarnation", ""));
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw InputException.of(
        "%s is damaged or of another release".formatted(file),
        values,
        "format=%s and an incarnation".formatted(FORMAT),
        "remove it: the next start then goes by the clock");
  }
}
