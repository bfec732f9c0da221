/**
 * <b>What.</b> SPDK's environment and NVMe driver as Java calls them: {@link SpdkLibraries} opens
 * the shared libraries, {@link SpdkEnvironment} starts DPDK, {@link NvmeController} is a device,
 * {@link NvmeQueue} a queue pair of it. Declared by us in {@code native/abi/spdk.h}, which {@code
 * make -C native abi-check SPDK=PATH} holds against a real SPDK's headers.
 *
 * <pre>
 *   reactor                       liblampyris_nvme.so            SPDK
 *   transfer, transfer, … ─► slots
 *   cycle ──────────────────────► submit each ─────────────────► spdk_nvme_ns_cmd_…
 *                                 poll ────────────────────────► process_completions
 *   nextCompleted ◄──────── completions ◄───────── callback ◄────┘
 * </pre>
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>I1: one native call a cycle, whatever the number of requests, and no upcall; none of it
 *       enters the kernel for PCIe and VFIOUSER.
 *   <li>I2: no allocation per request, neither on the heap nor natively.
 *   <li>I3: nothing of SPDK is linked: where it is absent, {@link SpdkLibraries#load} says so and
 *       nothing else changes.
 *   <li>I4: layouts that differ are refused at start, by what SPDK wrote into them, before anything
 *       is done with a device.
 *   <li>I5: SIGBUS stays the JVM's on threads that are not inside SPDK.
 * </ul>
 *
 * <p><b>Threading.</b> A queue is one thread's. A controller's admin calls are one thread's, and
 * during a reset nobody else's either.
 *
 * <p><b>Failure.</b> {@link SpdkException} with a remedy for what cannot be opened; statuses and
 * negative errnos for requests.
 */
@NullMarked
package io.lampyris.bindings.spdk;

import org.jspecify.annotations.NullMarked;
