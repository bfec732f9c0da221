package io.lampyris.chunkengine.chain;

/** Asked when a target is about to answer: whether its node's lease still lets it. */
@FunctionalInterface
public interface ServingRight {
  /** In a cluster that has no leases. */
  ServingRight ALWAYS = (bootNs, targetId) -> true;

  /**
   * Allocates nothing. Owner: reactor.
   *
   * @param bootNs {@link io.lampyris.reactor.ReactorContext#bootNs}
   */
  boolean mayServe(long bootNs, long targetId);
}
