/**
 * <b>What.</b> Struct layouts, constants and function pointers of libibverbs' header, written by
 * jextract from {@code src/generated/jextract/verbs.h} and {@code verbs.args}, C comments stripped.
 * Do not edit: run {@code generate}.
 *
 * <p><b>Invariants.</b> I1: each file has the SHA-256 that {@code SHA256SUMS} records. I2: sizes
 * and offsets are those that the C compiler gives on x86-64 with rdma-core's header; the library
 * keeps them (its ABI only grows).
 *
 * <p><b>Threading.</b> Immutable.
 *
 * <p><b>Failure.</b> None of its own.
 */
@NullMarked
package io.lampyris.bindings.verbs.abi;

import org.jspecify.annotations.NullMarked;
