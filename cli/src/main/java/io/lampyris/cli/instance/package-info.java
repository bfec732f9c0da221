/**
 * The directory of an instance, format 1.
 *
 * <h2>What</h2>
 *
 * <pre>
 * DIR/FORMAT          text, key=value: format, state, uuid, targets, target_size
 * DIR/lampyris.toml   configuration
 * DIR/lock            held (POSIX record lock) while an instance runs; holds its pid
 * DIR/lampyris.pid    pid of the running instance
 * DIR/control.sock    control channel of the running instance
 * DIR/log/            lampyris.log, rolled and bounded; lampyris.out of detached instances
 * DIR/meta/           namespace
 * DIR/targets/ID/     device file and chunk log of one target
 * </pre>
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: whatever {@link io.lampyris.cli.instance.Preflight} refuses, nothing on disk has
 *       changed.
 *   <li>I2: {@code FORMAT} says {@code state=ready} only when everything below DIR has been made;
 *       until then the next start makes it again from nothing.
 *   <li>I3: one running instance per DIR, however the one before it ended.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Any one thread.
 *
 * <h2>Failure</h2>
 *
 * {@link io.lampyris.cli.base.InputException} for what the user has to change; {@link
 * java.io.IOException} for what the machine refused.
 */
@NullMarked
package io.lampyris.cli.instance;

import org.jspecify.annotations.NullMarked;
