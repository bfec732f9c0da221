package io.lampyris.chunkengine.options;

/**
 * What a new target is to be.
 *
 * @param targetId its number in routing
 * @param chainId the chain that it is a member of
 * @param sizeBytes size of its device; a multiple of 1 MiB, at least 16 MiB
 */
public record TargetSpec(long targetId, int chainId, long sizeBytes) {}
