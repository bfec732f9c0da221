package io.lampyris.mgmtd.config;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/** The keys that exist, and the rules between them. */
public final class ConfigRegistry {
  private final SortedMap<String, ConfigKey<?>> keys = new TreeMap<>();
  private final List<ConfigRule> rules;

  /**
   * @throws IllegalArgumentException when a name is there twice, or the defaults break a rule
   */
  public ConfigRegistry(Collection<? extends ConfigKey<?>> keys, List<ConfigRule> rules) {
    for (ConfigKey<?> key : keys) {
      if (this.keys.put(key.name(), key) != null) {
        throw new IllegalArgumentException(
            "key is registered twice; observed=%s, limit=once; remedy: rename one"
                .formatted(key.name()));
      }
    }
    this.rules = List.copyOf(rules);
    if (merge(List.of()) instanceof Merged.Invalid invalid) {
      throw new IllegalArgumentException("defaults are not valid: " + invalid.faults());
    }
  }

  /** All keys, by name. */
  public Collection<ConfigKey<?>> keys() {
    return List.copyOf(keys.values());
  }

  /** Lays layers over the defaults; the later one wins. */
  public Merged merge(List<ConfigLayer> layers) {
    List<ConfigFault> faults = new ArrayList<>();
    SortedMap<String, EffectiveConfig.Setting> settings = new TreeMap<>();
    for (ConfigKey<?> key : keys.values()) {
      settings.put(
          key.name(),
          new EffectiveConfig.Setting(key, key.defaultValue(), EffectiveConfig.DEFAULT));
    }
    Map<String, Long> versions = new HashMap<>();
    Set<String> origins = new HashSet<>();
    for (ConfigLayer layer : layers) {
      if (!origins.add(layer.origin()) || layer.version() < 0) {
        faults.add(
            new ConfigFault(
                layer.origin(),
                "*",
                "is no layer",
                String.valueOf(layer.version()),
                "each origin once, version >= 0",
                "name and number layers"));
      }
      versions.put(layer.origin(), layer.version());
      new TreeMap<>(layer.entries())
          .forEach((name, text) -> read(layer.origin(), name, text, settings, faults));
    }
    EffectiveConfig config = new EffectiveConfig(settings, versions);
    if (faults.isEmpty()) {
      rules.forEach(rule -> rule.check(config).ifPresent(faults::add));
    }
    return faults.isEmpty() ? new Merged.Valid(config) : new Merged.Invalid(faults);
  }

  private void read(
      String origin,
      String name,
      String text,
      SortedMap<String, EffectiveConfig.Setting> settings,
      List<ConfigFault> faults) {
    ConfigKey<?> key = keys.get(name);
    if (key == null) {
      faults.add(
          new ConfigFault(
              origin, name, "is no key", name, "registered keys", "did you mean " + nearest(name)));
      return;
    }
    Optional<?> value = key.type().parse(text.strip());
    if (value.isEmpty()) {
      String remedy =
          "correct it, or leave it out for "
              + new EffectiveConfig.Setting(key, key.defaultValue(), EffectiveConfig.DEFAULT)
                  .text();
      faults.add(
          new ConfigFault(origin, name, "is not admitted", text, key.type().limit(), remedy));
      return;
    }
    settings.put(name, new EffectiveConfig.Setting(key, value.get(), origin));
  }

  /** The registered name that takes the fewest edits. */
  private String nearest(String name) {
    String best = "";
    int least = Integer.MAX_VALUE;
    for (String candidate : keys.keySet()) {
      int edits = edits(name, candidate);
      best = edits < least ? candidate : best;
      least = Math.min(least, edits);
    }
    return best;
  }

  private static int edits(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int swap = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(swap, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[b.length()];
  }
}
