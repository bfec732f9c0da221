package io.lampyris.chunkengine.chain;

/** Asked when a target is about to answer: whether its node's lease still lets it. */
@FunctionalInterface
public interface ServingRight {
  /** In a cluster that has no leases. */
  ServingRight ALWAYS = (nowNs, targetId) -> true;

  /** Allocates nothing. Owner: reactor. */
  boolean mayServe(long nowNs, long targetId);
}
