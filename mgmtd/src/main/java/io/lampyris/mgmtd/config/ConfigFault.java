package io.lampyris.mgmtd.config;

/** One thing that is wrong with a configuration. */
public record ConfigFault(
    String origin, String key, String what, String observed, String limit, String remedy) {
  @Override
  public String toString() {
    return "%s: %s %s; observed=%s, limit=%s; remedy: %s"
        .formatted(origin, key, what, observed, limit, remedy);
  }
}
