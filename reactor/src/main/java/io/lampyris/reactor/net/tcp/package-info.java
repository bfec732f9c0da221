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
 *    0  u32  magic "LYRF"              44  u32  payload room, of a request whose answer carries one
 *    4  u32  CRC32C of 8 … 64          48  u32  node id
 *    8  u32  message length            52  u16  service id
 *   12  u32  payload length            54  u16  template id of the message, 0 without one
 *   16  u64  request id                56  u8   kind: 1 request, 2 answer
 *   24  u64  trace id                  57  u8   flags, 0
 *   32  i64  result, of an answer:     58  u16  version, 1
 *            a value or a Status       60  u32  message room, of a request: the most bytes that
 *   40  u32  budget in µs: how long              the answer's message may have
 *            the caller waits;
 *            2^32 - 1 for ever
 * </pre>
 *
 * <p>Fields that a kind does not name are 0 in it. Messages and payloads have no checksum of the
 * frame: chunk data carries its own from end to end, and TCP's stands for the rest.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: nothing but the handshake is understood before the peer has proved the secret.
 *   <li>I2: whatever a peer sends, the worst that happens is the end of its connection, with a
 *       counted {@link io.lampyris.reactor.net.tcp.CloseReason}.
 *   <li>I3: a call is answered once the kernel refers to none of its memory; an answer that comes
 *       later is skipped.
 *   <li>I4: a connection's memory is its slot's, of which there are {@code connectionsMax}.
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
 * Too many calls at a service, or no buffer for a payload: BUSY. A peer that does not take a
 * payload before its call's deadline loses its connection.
 */
@NullMarked
package io.lampyris.reactor.net.tcp;

import org.jspecify.annotations.NullMarked;
