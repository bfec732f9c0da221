package io.lampyris.usrbio;

/**
 * Limits and times of the ring server.
 *
 * @param spinNs how long rings are polled after their last activity before the reactor may block
 * @param activeScanNs how often a blocked reactor looks at rings that were active lately, for
 *     entries that nobody announced
 * @param idleScanNs the same for rings that were not
 * @param idleAfterNs when "lately" ends
 * @param entriesPerCycleMax how many entries one ring gets into one cycle: bounds what others wait,
 *     and how many end together. With few, the program takes the first while the next are read; 4
 *     KiB from memory at depth 32: 470, 490, 460, 370 thousand a second with 4, 8, 16, 64
 * @param inFlightMax over all rings: 256 bytes each; four times what keeps a fast device busy
 * @param ringsMax rings are polled one by one: 4096 cost about 40 µs a cycle
 * @param registrationsMax rings and memory together
 */
public record RingServerConfig(
    long spinNs,
    long activeScanNs,
    long idleScanNs,
    long idleAfterNs,
    int entriesPerCycleMax,
    int inFlightMax,
    int ringsMax,
    int registrationsMax) {

  public static final RingServerConfig DEFAULT =
      new RingServerConfig(100_000, 10_000_000, 200_000_000, 1_000_000_000, 8, 4096, 4096, 1 << 20);

  public RingServerConfig {
    assert spinNs >= 0 && activeScanNs > 0 && idleScanNs >= activeScanNs : "times";
    assert entriesPerCycleMax > 0 && inFlightMax > 0 && ringsMax > 0 : "limits";
    assert registrationsMax >= ringsMax : "rings are registrations";
  }

  /** The same with another spin. */
  public RingServerConfig withSpinNs(long ns) {
    return new RingServerConfig(
        ns,
        activeScanNs,
        idleScanNs,
        idleAfterNs,
        entriesPerCycleMax,
        inFlightMax,
        ringsMax,
        registrationsMax);
  }
}
