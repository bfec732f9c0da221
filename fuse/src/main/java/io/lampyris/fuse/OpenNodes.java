package io.lampyris.fuse;

import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Which of the kernel's nodes are open files, and by which handle. Any thread. */
final class OpenNodes {
  /**
   * A node that is open.
   *
   * @param handle of its last open; when that was closed before others it finds nothing, and the
   *     inode serves instead
   */
  record Node(long inode, long handle, int opens) {}

  private final ConcurrentHashMap<Long, Node> nodes = new ConcurrentHashMap<>();

  void opened(OpenFile file, long nodeId, long handle) {
    file.nodeId(nodeId);
    nodes.merge(
        nodeId,
        new Node(file.inode(), handle, 1),
        (old, added) -> new Node(old.inode(), added.handle(), old.opens() + 1));
  }

  void closed(OpenFile file) {
    nodes.computeIfPresent(
        file.nodeId(),
        (id, node) ->
            node.opens() == 1 ? null : new Node(node.inode(), node.handle(), node.opens() - 1));
  }

  @Nullable Node find(long nodeId) {
    return nodes.get(nodeId);
  }
}
