/**
 * Calls over RDMA, beside TCP: messages by SEND, payloads one-sided. The format of messages is
 * version 1.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.reactor.net.verbs.VerbsNetwork} wraps a {@link
 * io.lampyris.reactor.net.tcp.TcpNetwork} on the same reactor. Over it, whose ends have proved the
 * cluster secret, a caller's queue pair and the node's get to know each other (VerbsHello); then
 * both try the way with a message as long as the longest; then calls go by RDMA. Without a device,
 * a peer with one, or a way that works, calls go by TCP, and RDMA is tried again now and then.
 *
 * <pre>
 *   caller                         node
 *   bind window, SEND request  --&gt;
 *                              &lt;-- RDMA READ of the payload, if the request has one
 *                                  (service)
 *                              &lt;-- RDMA WRITE into the room, if the request has some,
 *                              &lt;-- SEND answer, which takes back the window's key
 * </pre>
 *
 * <p>A message begins with this header, little-endian; one longer than a receive goes on in the
 * next ones, without header. InfiniBand's checksum covers it on its way.
 *
 * <pre>
 *    0  u8   kind: 1 request, 2 answer,      28  u32  payload length or room
 *            3 credit, 4 cancel              32  u32  node id
 *    1  u8   windows, 0 to 2                 36  u16  service id
 *    2  u16  credits: receives posted again  38  u16  flags; 1: the payload is room
 *    4  u16  message length                  40  u64  address  \
 *    6  u16  message room, of a request      48  u32  length    } of each window, 16 bytes
 *    8  u64  request id                      52  u32  key      /
 *   16  u64  trace id                        72       the message
 *   24  u32  budget in µs, of a request,
 *            2^32 - 1 for ever;
 *       i64  result, of an answer, at 24
 * </pre>
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: what {@link io.lampyris.reactor.net} promises, whichever way a call takes and also when
 *       it changes: a caller's calls go by RDMA once those before them have arrived by TCP.
 *   <li>I2: a peer reaches a call's payload only: by a window of its own queue pair, whose key is
 *       taken back before the call is answered. When a connection ends, windows and queue pair are
 *       destroyed before the calls are answered.
 *   <li>I3: a message is sent when the peer has a receive posted for it; one credit is kept for
 *       giving credits back, so that two full ends do not wait for each other.
 *   <li>I4: payloads in the reactor's buffers, or in memory that it was told to expect, are not
 *       copied on either side; others go through a buffer.
 *   <li>I5: a completion is asked for where memory waits for it, and for the last of the operations
 *       of a cycle.
 *   <li>I6: RDMA is no reason for a call to fail that TCP would carry, but for those that were
 *       under way when a connection ended: UNREACHABLE, as with TCP.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * As TCP: everything belongs to the network's reactor.
 *
 * <h2>Failure</h2>
 *
 * A connection ends with a counted {@link io.lampyris.reactor.net.verbs.LinkEnd}: its queue pair
 * goes into error, what is outstanding is drained within a bound, and calls go by TCP until RDMA
 * works again. A way that large packets do not pass, and small ones do, is used with these: large
 * ones are tried once more before, as a way that is cut for a while looks the same; a way that none
 * pass is told of ({@link io.lampyris.reactor.net.verbs.VerbsNetwork.Troubles}). A cancelled call
 * whose payload the peer may be at is answered when the peer has let go of it; one that does not in
 * time loses its connection. Setting up and tearing down are system calls of some 100 µs on the
 * reactor. Memory that others shrink stays pinned while a window of it may be open; what cannot be
 * registered is copied, and lost room is MEMORY_FAULT.
 */
@NullMarked
package io.lampyris.reactor.net.verbs;

import org.jspecify.annotations.NullMarked;
