package io.lampyris.mgmtd.config;

import java.util.Map;

/**
 * Settings from one place, as written.
 *
 * @param origin where they come from, for people: "cluster", "tag rack=7", a file's name
 * @param version rises with every change of this layer; 0: it has none
 */
public record ConfigLayer(String origin, long version, Map<String, String> entries) {
  public ConfigLayer {
    entries = Map.copyOf(entries);
  }
}
