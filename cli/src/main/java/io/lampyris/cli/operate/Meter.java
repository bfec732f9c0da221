package io.lampyris.cli.operate;

import io.lampyris.cli.operate.ClusterView.Chain;
import io.lampyris.cli.operate.ClusterView.Target;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** How much has been copied to new members, as far as nodes' reports of what is used tell. */
final class Meter {
  private static final long WINDOW_NS = TimeUnit.SECONDS.toNanos(5);

  /** What a member began with, has, and is to have. */
  private record Fill(long began, long now, long wanted) {
    long copied() {
      return Math.max(0, Math.min(now, wanted) - began);
    }

    long toCopy() {
      return Math.max(0, wanted - began);
    }
  }

  private record Sample(long atNs, long bytes) {}

  private final Map<Long, Fill> fills = new HashMap<>();
  private final Deque<Sample> samples = new ArrayDeque<>();

  void look(ClusterView view, long nowNs) {
    for (Chain chain : view.chains().values()) {
      long wanted =
          chain.members().stream()
              .filter(Target::serves)
              .mapToLong(Target::usedBytes)
              .max()
              .orElse(0);
      for (Target member : chain.members()) {
        Fill fill = fills.get(member.id());
        if (member.state().equals("SYNCING")) {
          long began = fill == null ? member.usedBytes() : fill.began;
          fills.put(member.id(), new Fill(began, member.usedBytes(), wanted));
        } else if (fill != null && member.serves()) {
          fills.put(member.id(), new Fill(fill.began, fill.wanted, fill.wanted));
        }
      }
    }
    samples.add(new Sample(nowNs, copiedBytes()));
    while (samples.size() > 2 && nowNs - samples.getFirst().atNs > WINDOW_NS) {
      samples.remove();
    }
  }

  long copiedBytes() {
    return fills.values().stream().mapToLong(Fill::copied).sum();
  }

  long toCopyBytes() {
    return fills.values().stream().mapToLong(Fill::toCopy).sum();
  }

  /** Of the last seconds; 0 when it is not known. */
  long bytesPerSecond() {
    if (samples.size() < 2) {
      return 0;
    }
    Sample first = samples.getFirst();
    Sample last = samples.getLast();
    long ns = last.atNs - first.atNs;
    return ns <= 0 ? 0 : (long) ((last.bytes - first.bytes) / (ns / 1e9));
  }
}
