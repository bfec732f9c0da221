package io.lampyris.cli.cluster;

import io.lampyris.cli.base.InputException;
import java.nio.file.Path;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The part of a client that mounts; a file without it has the defaults.
 *
 * @param dir of its log, its control channel, and what rings need
 * @param name of the cluster, as the mount shows it
 * @param localNodeId a storage node on this machine, whose targets are read first; 0: none
 */
public record ClientSection(Path dir, String name, int localNodeId) {
  static final Set<String> KEYS = Set.of("client.dir", "client.name", "client.local_node");

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
        source.whole("client.local_node", 0, 0, Integer.MAX_VALUE));
  }

  /** The same in another directory: for a second mount of one file. */
  public ClientSection withDir(Path other) {
    return new ClientSection(other, name, localNodeId);
  }
}
