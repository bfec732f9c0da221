package io.lampyris.mgmtd.config;

import io.lampyris.protocol.lease.LeaseTerms;
import java.util.List;
import java.util.Optional;

/** The keys of leases, which every role must agree on. */
public final class MgmtdKeys {
  private static final long MS = 1_000_000;
  private static final LeaseTerms TERMS = LeaseTerms.DEFAULT;

  // A lease in force is a promise that was made in the old terms, so these wait for a restart.
  public static final ConfigKey<Long> LEASE_DURATION =
      duration(
          "mgmtd.lease.duration",
          TERMS.durationNs(),
          "How long a storage node serves without hearing from the manager.");

  public static final ConfigKey<Long> LEASE_RENEW =
      duration(
          "mgmtd.lease.renew-every", TERMS.renewEveryNs(), "How often a node renews its lease.");

  public static final ConfigKey<Long> LEASE_CHECK =
      new ConfigKey<>(
          "mgmtd.lease.check-every",
          new ConfigType.Duration(MS, 10_000 * MS),
          TERMS.checkEveryNs(),
          ConfigKey.Applies.AT_ONCE,
          "How often the manager looks for lapsed leases.");

  public static final ConfigKey<Long> CLOCK_DRIFT_PPM =
      new ConfigKey<>(
          "mgmtd.lease.clock-drift-ppm",
          new ConfigType.Whole(0, 100_000),
          (long) TERMS.driftPpm(),
          ConfigKey.Applies.AFTER_RESTART,
          "How much any machine's clock may gain or lose, in millionths.");

  public static final ConfigKey<Long> SPARE_AFTER =
      new ConfigKey<>(
          "mgmtd.spare.after",
          new ConfigType.Duration(MS, 7 * 24 * 3_600_000 * MS),
          600_000 * MS,
          ConfigKey.Applies.AT_ONCE,
          "For how long a target is away before a spare one takes its place.");

  public static final ConfigKey<Long> CLIENT_TIMEOUT =
      new ConfigKey<>(
          "mgmtd.client.timeout",
          new ConfigType.Duration(1_000 * MS, 3_600_000 * MS),
          60_000 * MS,
          ConfigKey.Applies.AT_ONCE,
          "For how long a client that asks no more is listed.");

  public static final ConfigKey<Boolean> AUTO_REGISTER =
      new ConfigKey<>(
          "mgmtd.node.auto-register",
          new ConfigType.Switch(),
          true,
          ConfigKey.Applies.AT_ONCE,
          "Whether a node that proves the cluster secret may take part without being registered.");

  private static final ConfigRule RENEW_OFTEN_ENOUGH =
      config -> {
        long renew = config.get(LEASE_RENEW);
        long limit = config.get(LEASE_DURATION) / 3;
        if (renew <= limit) {
          return Optional.empty();
        }
        return Optional.of(
            new ConfigFault(
                config.originOf(LEASE_RENEW),
                LEASE_RENEW.name(),
                "leaves no room for a lost request",
                LEASE_RENEW.type().print(renew),
                "a third of " + LEASE_DURATION.name() + ", " + limit + "ns",
                "lengthen the lease or renew more often"));
      };

  private MgmtdKeys() {}

  public static ConfigRegistry registry() {
    return new ConfigRegistry(
        List.of(
            LEASE_DURATION,
            LEASE_RENEW,
            LEASE_CHECK,
            CLOCK_DRIFT_PPM,
            SPARE_AFTER,
            CLIENT_TIMEOUT,
            AUTO_REGISTER),
        List.of(RENEW_OFTEN_ENOUGH));
  }

  /** The lease terms of a configuration in force. */
  public static LeaseTerms leaseTerms(EffectiveConfig config) {
    return new LeaseTerms(
        config.get(LEASE_DURATION),
        config.get(LEASE_RENEW),
        config.get(LEASE_CHECK),
        Math.toIntExact(config.get(CLOCK_DRIFT_PPM)));
  }

  private static ConfigKey<Long> duration(String name, long defaultNs, String meaning) {
    return new ConfigKey<>(
        name,
        new ConfigType.Duration(10 * MS, 600_000 * MS),
        defaultNs,
        ConfigKey.Applies.AFTER_RESTART,
        meaning);
  }
}
