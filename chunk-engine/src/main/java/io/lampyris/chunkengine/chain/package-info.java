/**
 * Replication: the members of a chain hold the same chunks, and any of them answers reads.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.chunkengine.chain.ChainService} is the storage service of a node in a cluster.
 * For each of its stores it has a {@link io.lampyris.chunkengine.chain.ChainTarget}, which knows
 * the chain as of the newest routing and its own part in it.
 *
 * <pre>
 *   client ─ update ─► head ──── ForwardUpdate ───► middle ──────────────────► end
 *                      pending, durably             pending, durably           committed
 *                      committed ◄───────────────── answers, then commits ◄─── answers
 *   client ◄ answer ── when it is committed here
 * </pre>
 *
 * <p>An update has its chunk's turn at each member, from before it is pending until it is
 * committed: updates of a chunk go down the chain one after another, in the order in which the head
 * took them. Payloads are passed on from the memory that they came in; what every member stores has
 * the checksum that the client computed. An end of the chain commits at once; a chain of one member
 * does so too, and costs what a store costs.
 *
 * <p>A removal is pending as a version of length 0 with a mark, and removes the chunk instead of
 * being committed, whoever finishes it.
 *
 * <p><b>Why pending comes before forwarding.</b> When the end commits a version, it may be read.
 * All who are before it have it pending, durably, by then. So whoever leads or ends the chain after
 * any failure, even of all at once, has every version that anyone was told of, and commits what it
 * has pending. Were an update forwarded while it is being written here, a crash of everything could
 * leave, at the member that returns first, nothing of a version that was read at the end.
 *
 * <p><b>Why the answer goes up before the commit.</b> A version that is durably pending here and
 * committed behind is never undone: until the commit is durable, reads here ask the tail.
 *
 * <h3>A member that is being copied to</h3>
 *
 * It is behind the tail and gets every update. When it does not have the version that an update
 * builds on (by number, length, checksum and maker), it says so, and the tail sends the chunk
 * whole. Beside that, {@code Resync} at the tail compares all chunks, page by page: first it
 * removes what it does not have itself, then it copies what is missing or different, each chunk in
 * its turn. Slots of the index are the key range of a page: chunks keep theirs, and one that comes
 * meanwhile comes as an update. Then the member is told the table of sessions, and that it has
 * everything, and claims so under this very version of the chain.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: a message is taken only under exactly the version of the chain that its receiver goes
 *       by, and looked at once more when its turn comes.
 *   <li>I2: whoever is before a member in the chain has every version that the member has: pending
 *       or committed, durably.
 *   <li>I3: an update is acknowledged when all members, that which is being copied to included,
 *       have it durably; an answer leaves only while the node may serve.
 *   <li>I4: a read returns a version that was the committed one of the tail at some time while the
 *       read ran. Without a pending version here, what is committed here is (by I2); with one, the
 *       tail is asked; the tail itself waits for the update's turn to end. What was read under one
 *       version of the chain is no answer under another: the lease may have had a gap between.
 *   <li>I5: an update that is sent again (same client, channel and sequence number) is carried out
 *       once and answered as the first time: by the chunk's own record, which all members have, as
 *       long as it was the chunk's last update; by the table of sessions otherwise. Every member
 *       takes the record of a chunk into that in the group in which the chunk is overwritten or
 *       removed, and has durably what it is told when it is copied to: whoever serves after any
 *       failure knows of every update that the chain carried out. Only what the chain made is taken
 *       into the table: of a member that is being copied to, what its neighbour has too. A client's
 *       removal of many chunks is done with the last of them, which comes alone; one that was
 *       interrupted before removes again what is there. Of {@link
 *       io.lampyris.chunkengine.session.Sessions#CHANNELS_MAX} channels and one more, that is
 *       forgotten which was looked at the longest time ago.
 *   <li>I6: of a forwarded message that arrives twice, the copy that is late does nothing: each
 *       names the oldest attempt that its sender still waits for, and of a chunk only newer
 *       attempts are taken.
 *   <li>I7: an update that was begun is tried until all behind have it, or until it is refused, or
 *       until this member is dropped: who does not answer is dropped by the manager.
 *   <li>I8: a member whose chunk is not what its neighbour takes it for leaves the chain by itself
 *       and is copied to again; so does one before which others were put while it had updates under
 *       way. Of two whose checksums of one version differ, the one behind first looks at its bytes,
 *       and leaves when they went bad before an update of some of them.
 *   <li>I9: a process that starts as a member of a chain with others takes part only when routing
 *       has dropped it; what was under way when it ended, it does not know.
 *   <li>I10: a member that is being copied to takes nothing before its updates of earlier views are
 *       over. It keeps what it has, committed or pending, until its neighbour has told what that
 *       has of the chunk: a pending version that the neighbour has is committed, any other rolled
 *       back, and a copy takes the place of what is there when it is whole. Until then either may
 *       be the only good bytes of what the chain has.
 *   <li>I11: comparing begins when no update of an earlier view is under way at the tail.
 *   <li>I12: which chain a target is in says routing alone, and it may be another one later: it
 *       comes into that when nothing of the one before is under way, as their versions say nothing
 *       together.
 *   <li>I13: who becomes tail, whether or not it copies to someone, first commits what is pending
 *       with no update under way: a tail before it may have shown that to readers. Parts of a copy
 *       that was not finished it rolls back.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Owner: the reactor that the service was made with.
 *
 * <h2>Failure</h2>
 *
 * NO_ROUTE: this target has not that part in the chain. CHAIN_VERSION_MISMATCH: one of the two has
 * older routing. TARGET_OFFLINE: it has stopped, or its lease has lapsed. CANCELLED: a late copy.
 * BUSY: later. An update that the member behind refuses for want of space stays pending here; the
 * next update of that chunk asks the tail what became of it. Bytes that went bad are taken from
 * another member: when a read meets them, and when the scrubber has found them.
 */
@NullMarked
package io.lampyris.chunkengine.chain;

import org.jspecify.annotations.NullMarked;
