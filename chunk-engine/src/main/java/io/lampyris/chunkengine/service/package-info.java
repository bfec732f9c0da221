/**
 * The storage service: chunk messages in, operations on targets out.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.chunkengine.service.StorageService} finds the target that a message's chain id
 * names, holds the message's chain version against the target's, and runs a pooled operation of
 * {@link io.lampyris.chunkengine.store.TargetStore}. Bytes move between the device and the call's
 * payload; the service never copies them itself.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: a call is answered exactly once.
 *   <li>I2: a call whose chain version is not exactly the target's touches nothing.
 *   <li>I3: at most {@code OPS_MAX} operations of a kind run; later calls wait in order, and beyond
 *       {@code WAITING_MAX} they are answered BUSY.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Owner: the reactor that it was constructed with.
 *
 * <h2>Failure</h2>
 *
 * A chain that is not here is NO_ROUTE; another chain version CHAIN_VERSION_MISMATCH; a target
 * whose device failed TARGET_OFFLINE; a message that is not known NOT_IMPLEMENTED.
 */
@NullMarked
package io.lampyris.chunkengine.service;

import org.jspecify.annotations.NullMarked;
