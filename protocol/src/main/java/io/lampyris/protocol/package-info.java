/**
 * The words that cross between clients and services: ids, layouts, routing, status codes, messages.
 *
 * <h2>What</h2>
 *
 * Values and codes that every module shares, beside the SBE codecs that the build makes from {@code
 * lampyris.xml} into {@code io.lampyris.protocol.sbe}. The schema is the wire format: fields are
 * only ever added, with {@code sinceVersion}, and ids are never reused.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: a status code, once released, keeps its number and its errno.
 *   <li>I2: a layout maps every chunk index to exactly one chain, and the mapping never changes for
 *       the life of the file.
 *   <li>I3: a routing value never changes; a newer one has a higher version, and a {@link
 *       io.lampyris.protocol.RoutingDelta} leads from one to the other and nowhere else.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * All types here are immutable values; codecs are flyweights that belong to one thread.
 *
 * <h2>Failure</h2>
 *
 * Malformed values are refused where they are made, with {@link IllegalArgumentException}.
 */
@NullMarked
package io.lampyris.protocol;

import org.jspecify.annotations.NullMarked;
