/**
 * A cluster of processes on this machine, in one directory: what {@code lampyris up --nodes} makes.
 *
 * <h2>What</h2>
 *
 * <pre>
 * DIR/CLUSTER          text, key=value: format, state, how many of what, ports
 * DIR/secret           the cluster's secret
 * DIR/cluster.toml     for operators: lampyris node list --config DIR/cluster.toml
 * DIR/ROLE.toml        for the process of that role
 * DIR/ROLE/            lock, log, control channel and data of that role: mgmtd, meta, storage-1 ...
 * DIR/mount/           the same of the process that mounts, if any does
 * DIR/storage-N/disk/  targets of a storage node
 * </pre>
 *
 * Every role is a process in a session of its own, so any of them may be killed; {@code up} on the
 * same directory starts those that do not run.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: a directory that is something else is refused before anything is done.
 *   <li>I2: ports are chosen once, when the directory is made, and kept.
 *   <li>I3: {@code CLUSTER} says {@code state=ready} only when the cluster's chains have been made
 *       and evened out over all of its nodes ({@code making} and {@code growing} before that);
 *       until then the next {@code up} goes on where the last one ended.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Any one thread.
 *
 * <h2>Failure</h2>
 *
 * {@link io.lampyris.cli.base.InputException} for what the user has to change; {@link
 * io.lampyris.cli.base.FailedException} for a role that does not become ready, with what it said.
 */
@NullMarked
package io.lampyris.cli.local;

import org.jspecify.annotations.NullMarked;
