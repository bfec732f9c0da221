package io.lampyris.bench.net;

/**
 * @param perSecond operations
 * @param medianNs one operation's round trip
 * @param cpuNs of both ends, per operation
 */
record Figures(double perSecond, double medianNs, double cpuNs) {}
