package io.lampyris.client;

import java.security.SecureRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Who this client is: 128 random bits per mount. An update is named by it, a channel that carries
 * one update at a time, and a sequence number that rises with every update (package I1). Any
 * thread.
 */
public final class ClientIdentity {
  private final long high;
  private final long low;
  private final AtomicLong sequence = new AtomicLong();
  private final AtomicInteger channels = new AtomicInteger();

  public ClientIdentity(long high, long low) {
    this.high = high;
    this.low = low;
  }

  /** An identity that nobody else has. */
  public static ClientIdentity random() {
    SecureRandom random = new SecureRandom();
    return new ClientIdentity(random.nextLong(), random.nextLong());
  }

  public long high() {
    return high;
  }

  public long low() {
    return low;
  }

  long nextSequence() {
    return sequence.incrementAndGet();
  }

  /** A channel of one's own; a pooled call takes one when it is made and keeps it. */
  int newChannel() {
    return channels.incrementAndGet();
  }
}
