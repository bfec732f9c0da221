/**
 * <b>What.</b> Struct layouts and constants of the Linux and libc headers, written by jextract from
 * {@code src/generated/jextract/linux.h} and {@code linux.args}, C comments stripped. Do not edit:
 * run {@code generate}.
 *
 * <p><b>Invariants.</b> I1: each file has the SHA-256 that {@code SHA256SUMS} records. I2: sizes
 * and offsets are those that the C compiler gives on x86-64.
 *
 * <p><b>Threading.</b> Immutable.
 *
 * <p><b>Failure.</b> None of its own.
 */
@NullMarked
package io.lampyris.bindings.linux;

import org.jspecify.annotations.NullMarked;
