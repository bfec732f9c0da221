/**
 * Calls over TCP, and the format of what goes over the wire, version 1.
 *
 * <h2>What</h2>
 *
 * One connection between a caller's network and a node carries all calls between the two; answers
 * come in any order. {@link io.lampyris.reactor.net.tcp.TcpNetwork} is the way in. All integers are
 * little-endian.
 *
 * <p>First, both sides prove the cluster secret, in messages of 80 bytes: the client's HELLO (1),
 * the server's CHALLENGE (2), the client's PROOF (3), the server's WELCOME (4).
 *
 * <pre>
 *    0  u32  magic "LYRH"               8  32 bytes nonce, in HELLO and CHALLENGE
 *    4  u16  version, 1                40  32 bytes proof, in PROOF and WELCOME
 *    6  u8   kind                      72  zeros to 80
 *    7  u8   0
 * </pre>
 *
 * <p>A proof is HMAC-SHA256 under the secret of: the prover's role ('C' or 'S', one byte), the
 * client's nonce, the server's nonce. Then frames follow each other: header, message, payload.
 *
 * <pre>
 *    0  u32  magic "LYRF"              40  u32  budget in µs: how long the caller waits;
 *    4  u32  CRC32C of 8 … 64                   2^32 - 1 for ever
 *    8  u16  message length            44  u32  payload room, of a request whose answer carries one
 *   10  u16  message room, of a        48  u32  node id
 *            request: the most bytes   52  u16  service id
 *            of the answer's message   54  u16  template id of the message, 0 without one
 *   12  u32  payload length            56  u8   kind: 1 request, 2 answer
 *   16  u64  request id                57  u8   flags, 0
 *   24  u64  trace id                  58  u16  version, 1
 *   32  i64  result, of an answer:     60  u32  CRC32C of the message
 *            a value or a Status
 * </pre>
 *
 * <p>Fields that a kind does not name are 0 in it. A message has at most 48 KiB, a payload as much
 * as the largest buffer of the receiver's reactor; what is larger than a message is sent as a
 * payload.
 *
 * <p><b>Who verifies payloads.</b> Nobody here: TCP's own checksum, which misses one error in
 * 65,536, is all that a payload has on the way. Chunk data carries CRC32C in the messages, from the
 * client that wrote it: each replica verifies what it receives before it is durable, each read on
 * the device that holds it, and the client what it gets. A service whose payloads are something
 * else puts a checksum into its message when it needs one.
 *
 * <p><b>Copies.</b> Payloads of at most 4 KiB are packed behind their message into one buffer and
 * one send, and are copied out of the receive buffer: one copy per side. A larger one goes straight
 * from the caller's or service's memory and is received straight into it, but for what comes along
 * with the header: at most 512 bytes while large payloads follow each other, and up to 64 KiB for
 * the first. From {@link io.lampyris.reactor.net.tcp.TcpOptions#zeroCopyMinBytes} on the kernel is
 * asked to send without its own copy too, until it reports that it copied all the same (over the
 * loopback device it always does) or that it may not pin so much memory; that is remembered for the
 * connection. Payloads are not received by multishot operations: those fill buffers of the kernel's
 * choice, from which they would have to be copied.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: nothing but the handshake is understood before the peer has proved the secret.
 *   <li>I2: whatever a peer sends, the worst that happens is the end of its connection, with a
 *       counted {@link io.lampyris.reactor.net.tcp.CloseReason}.
 *   <li>I3: a call is answered once the kernel refers to none of its memory; an answer that comes
 *       later is skipped.
 *   <li>I4: a connection's memory is its slot's, of which there are {@code connectionsMax}; a peer
 *       that takes no answers is not listened to, and who has not proved the secret makes room for
 *       the next when such connections have half the slots.
 *   <li>I5: of a large payload only what comes along with its header is copied.
 *   <li>I6: a call allocates nothing once its like has been in flight before.
 *   <li>I7: a caller's payload may lie in memory that others shrink ({@link
 *       io.lampyris.bindings.ShrinkableMemory}). Room that is lost is that call's MEMORY_FAULT; of
 *       a request that lost its bytes zeros are sent in their place, which the checksum in its
 *       message tells the receiver. The connection and its other calls go on.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Everything belongs to the network's reactor. Calls come and go by inbox where caller or service
 * live elsewhere.
 *
 * <h2>Failure</h2>
 *
 * A lost connection answers its calls UNREACHABLE (they may have been carried out) and is made
 * again by the next call; one that could not be made is not tried again before a bounded backoff.
 * Too many calls at a service or of one connection, or no buffer for a payload (a quarter of them
 * is left to services, which may need some to answer): BUSY. What arrives, or gets to its service's
 * reactor, after its deadline is not carried out. A peer that does not take a payload before its
 * call's deadline loses its connection, and so does one that acknowledges, or takes, nothing for
 * {@code peerTimeoutNs}. Who does not know the secret is told no more than the end of the
 * connection; that this end follows upon its proof tells an honest client why (SECRET_REFUSED).
 */
@NullMarked
package io.lampyris.reactor.net.tcp;

import org.jspecify.annotations.NullMarked;
