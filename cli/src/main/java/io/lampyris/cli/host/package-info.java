/**
 * What {@code lampyris check host} looks at.
 *
 * <h2>What</h2>
 *
 * A check is a class with a pure function from what a machine shows ({@link
 * io.lampyris.cli.host.Host}: files of {@code /proc}, {@code /sys}, {@code /dev} and {@code /etc},
 * the environment, a ring, a clock) to findings ({@link io.lampyris.cli.host.Finding}). {@link
 * io.lampyris.cli.host.HostCheck} runs them all, {@link io.lampyris.cli.host.HostReport} shows what
 * they found.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: nothing on the machine is changed: files are opened for reading alone, no module is
 *       loaded, no program is run.
 *   <li>I2: a finding has an id of its own, says what was observed and the limit, and, when
 *       something is to be done, what to type.
 *   <li>I3: ERR is what makes Lampyris fail, or would cost somebody's data as the machine is
 *       configured; WARN costs speed or safety; INFO is hardware that is absent or left to others.
 *   <li>I4: a file that is missing, unreadable or strange makes a finding poorer and ends nothing.
 *   <li>I5: a disk of which it is not known that nothing is on it counts as one that holds data.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Stateless; any thread.
 *
 * <h2>Failure</h2>
 *
 * There is none: what cannot be seen is a finding.
 */
@NullMarked
package io.lampyris.cli.host;

import org.jspecify.annotations.NullMarked;
