package io.lampyris.usrbio;

/** What the reactor says of a ring; made by who asks, so that the reactor allocates nothing. */
final class RingSample {
  final Ring ring;
  boolean retired;
  int prepared;
  int inFlight;
  long completed;
  long failures;
  long bytes;
  final LatencyCounts latencies = new LatencyCounts();

  RingSample(Ring ring) {
    this.ring = ring;
  }
}
