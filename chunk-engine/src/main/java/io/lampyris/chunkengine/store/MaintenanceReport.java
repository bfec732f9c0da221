package io.lampyris.chunkengine.store;

/**
 * What a target has done by itself since its start.
 *
 * @param compactionPasses over the index
 * @param compactedChunks that were moved
 * @param compactedBytes that were moved
 * @param emptiedExtents that became free by it
 * @param scrubPasses over the index
 * @param scrubbedBytes that were read and verified
 * @param scrubBadUnits how often a unit was wrong or could not be read, again in each pass
 * @param quarantinedChunks how many chunks have a bad unit now
 * @param discardedExtents that the device was told of
 */
public record MaintenanceReport(
    long compactionPasses,
    long compactedChunks,
    long compactedBytes,
    long emptiedExtents,
    long scrubPasses,
    long scrubbedBytes,
    long scrubBadUnits,
    long quarantinedChunks,
    long discardedExtents) {}
