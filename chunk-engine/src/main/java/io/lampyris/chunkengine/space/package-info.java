/**
 * Who has which bytes of the device.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.chunkengine.space.ExtentAllocator} gives blocks away, {@link
 * io.lampyris.chunkengine.space.PayloadJournal} the slots of the journal of payloads; {@link
 * io.lampyris.chunkengine.space.BlockReferences} keeps a block that died until its last reader has
 * left, and {@link io.lampyris.chunkengine.space.Quarantine} remembers which units are bad. All in
 * memory: the log's live records say what is taken, and a start takes it again.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: a block or slot has at most one owner; it is given back once.
 *   <li>I2: a block is free again only when it is dead and has no reader.
 *   <li>I3: blocks for new bytes leave the reserve free.
 *   <li>I4: a slot is free again only when no durable record names it, or none that has to be
 *       redone does.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Owner: the loading thread, then the reactor.
 *
 * <h2>Failure</h2>
 *
 * No room is a result. A block that cannot be taken at a start is refused: who asks decides what
 * that means.
 */
@NullMarked
package io.lampyris.chunkengine.space;

import org.jspecify.annotations.NullMarked;
