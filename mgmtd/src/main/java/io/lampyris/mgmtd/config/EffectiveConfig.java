package io.lampyris.mgmtd.config;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** A complete and valid configuration (I1). */
public final class EffectiveConfig {
  /** A value and where it comes from; {@code origin} is {@link #DEFAULT} or a layer's. */
  public record Setting(ConfigKey<?> key, Object value, String origin) {
    /** The value as people write it. */
    public String text() {
      return print(key);
    }

    @SuppressWarnings("unchecked")
    private <T> String print(ConfigKey<T> typed) {
      return typed.type().print((T) value);
    }
  }

  /** A key whose value differs, and when the new one is in force. */
  public record Change(String key, String from, String to, ConfigKey.Applies applies) {}

  public static final String DEFAULT = "default";

  private final SortedMap<String, Setting> settings;
  private final Map<String, Long> versions;

  EffectiveConfig(SortedMap<String, Setting> settings, Map<String, Long> versions) {
    this.settings = Collections.unmodifiableSortedMap(new TreeMap<>(settings));
    this.versions = Map.copyOf(versions);
  }

  /**
   * The value of a key.
   *
   * @throws IllegalArgumentException when the registry does not have this very key
   */
  @SuppressWarnings("unchecked")
  public <T> T get(ConfigKey<T> key) {
    return (T) settingOf(key).value();
  }

  /** Where a key's value comes from. */
  public String originOf(ConfigKey<?> key) {
    return settingOf(key).origin();
  }

  private Setting settingOf(ConfigKey<?> key) {
    Setting setting = settings.get(key.name());
    if (setting == null || !setting.key().equals(key)) {
      throw new IllegalArgumentException(
          "key is not registered; observed=%s, limit=the registry; remedy: register it"
              .formatted(key.name()));
    }
    return setting;
  }

  /** All settings, by name. */
  public SortedMap<String, Setting> settings() {
    return settings;
  }

  /** The version of each layer by origin. */
  public Map<String, Long> versions() {
    return versions;
  }

  /** What differs in another configuration of the same registry, by name. */
  public List<Change> changesTo(EffectiveConfig next) {
    List<Change> changes = new ArrayList<>();
    for (Setting now : settings.values()) {
      Setting then = next.settings.get(now.key().name());
      assert then != null : "another registry: " + now.key().name();
      if (!now.value().equals(then.value())) {
        changes.add(new Change(now.key().name(), now.text(), then.text(), now.key().applies()));
      }
    }
    return changes;
  }

  /** Goes to another configuration without a restart: what needs one keeps its value (I4). */
  public EffectiveConfig applying(EffectiveConfig next) {
    SortedMap<String, Setting> mixed = new TreeMap<>();
    for (Setting then : next.settings.values()) {
      Setting now = settings.get(then.key().name());
      assert now != null : "another registry: " + then.key().name();
      boolean waits = then.key().applies() == ConfigKey.Applies.AFTER_RESTART;
      mixed.put(then.key().name(), waits ? now : then);
    }
    return new EffectiveConfig(mixed, next.versions);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof EffectiveConfig that
        && settings.equals(that.settings)
        && versions.equals(that.versions);
  }

  @Override
  public int hashCode() {
    return settings.hashCode();
  }

  @Override
  public String toString() {
    return settings.values().toString();
  }
}
