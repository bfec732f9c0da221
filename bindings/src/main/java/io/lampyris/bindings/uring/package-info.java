/**
 * <b>What.</b> io_uring by its three system calls and mapped rings: {@link IoUring}.
 *
 * <pre>
 *   owner thread                         kernel
 *   SQE, SQE, ... tail =release=&gt;  enter: takes SQEs, moves sq head
 *   cq head =release=&gt;               posts CQEs, tail
 *   reads CQEs after tail =acquire=
 * </pre>
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>I1: one platform thread prepares, submits and polls; SINGLE_ISSUER lets the kernel check
 *       it, asserts do so here.
 *   <li>I2: a prep method that returns false has changed nothing; one that returns true costs
 *       exactly one SQE.
 *   <li>I3: no allocation per operation, neither on the heap nor natively.
 *   <li>I4: indices shared with the kernel are read with acquire and written with release.
 *   <li>I5: poll finds every completion that exists, also where the kernel defers its work to the
 *       owner (DEFER_TASKRUN) or had to put completions aside (overflow).
 *   <li>I6: when close returns normally, the kernel uses no buffer any more.
 * </ul>
 *
 * <p><b>Threading.</b> As I1. Another thread wakes a waiting owner through an eventfd on which the
 * owner polls.
 *
 * <p><b>Failure.</b> Operations fail in their completion's result. Calls return {@code -errno}.
 * Older kernels get fewer set-up flags, down to Linux 5.15 ({@link IoUring#describe} says what was
 * got); before 5.19, close cannot cancel polls and reports them as still in flight, so cancel them
 * one by one.
 */
@NullMarked
package io.lampyris.bindings.uring;

import org.jspecify.annotations.NullMarked;
