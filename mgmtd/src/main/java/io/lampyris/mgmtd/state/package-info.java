/**
 * What the manager knows for good: the cluster as one value, and how it is kept in a key-value
 * store.
 *
 * <h2>What</h2>
 *
 * A {@link io.lampyris.mgmtd.state.ClusterState} holds nodes, targets, chains, chain tables and
 * configuration layers. A {@link io.lampyris.mgmtd.state.Draft} collects what a decision changes;
 * {@link io.lampyris.mgmtd.state.StateStore#commit} writes it in one transaction and gives the
 * state that follows. Whoever is primary is written in the same store, and every such transaction
 * reads it.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: a decision is stored whole or not at all, and nobody learns of it before it is durable.
 *   <li>I2: a transaction of a manager that is not primary any more changes nothing.
 *   <li>I3: routing is a function of the stored state, and two states with the same routing version
 *       have the same routing.
 *   <li>I4: a loaded state is the state that was last committed.
 * </ul>
 *
 * <h2>Format, version 1</h2>
 *
 * Keys begin with {@code MGMT}; numbers in keys are big-endian, so that they sort. Values begin
 * with a byte that is their version, 1; numbers in them are big-endian, texts are UTF-8 behind
 * their length as u16, lists stand behind their length as i32.
 *
 * <pre>
 *   MGMT p           primacy   u64 epoch, u32 manager, u64 beat
 *   MGMT h           header    u64 routing version, u64 configuration version,
 *                              u64 lease duration in ns, u32 drift in ppm
 *   MGMT n u32 id    node      text address, text domain, u8 phase, list of (text tag, text value)
 *   MGMT t u64 id    target    u32 node, u32 disk, u64 store, u64 whole store, u8 retiring
 *   MGMT c u32 id    chain     u32 version, u32 served version, u32 replicas, u64 moving from,
 *                              u64 moving to, list of (u64 target, u8 state, u32 served, u8 leaving)
 *   MGMT b u32 id    table     u32 version, list of u32 chain
 *   MGMT l text      layer     u64 version, list of (text key, text value)
 * </pre>
 *
 * <h2>Threading</h2>
 *
 * States are immutable values. A draft and a store belong to the manager's reactor.
 *
 * <h2>Failure</h2>
 *
 * {@link io.lampyris.mgmtd.state.DeposedException}: another manager is primary. {@link
 * io.lampyris.reactor.kv.KvException}: the store failed, and what it holds is known only after it
 * was opened anew. A value of another version, or cut short, is an {@link IllegalStateException}.
 */
@NullMarked
package io.lampyris.mgmtd.state;

import org.jspecify.annotations.NullMarked;
