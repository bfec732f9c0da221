/**
 * The configuration of an instance: one commented TOML file with strict keys.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.cli.config.ConfigurationFile} reads and writes the file, {@link
 * io.lampyris.cli.config.Key} lists what may stand in it, {@link
 * io.lampyris.cli.config.Configuration} is the result.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: a key that does nothing is an error, with its line and the nearest key that exists.
 *   <li>I2: what {@code ConfigurationFile.render} writes, {@code read} reads to the same values.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Immutable values; any thread.
 *
 * <h2>Failure</h2>
 *
 * {@link io.lampyris.cli.base.InputException}.
 */
@NullMarked
package io.lampyris.cli.config;

import org.jspecify.annotations.NullMarked;
