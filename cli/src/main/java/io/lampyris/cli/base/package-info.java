/**
 * Small things that every command uses: sizes, tables, JSON, and how wrong input is reported.
 *
 * <h2>What</h2>
 *
 * No library is worth its weight for these; each is a page.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: {@code Json.parse(Json.write(x))} equals {@code x} for maps, lists, strings, longs,
 *       doubles and booleans.
 *   <li>I2: {@code Sizes.parse(Sizes.exact(n))} is {@code n}.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Stateless; any thread.
 *
 * <h2>Failure</h2>
 *
 * {@link io.lampyris.cli.base.InputException} says that the user has to change something; commands
 * turn it into exit code 2.
 */
@NullMarked
package io.lampyris.cli.base;

import org.jspecify.annotations.NullMarked;
