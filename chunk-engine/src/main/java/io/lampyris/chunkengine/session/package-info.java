/**
 * What clients were answered: the last update of each of their channels, and its result.
 *
 * <h2>What</h2>
 *
 * A chunk's own record names who made its last update. When another one overwrites or removes the
 * chunk, that is gone, though its client may not have had the answer and may send it again: {@link
 * io.lampyris.chunkengine.session.Sessions} has it then. The table is in memory, and what no
 * chunk's record says of it is in the target's log.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: every session tells of an update that its chain carried out, or that changed nothing.
 *   <li>I2: a session that is not {@link io.lampyris.chunkengine.session.Session#isLogged} is what
 *       a chunk's committed or pending record says here, or changed nothing. It is logged in the
 *       group of the record that overwrites that one, and before it.
 *   <li>I3: of a channel the update with the highest sequence number counts: its client sends the
 *       next one when it has been answered, or has given up.
 *   <li>I4: there are at most {@link io.lampyris.chunkengine.session.Sessions#CHANNELS_MAX}
 *       channels; one more takes the place of that which was looked at the longest time ago.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Owner: the thread that loads a target, then its reactor.
 */
@NullMarked
package io.lampyris.chunkengine.session;

import org.jspecify.annotations.NullMarked;
