package io.lampyris.cli.config;

import io.lampyris.chunkengine.host.NamespaceName;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Which targets lie on NVMe namespaces, and what SPDK gets to reach them.
 *
 * @param namespaces one for each target or disk, in their order; null: a file of the file system
 * @param spdkHome where SPDK is; empty: the environment's SPDK_HOME, else where pkg-config or the
 *     loader finds it
 * @param memoryBytes for SPDK, all buffers of the reactor included
 * @param hugePages whether that comes from the hugetlb pool
 */
public record NvmeSettings(
    List<@Nullable NamespaceName> namespaces,
    String spdkHome,
    long memoryBytes,
    boolean hugePages) {
  /** Files alone. */
  public static final NvmeSettings NONE = new NvmeSettings(List.of(), "", 512 << 20, true);

  /** The namespace of a target or disk by its place, from 0; null: it has a file. */
  public @Nullable NamespaceName namespaceOf(int index) {
    return index < namespaces.size() ? namespaces.get(index) : null;
  }

  /** All that there are. */
  public Stream<NamespaceName> named() {
    return namespaces.stream().filter(Objects::nonNull);
  }
}
