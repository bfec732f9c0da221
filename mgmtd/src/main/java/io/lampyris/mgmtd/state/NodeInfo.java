package io.lampyris.mgmtd.state;

import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A storage node that may take part.
 *
 * @param address host:port; empty: it is reached without one
 * @param domain what fails together with it; empty: nothing else
 * @param tags for people, and for configuration
 */
public record NodeInfo(
    int id, String address, String domain, Phase phase, SortedMap<String, String> tags) {
  /** What an operator wants of a node. */
  public enum Phase {
    ACTIVE(1),
    /** Its targets are moved elsewhere, and it gets none. */
    DRAINING(2),
    /** It is empty and told to end; it is forgotten when its lease has lapsed. */
    LEAVING(3);

    private final int number;

    Phase(int number) {
      this.number = number;
    }

    int number() {
      return number;
    }
  }

  public NodeInfo {
    if (id < 1) {
      throw new IllegalArgumentException(
          "node id is not positive; observed=%d, limit=>= 1; remedy: correct it".formatted(id));
    }
    tags = Collections.unmodifiableSortedMap(new TreeMap<>(tags));
  }

  public static NodeInfo of(int id, String address, String domain) {
    return new NodeInfo(id, address, domain, Phase.ACTIVE, new TreeMap<>());
  }

  /** What fails together with it, which is never empty. */
  public String failsWith() {
    return domain.isEmpty() ? "node=" + id : domain;
  }

  /** Nothing is to stay on it, and nothing new to come. */
  public boolean isDraining() {
    return phase != Phase.ACTIVE;
  }

  public boolean isLeaving() {
    return phase == Phase.LEAVING;
  }

  public NodeInfo at(String newAddress, String newDomain) {
    return new NodeInfo(id, newAddress, newDomain, phase, tags);
  }

  public NodeInfo in(Phase next) {
    return new NodeInfo(id, address, domain, next, tags);
  }

  /** With tags set; an empty value takes the tag away. */
  public NodeInfo tagged(Map<String, String> changes) {
    TreeMap<String, String> next = new TreeMap<>(tags);
    next.putAll(changes);
    next.values().removeIf(String::isEmpty);
    return new NodeInfo(id, address, domain, phase, next);
  }
}
