package io.lampyris.mgmtd.config;

/**
 * One setting.
 *
 * @param name dotted, in lower case: {@code mgmtd.lease.duration}
 * @param applies when a changed value is in force
 * @param meaning a sentence for people
 */
public record ConfigKey<T>(
    String name, ConfigType<T> type, T defaultValue, Applies applies, String meaning) {

  /** When a changed value is in force. */
  public enum Applies {
    AT_ONCE,
    AFTER_RESTART
  }

  public ConfigKey {
    if (!name.matches("[a-z][a-z0-9-]*(\\.[a-z][a-z0-9-]*)*")) {
      throw new IllegalArgumentException(
          "key name is malformed; observed=%s, limit=a.b-c; remedy: rename it".formatted(name));
    }
    if (type.parse(type.print(defaultValue)).filter(defaultValue::equals).isEmpty()) {
      throw new IllegalArgumentException(
          "default of %s is not admitted; observed=%s, limit=%s; remedy: correct it"
              .formatted(name, defaultValue, type.limit()));
    }
  }
}
