package io.lampyris.chunkengine.log;

import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.StoreException.Reason;
import io.lampyris.chunkengine.log.LogCatalog.Generation;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How far the generations go of which CURRENT does not say it, for what later ones say about them:
 * a generation may be torn, but not short of what a later one calls durable, because it was left
 * only when all of it was. Owner: who replays or checks the log.
 */
public final class EarlierGroups {
  /** A generation's whole groups. */
  public record Span(Path file, long firstGroup, long lastGroup, long endPosition) {}

  private final List<Span> spans = new ArrayList<>();

  /**
   * Takes in a generation, in the order of the log; returns one that it proves damaged, or null.
   */
  public @Nullable Span add(Generation generation, Path file, LogScanner.Result result) {
    long durable = result.durableBefore();
    @Nullable Span of = null;
    for (Span span : spans) {
      if (span.firstGroup <= durable && durable < generation.firstGroup()) {
        of = span;
      }
    }
    if (!generation.closed()) {
      spans.add(new Span(file, generation.firstGroup(), result.lastGroup(), result.endPosition()));
    }
    return of != null && of.lastGroup < durable ? of : null;
  }

  /** Says that a generation is short of what a later one calls durable. */
  public static StoreException damaged(Span of, Path later, long durable) {
    return new StoreException(
        Reason.LOG_CORRUPT,
        of.endPosition,
        "the chunk log is damaged before its end, acknowledged updates are missing; observed=%s ends with group %d at position %d, yet %s calls group %d durable, limit=all durable groups; remedy: restore the target from a replica, or its directory from a copy"
            .formatted(of.file, of.lastGroup, of.endPosition, later, durable));
  }
}
