package io.lampyris.bench.cluster;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.store.TargetStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Compares the targets of stopped processes: members of a chain hold the same. */
final class Replicas {
  private Replicas() {}

  /** What a chunk is like at one member: version, length and checksum. */
  private record Chunk(int version, int lengthBytes, int crc32c) {}

  /**
   * What is not the same.
   *
   * @param disks directories below which targets lie
   * @param chainOf the chain of each target that is a member
   */
  static List<String> differences(List<Path> disks, Map<Long, Integer> chainOf)
      throws IOException, StoreException {
    Map<Integer, Map<Long, Map<String, Chunk>>> chains = new TreeMap<>();
    for (Path target : targets(disks)) {
      try (TargetStore store = TargetStore.open(target, TargetOptions.defaults())) {
        Integer chain = chainOf.get(store.targetId());
        if (chain != null) {
          chains.computeIfAbsent(chain, c -> new TreeMap<>()).put(store.targetId(), content(store));
        }
      }
    }
    List<String> differences = new ArrayList<>();
    chains.forEach((chain, members) -> compare(chain, members, differences));
    return differences;
  }

  private static List<Path> targets(List<Path> disks) throws IOException {
    List<Path> found = new ArrayList<>();
    for (Path disk : disks) {
      try (Stream<Path> all = Files.walk(disk, 3)) {
        all.filter(path -> path.getFileName().toString().equals("device"))
            .map(Path::getParent)
            .forEach(found::add);
      }
    }
    return found;
  }

  private static Map<String, Chunk> content(TargetStore store) {
    Map<String, Chunk> content = new TreeMap<>();
    ChunkState state = new ChunkState();
    for (int slot = 0; slot < store.slots(); slot++) {
      if (store.at(slot, state)) {
        content.put(
            state.inode + "/" + state.chunkIndex,
            new Chunk(state.version, state.lengthBytes, state.crc32c));
      }
    }
    store.forEachPending(pending ->
        content.put(
            "pending " + pending.inode + "/" + pending.chunkIndex,
            new Chunk(pending.version, pending.lengthBytes, pending.crc32c)));
    return content;
  }

  private static void compare(
      int chain, Map<Long, Map<String, Chunk>> members, List<String> differences) {
    var first = members.entrySet().iterator().next();
    members.forEach((target, content) -> {
      if (!content.equals(first.getValue())) {
        Map<String, Chunk> mine = new TreeMap<>(content);
        mine.entrySet().removeAll(first.getValue().entrySet());
        Map<String, Chunk> theirs = new TreeMap<>(first.getValue());
        theirs.entrySet().removeAll(content.entrySet());
        differences.add(
            "chain %d: target %d has %s where target %d has %s"
                .formatted(chain, target, mine, first.getKey(), theirs));
      }
    });
  }
}
