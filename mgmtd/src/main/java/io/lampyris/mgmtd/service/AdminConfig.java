package io.lampyris.mgmtd.service;

import io.lampyris.mgmtd.config.ConfigLayer;
import io.lampyris.mgmtd.config.ConfigRegistry;
import io.lampyris.mgmtd.config.EffectiveConfig;
import io.lampyris.mgmtd.config.Merged;
import io.lampyris.mgmtd.config.MgmtdKeys;
import io.lampyris.mgmtd.state.ClusterState;
import io.lampyris.mgmtd.state.DeposedException;
import io.lampyris.mgmtd.state.Draft;
import io.lampyris.mgmtd.state.NodeInfo;
import io.lampyris.protocol.cluster.AdminAnswer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** Central configuration: shown, verified and set as a whole. Owner: the manager's reactor. */
final class AdminConfig {
  private static final String TAG = "tag ";

  private final Primary primary;
  private final Arguments arguments;
  private final ConfigRegistry registry = MgmtdKeys.registry();

  AdminConfig(Primary primary, Arguments arguments) {
    this.primary = primary;
    this.arguments = arguments;
  }

  AdminAnswer get() throws RefusedException {
    ClusterState state = primary.state();
    List<ConfigLayer> layers = new ArrayList<>();
    addLayer(layers, state.layers(), Primary.CLUSTER_LAYER);
    if (arguments.has("node")) {
      NodeInfo node = state.nodes().get(arguments.id("node"));
      if (node == null) {
        throw RefusedException.because(
            "no such node", arguments.text("node"), "a known one", "node list");
      }
      node.tags()
          .forEach((name, value) -> addLayer(layers, state.layers(), TAG + name + "=" + value));
    }
    EffectiveConfig config = valid(layers);
    String wanted = arguments.text("key", "");
    List<List<String>> rows = new ArrayList<>();
    for (EffectiveConfig.Setting setting : config.settings().values()) {
      String name = setting.key().name();
      if (wanted.isEmpty() || wanted.equals(name)) {
        rows.add(
            List.of(
                name,
                setting.text(),
                setting.origin(),
                setting.key().applies().name(),
                setting.key().type().limit(),
                setting.key().meaning()));
      }
    }
    if (rows.isEmpty()) {
      throw RefusedException.because("no such key", wanted, "a registered one", "config get");
    }
    return new AdminAnswer(
        false,
        List.of("key", "value", "origin", "applies", "admitted", "meaning"),
        rows,
        "configuration version %d".formatted(state.header().configVersion()));
  }

  private static void addLayer(
      List<ConfigLayer> to, Map<String, ConfigLayer> layers, String origin) {
    ConfigLayer layer = layers.get(origin);
    if (layer != null) {
      to.add(layer);
    }
  }

  /** A bad change is refused whole, with everything that is wrong with it. */
  AdminAnswer set(boolean verifyOnly) throws RefusedException, DeposedException {
    SortedMap<String, String> changes = arguments.behind("set.");
    if (changes.isEmpty()) {
      throw RefusedException.because("nothing is to be set", 0, ">= 1 key", "name set.KEY");
    }
    ClusterState state = primary.state();
    String origin = arguments.has("tag") ? TAG + arguments.text("tag") : Primary.CLUSTER_LAYER;
    if (arguments.has("tag") && arguments.text("tag").indexOf('=') < 1) {
      throw RefusedException.because(
          "tag is malformed", arguments.text("tag"), "NAME=VALUE", "correct it");
    }
    ConfigLayer old = state.layers().get(origin);
    TreeMap<String, String> entries = new TreeMap<>(old == null ? Map.of() : old.entries());
    entries.putAll(changes);
    entries.values().removeIf(String::isEmpty);
    ConfigLayer next = new ConfigLayer(origin, state.header().configVersion() + 1, entries);
    TreeMap<String, ConfigLayer> layers = new TreeMap<>(state.layers());
    layers.put(origin, next);
    List<List<String>> rows = differences(state.layers(), layers, origin);
    verifyTags(layers);
    if (!verifyOnly) {
      Draft draft = state.draft();
      draft.put(next);
      primary.commit(draft);
    }
    return new AdminAnswer(
        false,
        List.of("key", "from", "to", "applies"),
        rows,
        verifyOnly
            ? "this would be accepted"
            : "configuration version %d".formatted(primary.state().header().configVersion()));
  }

  private List<List<String>> differences(
      Map<String, ConfigLayer> before, Map<String, ConfigLayer> after, String origin)
      throws RefusedException {
    List<ConfigLayer> old = new ArrayList<>();
    List<ConfigLayer> next = new ArrayList<>();
    addLayer(old, before, Primary.CLUSTER_LAYER);
    addLayer(next, after, Primary.CLUSTER_LAYER);
    if (!origin.equals(Primary.CLUSTER_LAYER)) {
      addLayer(old, before, origin);
      addLayer(next, after, origin);
    }
    List<List<String>> rows = new ArrayList<>();
    for (EffectiveConfig.Change change : valid(old).changesTo(valid(next))) {
      rows.add(List.of(change.key(), change.from(), change.to(), change.applies().name()));
    }
    return rows;
  }

  /** What this manager would get, and every node by the tags that it has. */
  private void verifyTags(Map<String, ConfigLayer> layers) throws RefusedException {
    List<ConfigLayer> own = new ArrayList<>();
    addLayer(own, layers, Primary.CLUSTER_LAYER);
    own.add(primary.ownLayer());
    valid(own);
    for (NodeInfo node : primary.state().nodes().values()) {
      List<ConfigLayer> all = new ArrayList<>();
      addLayer(all, layers, Primary.CLUSTER_LAYER);
      node.tags().forEach((name, value) -> addLayer(all, layers, TAG + name + "=" + value));
      valid(all);
    }
  }

  private EffectiveConfig valid(List<ConfigLayer> layers) throws RefusedException {
    return switch (registry.merge(layers)) {
      case Merged.Valid valid -> valid.config();
      case Merged.Invalid invalid -> {
        List<String> faults = new ArrayList<>();
        invalid.faults().forEach(fault -> faults.add(fault.toString()));
        throw new RefusedException(io.lampyris.protocol.Status.REFUSED, String.join("\n", faults));
      }
    };
  }
}
