package io.lampyris.reactor.net.tcp;

/** Why a connection ended. */
public enum CloseReason {
  /** The network was closed. */
  CLOSED,
  /** The peer ended the stream, or the kernel found it gone. */
  PEER_GONE,
  /** Nobody listens there, or not within the time. */
  CONNECT_FAILED,
  /** The first bytes were no handshake. */
  GARBAGE,
  /** The peer does not know the cluster secret. */
  WRONG_SECRET,
  /** The peer ended the connection upon our proof: it has another secret. */
  SECRET_REFUSED,
  /** The peer did not prove itself in time. */
  HANDSHAKE_TIMEOUT,
  /** It had not proved itself yet, and made room for a newer one. */
  CROWDED_OUT,
  /** A header with a wrong checksum, magic or version. */
  BAD_HEADER,
  /** A message with a wrong checksum. */
  BAD_MESSAGE,
  /** A length beyond the limit. */
  OVERSIZE,
  /** A well-formed frame that has no business here. */
  PROTOCOL,
  /** The peer did not take a payload before the call's deadline. */
  STALLED,
  /** More connections than the limit. */
  TOO_MANY,
  /** The node is somewhere else now. */
  MOVED
}
