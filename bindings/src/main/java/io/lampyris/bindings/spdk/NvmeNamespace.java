package io.lampyris.bindings.spdk;

/**
 * A namespace of a controller.
 *
 * @param id from 1
 * @param sizeBytes as the controller says
 * @param sectorBytes one logical block, without metadata
 * @param metadataBytes beside each logical block
 * @param flushes whether it has a volatile cache to flush
 * @param deallocates whether ranges can be given back
 */
public record NvmeNamespace(
    int id,
    long sizeBytes,
    int sectorBytes,
    int metadataBytes,
    boolean flushes,
    boolean deallocates) {}
