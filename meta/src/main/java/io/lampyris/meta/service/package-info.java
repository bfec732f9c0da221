/**
 * The metadata service: messages in, operations over the store, answers when they are durable.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.meta.service.MetaService} executes each call at once in a transaction of its
 * own and commits it unsynced. Answers that promise durability wait in a queue; one sync per cycle
 * of the reactor serves all of them (group commit), and while it runs the next calls gather.
 *
 * <pre>
 * answered after the sync      names made, removed or moved; mode and owner; truncation;
 *                              SyncFile(durable); EndChore of a session
 * answered after the commit    times, OpenFile, CloseFile, SyncFile(not durable), EndTruncate,
 *                              other chores: a timer syncs them within 5 ms
 * </pre>
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: no answer that promises durability leaves before a sync that began after its commit.
 *   <li>I2: while an answer waits, every later answer waits behind it: nobody is shown what could
 *       still vanish, and answers leave in the order of their calls.
 *   <li>I3: a commit is synced within 5 ms, asked for or not.
 *   <li>I4: a retry (same client, channel and sequence) of an update that changed names or cut a
 *       length is answered as the first time, also after a restart; it changes nothing. An older
 *       sequence of the channel is answered CANCELLED. Failures are not recorded: their retry is
 *       executed again. Sequences start at 1; 0 means that the caller never retries.
 *   <li>I5: of the recorded outcomes the newest are kept: {@code OUTCOMES_MAX}, give or take a
 *       round of trimming.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Everything runs on the reactor that hosts the service; the store blocks it for reads and syncs.
 *
 * <h2>Failure</h2>
 *
 * Malformed messages are answered INVALID_ARGUMENT, malformed values in the store DATA_CORRUPTION.
 * When the engine fails to sync, what was committed may be lost: every waiting call is answered
 * DEVICE_ERROR (NO_SPACE when the disk is full), and so is every later one until the service is
 * started again.
 */
@NullMarked
package io.lampyris.meta.service;

import org.jspecify.annotations.NullMarked;
