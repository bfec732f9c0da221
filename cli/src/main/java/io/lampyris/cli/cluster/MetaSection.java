package io.lampyris.cli.cluster;

import io.lampyris.cli.base.InputException;
import io.lampyris.cli.base.Sizes;
import io.lampyris.cli.cluster.ClusterFile.Endpoint;
import io.lampyris.protocol.FileLayout;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/**
 * The part of a metadata service.
 *
 * @param dir of its store and its log
 * @param chunkSizeBytes of new files
 * @param chainTable that new files lie on
 * @param stripeMax over how many chains a new file is spread at most
 */
public record MetaSection(
    int nodeId, Endpoint listen, Path dir, int chunkSizeBytes, int chainTable, int stripeMax) {
  static final Set<String> KEYS =
      Set.of(
          "meta.node",
          "meta.listen",
          "meta.dir",
          "meta.chunk_size",
          "meta.chain_table",
          "meta.stripe");

  private static final int CHUNK_SIZE = 1 << 20;
  private static final int STRIPE = 16;
  private static final int STRIPE_MAX = 4096;

  static MetaSection in(TomlSource source, Map<Integer, Endpoint> metas) throws InputException {
    Endpoint known = source.self("meta.node", metas);
    if (known == null) {
      throw source.wrong(
          "meta.node is not one of the metadata services",
          source.toml().get("meta.node"),
          metas.keySet(),
          "name it in cluster.meta");
    }
    String listen = source.text("meta.listen", "");
    return new MetaSection(
        source.whole("meta.node", 0, 1, Integer.MAX_VALUE),
        listen.isEmpty() ? known : source.endpoint(listen),
        source.beside(source.needed("meta.dir", "a directory for the metadata service")),
        chunkSize(source),
        source.whole("meta.chain_table", 1, 1, Integer.MAX_VALUE),
        source.whole("meta.stripe", STRIPE, 1, STRIPE_MAX));
  }

  private static int chunkSize(TomlSource source) throws InputException {
    long bytes = source.size("meta.chunk_size", CHUNK_SIZE);
    if (bytes > Integer.MAX_VALUE || !FileLayout.isChunkSize((int) bytes)) {
      throw source.wrong(
          "wrong value of meta.chunk_size",
          Sizes.exact(bytes),
          "a power of two from 64KiB to 64MiB",
          "correct it");
    }
    return (int) bytes;
  }
}
