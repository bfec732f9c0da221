package io.lampyris.reactor;

/** What a reactor does when a cycle found nothing to do. */
public enum IdlePolicy {
  /** Polls on: lowest latency, takes a whole core. For dedicated cores. */
  SPIN,
  /** Polls for a while, then sleeps for up to a millisecond between polls. */
  BACKOFF,
  /** Polls briefly, then sleeps in the kernel until something happens. Next to no CPU when idle. */
  BLOCK
}
