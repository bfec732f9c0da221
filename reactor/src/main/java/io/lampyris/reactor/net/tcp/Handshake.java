package io.lampyris.reactor.net.tcp;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * One side's part in the challenge that precedes all frames. Both proofs cover both nonces and the
 * prover's role, so neither a replayed nor a reflected proof is worth anything. Cold: allocates.
 */
final class Handshake {
  static final int MAGIC = 0x4852594c; // "LYRH"
  static final int VERSION = 1;
  static final int BYTES = 80;

  static final int HELLO = 1;
  static final int CHALLENGE = 2;
  static final int PROOF = 3;
  static final int WELCOME = 4;

  static final long MAGIC_AT = 0;
  static final long VERSION_AT = 4;
  static final long KIND_AT = 6;
  static final long NONCE_AT = 8;
  static final long PROOF_AT = 40;
  static final int NONCE_BYTES = 32;
  static final int PROOF_BYTES = 32;

  private static final SecureRandom RANDOM = new SecureRandom();
  private static final byte CLIENT = 'C';
  private static final byte SERVER = 'S';

  private final byte[] secret;
  private final byte[] mine = new byte[NONCE_BYTES];
  private final byte[] theirs = new byte[NONCE_BYTES];
  private final boolean client;
  private int expected;

  Handshake(byte[] secret, boolean client) {
    this.secret = secret;
    this.client = client;
    RANDOM.nextBytes(mine);
    expected = client ? CHALLENGE : HELLO;
  }

  /** Whether our proof is all that the peer has to judge now. */
  boolean isJudged() {
    return client && expected == WELCOME;
  }

  /** Writes the client's first message. */
  void hello(MemorySegment out, long at) {
    assert client : "the client begins";
    write(out, at, HELLO, true, false);
  }

  /** Takes a message and writes the answer, if there is one, to {@code out} at {@code outAt}. */
  Step accept(MemorySegment in, long at, MemorySegment out, long outAt) {
    if (!isPlausible(in, at, BYTES) || in.get(ValueLayout.JAVA_BYTE, at + KIND_AT) != expected) {
      return Step.GARBAGE;
    }
    return switch (expected) {
      case HELLO -> {
        takeNonce(in, at);
        write(out, outAt, CHALLENGE, true, false);
        expected = PROOF;
        yield Step.ANSWERED;
      }
      case CHALLENGE -> {
        takeNonce(in, at);
        write(out, outAt, PROOF, false, true);
        expected = WELCOME;
        yield Step.ANSWERED;
      }
      case PROOF -> {
        if (!proves(in, at, CLIENT)) {
          yield Step.WRONG_SECRET;
        }
        write(out, outAt, WELCOME, false, true);
        yield Step.PROVEN_AND_ANSWERED;
      }
      default -> proves(in, at, SERVER) ? Step.PROVEN : Step.WRONG_SECRET;
    };
  }

  /** What {@link #accept} found. */
  enum Step {
    GARBAGE,
    WRONG_SECRET,
    ANSWERED,
    PROVEN,
    PROVEN_AND_ANSWERED
  }

  /** Whether what there is of a message can become one; more than 6 bytes settle it. */
  static boolean isPlausible(MemorySegment in, long at, int length) {
    return (length < 4 || in.get(FrameLayout.INT, at + MAGIC_AT) == MAGIC)
        && (length < 6 || in.get(FrameLayout.SHORT, at + VERSION_AT) == VERSION);
  }

  private void takeNonce(MemorySegment in, long at) {
    MemorySegment.copy(in, ValueLayout.JAVA_BYTE, at + NONCE_AT, theirs, 0, NONCE_BYTES);
  }

  private boolean proves(MemorySegment in, long at, byte role) {
    byte[] proof = new byte[PROOF_BYTES];
    MemorySegment.copy(in, ValueLayout.JAVA_BYTE, at + PROOF_AT, proof, 0, PROOF_BYTES);
    return MessageDigest.isEqual(proof, prove(role));
  }

  private void write(MemorySegment out, long at, int kind, boolean nonce, boolean proof) {
    out.asSlice(at, BYTES).fill((byte) 0);
    out.set(FrameLayout.INT, at + MAGIC_AT, MAGIC);
    out.set(FrameLayout.SHORT, at + VERSION_AT, (short) VERSION);
    out.set(ValueLayout.JAVA_BYTE, at + KIND_AT, (byte) kind);
    if (nonce) {
      MemorySegment.copy(mine, 0, out, ValueLayout.JAVA_BYTE, at + NONCE_AT, NONCE_BYTES);
    }
    if (proof) {
      byte[] mac = prove(client ? CLIENT : SERVER);
      MemorySegment.copy(mac, 0, out, ValueLayout.JAVA_BYTE, at + PROOF_AT, PROOF_BYTES);
    }
  }

  /** HMAC-SHA256 over role, client's nonce, server's nonce. */
  private byte[] prove(byte role) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(secret, "HmacSHA256"));
      mac.update(role);
      mac.update(client ? mine : theirs);
      mac.update(client ? theirs : mine);
      return mac.doFinal();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java has HmacSHA256", e);
    }
  }
}
