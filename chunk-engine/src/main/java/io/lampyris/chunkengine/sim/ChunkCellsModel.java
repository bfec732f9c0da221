package io.lampyris.chunkengine.sim;

import io.lampyris.chunkengine.sim.ChunkOperation.Kind;
import io.lampyris.chunkengine.sim.ChunkOperation.Outcome;
import io.lampyris.reactor.sim.history.SequentialModel;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A chunk that is used by one at a time. Versions that answers name are held against the number of
 * updates, which tells an update that was carried out twice even where nobody saw its bytes.
 */
public final class ChunkCellsModel implements SequentialModel<ChunkCells, ChunkOperation> {
  @Override
  public ChunkCells initial() {
    return ChunkCells.NONE;
  }

  @Override
  public boolean isRead(ChunkOperation operation) {
    return operation.kind() == Kind.READ;
  }

  @Override
  public @Nullable ChunkCells step(ChunkCells state, ChunkOperation operation) {
    Outcome outcome = operation.outcome();
    return switch (operation.kind()) {
      case WRITE ->
          updated(state.written(operation.from(), operation.count(), operation.value()), outcome);
      case TRUNCATE -> truncate(state, operation, outcome);
      case REMOVE ->
          outcome == null || outcome.present() == state.present() ? ChunkCells.NONE : null;
      case READ -> outcome == null || sees(state, operation, outcome) ? state : null;
    };
  }

  private static @Nullable ChunkCells updated(ChunkCells next, @Nullable Outcome outcome) {
    if (outcome == null) {
      return next;
    }
    boolean fits =
        (outcome.length() < 0 || outcome.length() == next.cells().length)
            && (outcome.version() < 0 || next.version() < 0 || outcome.version() == next.version());
    if (!fits) {
      return null;
    }
    return outcome.version() < 0 ? next : next.withVersion(outcome.version());
  }

  /** A truncation that changes nothing need not make a version. */
  private static @Nullable ChunkCells truncate(
      ChunkCells state, ChunkOperation operation, @Nullable Outcome outcome) {
    if (!state.present() && operation.from() == 0) {
      return state;
    }
    ChunkCells next = state.truncated(operation.from());
    if (state.present() && state.cells().length == operation.from()) {
      int version = outcome == null ? -1 : outcome.version();
      boolean fits =
          version < 0
              || state.version() < 0
              || version == state.version()
              || version == next.version();
      return fits ? state.withVersion(version) : null;
    }
    return updated(next, outcome);
  }

  private static boolean sees(ChunkCells state, ChunkOperation operation, Outcome outcome) {
    if (!outcome.present()) {
      return !state.present();
    }
    int end = Math.min(state.cells().length, operation.from() + operation.count());
    int from = Math.min(operation.from(), end);
    boolean fits =
        state.present()
            && (outcome.version() < 0
                || state.version() < 0
                || outcome.version() == state.version())
            && (outcome.length() < 0 || outcome.length() == state.cells().length);
    return fits && Arrays.equals(outcome.seen(), Arrays.copyOfRange(state.cells(), from, end));
  }
}
