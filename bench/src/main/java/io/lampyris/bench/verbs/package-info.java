/**
 * RDMA: what an operation costs in Java when no device takes part, and queue pairs next to
 * perftest's programs on the same devices.
 */
@NullMarked
package io.lampyris.bench.verbs;

import org.jspecify.annotations.NullMarked;
