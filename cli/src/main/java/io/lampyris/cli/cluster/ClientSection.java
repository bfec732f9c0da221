package io.lampyris.cli.cluster;

import io.lampyris.cli.base.InputException;
import io.lampyris.client.DataPathOptions;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * The part of a client that mounts; a file without it has the defaults.
 *
 * @param dir of its log, its control channel, and what rings need
 * @param name of the cluster, as the mount shows it
 * @param localNodeId a storage node on this machine, whose targets are read first; 0: none
 * @param timeoutNs how long what a program asks for is tried before it fails
 */
public record ClientSection(Path dir, String name, int localNodeId, long timeoutNs) {
  static final Set<String> KEYS =
      Set.of("client.dir", "client.name", "client.local_node", "client.timeout");

  /** Shorter than a chain takes to do without a member that died, programs would see each death. */
  private static final long TIMEOUT_MIN_NS = TimeUnit.SECONDS.toNanos(5);

  private static final long TIMEOUT_MAX_NS = TimeUnit.DAYS.toNanos(7);

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,31}");

  static ClientSection in(TomlSource source) throws InputException {
    String name = source.text("client.name", "cluster");
    if (!NAME.matcher(name).matches()) {
      throw source.wrong(
          "client.name is malformed",
          name,
          "1 to 31 letters, digits, '.', '_' or '-'",
          "correct it");
    }
    return new ClientSection(
        source.beside(source.text("client.dir", "client")),
        name,
        source.whole("client.local_node", 0, 0, Integer.MAX_VALUE),
        source.duration(
            "client.timeout", DataPathOptions.REMOTE.retryNs(), TIMEOUT_MIN_NS, TIMEOUT_MAX_NS));
  }

  /** The same in another directory: for a second mount of one file. */
  public ClientSection withDir(Path other) {
    return new ClientSection(other, name, localNodeId, timeoutNs);
  }
}
