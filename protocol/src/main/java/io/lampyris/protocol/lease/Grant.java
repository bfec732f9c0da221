package io.lampyris.protocol.lease;

/**
 * The manager's answer to a request that it granted.
 *
 * @param incarnation of the node's process that asked
 * @param sequence of the request
 * @param routingVersion the newest that was decided: the node serves under nothing older (I2)
 */
public record Grant(int nodeId, long incarnation, long sequence, long routingVersion) {}
