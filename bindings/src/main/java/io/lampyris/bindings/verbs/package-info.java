/**
 * <b>What.</b> RDMA by libibverbs: {@link VerbsLibrary} finds the library and its devices, {@link
 * VerbsDevice} opens one with a port and an address, and makes {@link CompletionQueue}, {@link
 * QueuePair}, {@link MemoryRegion} and {@link MemoryWindow}. Layouts are jextract's, in {@code
 * io.lampyris.bindings.verbs.abi}.
 *
 * <pre>
 *   RESET --create--> INIT --peer's endpoint--> RTR --> RTS --error, toError--> ERR --close
 * </pre>
 *
 * <p>What is called for each operation (post_send, post_recv, poll_cq) is not exported: it is
 * reached through the function pointers of the device's context, as the C header's inline functions
 * do, so that no code of ours need be compiled against a version.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>I1: no library, no device or no usable port is a {@link VerbsUnavailableException} that
 *       says why and what helps; nothing is left open then.
 *   <li>I2: what the library gives back is compared with what it was given (self-test): another
 *       layout than ours is found before the first operation.
 *   <li>I3: posting and polling allocate nothing and make no upcall.
 *   <li>I4: the operations of a queue pair lie in memory that lives until it is closed.
 *   <li>I5: a parent is closed after its children.
 * </ul>
 *
 * <p><b>Threading.</b> One platform thread owns a device and all that was made on it. {@link
 * CompletionQueue#poll} is a critical call: providers answer it from memory.
 *
 * <p><b>Failure.</b> Making something throws {@link io.lampyris.bindings.NativeException}, or
 * {@link VerbsUnavailableException} while a device is opened; operations return {@code >= 0} or
 * {@code -errno}, and fail in their completion's {@link WcStatus}.
 */
@NullMarked
package io.lampyris.bindings.verbs;

import org.jspecify.annotations.NullMarked;
