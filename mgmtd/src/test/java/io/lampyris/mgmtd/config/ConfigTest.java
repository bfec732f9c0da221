package io.lampyris.mgmtd.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.protocol.lease.LeaseTerms;
import io.lampyris.reactor.sim.Prng;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ConfigTest {
  private static final long MS = 1_000_000;
  private static final ConfigRegistry REGISTRY = MgmtdKeys.registry();

  private static ConfigLayer layer(String origin, long version, String... entries) {
    Map<String, String> map = new HashMap<>();
    for (int i = 0; i < entries.length; i += 2) {
      map.put(entries[i], entries[i + 1]);
    }
    return new ConfigLayer(origin, version, map);
  }

  private static EffectiveConfig valid(ConfigLayer... layers) {
    return assertInstanceOf(Merged.Valid.class, REGISTRY.merge(List.of(layers)), "I1").config();
  }

  private static List<ConfigFault> faults(ConfigLayer... layers) {
    return assertInstanceOf(Merged.Invalid.class, REGISTRY.merge(List.of(layers))).faults();
  }

  @Test
  void theDefaultsAreTheDefaultTerms() {
    assertEquals(LeaseTerms.DEFAULT, MgmtdKeys.leaseTerms(valid()));
  }

  @Test
  void whatIsNearerToTheNodeWinsAndSaysWhereItIsFrom() {
    EffectiveConfig config =
        valid(
            layer("cluster", 4, "mgmtd.lease.duration", "6s", "mgmtd.lease.check-every", "50ms"),
            layer("node.conf", 0, "mgmtd.lease.check-every", "20 ms"));
    assertEquals(6_000 * MS, config.get(MgmtdKeys.LEASE_DURATION));
    assertEquals(20 * MS, config.get(MgmtdKeys.LEASE_CHECK));
    EffectiveConfig.Setting check =
        Objects.requireNonNull(config.settings().get("mgmtd.lease.check-every"));
    assertEquals("20ms from node.conf", check.text() + " from " + check.origin());
    assertEquals(Map.of("cluster", 4L, "node.conf", 0L), config.versions());
  }

  @Test
  void everythingThatIsWrongIsToldAtOnceWithARemedy() {
    List<ConfigFault> faults =
        faults(
            layer("cluster", 1, "mgmtd.lease.duratoin", "1s", "mgmtd.lease.renew-every", "5 days"),
            layer("cluster", 1, "mgmtd.lease.clock-drift-ppm", "-1"));
    assertEquals(4, faults.size(), "I2: " + faults);
    for (ConfigFault fault : faults) {
      assertTrue(fault.toString().matches(".*observed=.*limit=.*remedy: .*"), fault::toString);
    }
    assertTrue(faults.toString().contains("did you mean mgmtd.lease.duration"), faults::toString);
  }

  @Test
  void rulesBetweenKeysHoldAcrossLayers() {
    List<ConfigFault> faults =
        faults(
            layer("cluster", 1, "mgmtd.lease.renew-every", "1s"),
            layer("node.conf", 0, "mgmtd.lease.duration", "2s"));
    assertEquals("mgmtd.lease.renew-every", faults.get(0).key());
  }

  @Test
  void anUpdateAppliesAtOnceOnlyWhatMay() {
    EffectiveConfig old = valid();
    EffectiveConfig next =
        valid(layer("cluster", 2, "mgmtd.lease.duration", "3s", "mgmtd.lease.check-every", "1s"));
    List<EffectiveConfig.Change> changes = old.changesTo(next);
    assertEquals(2, changes.size());
    assertEquals(
        new EffectiveConfig.Change(
            "mgmtd.lease.check-every", "100ms", "1s", ConfigKey.Applies.AT_ONCE),
        changes.get(0));
    assertEquals(ConfigKey.Applies.AFTER_RESTART, changes.get(1).applies());
    EffectiveConfig applied = old.applying(next);
    assertEquals(old.get(MgmtdKeys.LEASE_DURATION), applied.get(MgmtdKeys.LEASE_DURATION), "I4");
    assertEquals(1_000 * MS, applied.get(MgmtdKeys.LEASE_CHECK));
    assertEquals(1, applied.changesTo(next).size());
  }

  @Test
  void theOrderOfKeysMakesNoDifference() {
    String[] entries = {"mgmtd.lease.duration", "9s", "mgmtd.lease.renew-every", "1s"};
    String[] reversed = {"mgmtd.lease.renew-every", "1s", "mgmtd.lease.duration", "9s"};
    assertEquals(valid(layer("c", 1, entries)), valid(layer("c", 1, reversed)), "I3");
  }

  @Test
  void whatIsPrintedReadsBackTheSame() {
    long seed = Long.getLong("seed", 7L);
    Prng random = new Prng(seed);
    ConfigType.Duration duration = new ConfigType.Duration(0, Long.MAX_VALUE);
    ConfigType.Size size = new ConfigType.Size(0, Long.MAX_VALUE);
    for (int i = 0; i < 20_000; i++) {
      long value = random.nextLong() >>> random.between(1, 63);
      assertEquals(Optional.of(value), duration.parse(duration.print(value)), "seed=" + seed);
      assertEquals(Optional.of(value), size.parse(size.print(value)), "seed=" + seed);
    }
    assertEquals("90min", duration.print(5_400_000 * MS));
    assertEquals("1536MiB", size.print(3L << 29));
  }

  @Test
  void textsThatAreNoValuesAreRefused() {
    ConfigType.Size size = new ConfigType.Size(1, 1L << 40);
    for (String text : List.of("", "B", "-1B", "1", "1KB", "2TiB", "9999999999999GiB", "1 2B")) {
      assertEquals(Optional.empty(), size.parse(text), text);
    }
    assertEquals(Optional.empty(), new ConfigType.Switch().parse("yes"));
    assertEquals(Optional.of("a"), new ConfigType.OneOf(List.of("a", "b")).parse("A"));
    assertEquals(Optional.empty(), new ConfigType.OneOf(List.of("a", "b")).parse("c"));
    assertEquals(Optional.empty(), new ConfigType.Text(2).parse("abc"));
  }

  @Test
  void aRegistryThatContradictsItselfIsRefused() {
    ConfigKey<Long> key = MgmtdKeys.LEASE_CHECK;
    assertThrows(
        IllegalArgumentException.class, () -> new ConfigRegistry(List.of(key, key), List.of()));
    assertThrows(
        IllegalArgumentException.class,
        () ->
            new ConfigKey<>(
                "a", new ConfigType.Whole(0, 1), 2L, ConfigKey.Applies.AT_ONCE, "Two."));
    assertThrows(
        IllegalArgumentException.class,
        () ->
            new ConfigKey<>(
                "A", new ConfigType.Whole(0, 1), 1L, ConfigKey.Applies.AT_ONCE, "Upper case."));
    ConfigRegistry other = new ConfigRegistry(List.of(key), List.of());
    EffectiveConfig config = assertInstanceOf(Merged.Valid.class, other.merge(List.of())).config();
    assertThrows(IllegalArgumentException.class, () -> config.get(MgmtdKeys.LEASE_RENEW));
  }
}
