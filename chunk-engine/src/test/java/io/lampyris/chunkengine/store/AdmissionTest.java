package io.lampyris.chunkengine.store;

import static io.lampyris.chunkengine.store.Admission.ADVANCED;
import static io.lampyris.chunkengine.store.Admission.CHAIN_MISMATCH;
import static io.lampyris.chunkengine.store.Admission.COMMITTED_ALREADY;
import static io.lampyris.chunkengine.store.Admission.MISSING;
import static io.lampyris.chunkengine.store.Admission.PROCEED;
import static io.lampyris.chunkengine.store.Admission.REPEAT_COMMITTED;
import static io.lampyris.chunkengine.store.Admission.REPEAT_PENDING;
import static io.lampyris.chunkengine.store.Admission.REPLACE_PENDING;
import static io.lampyris.chunkengine.store.Admission.SIZE_MISMATCH;
import static io.lampyris.chunkengine.store.Admission.STALE;
import static io.lampyris.chunkengine.store.Admission.UNCHANGED;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.store.UpdateOp.Kind;
import io.lampyris.chunkengine.store.UpdateOp.Stage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Every row of the table of admission, as a decision and against a target that was restarted. */
final class AdmissionTest {
  private static final long INODE = 3;
  private static final int CLIENT = 11;
  private static final int OTHER = 12;

  @TempDir Path tmp;

  /** What is here: version 5 committed by sequence 50, version 6 pending by sequence 60. */
  private enum Here {
    NOTHING,
    COMMITTED,
    BOTH,
    PENDING_ALONE
  }

  /** One line; the pending version's maker is CLIENT as the committed one's is. */
  private record Line(
      Here here,
      Stage stage,
      int client,
      int sequence,
      int asked,
      int chain,
      int size,
      Admission expected,
      long answer) {
    String label() {
      return "%s, %s, client %d #%d for version %d, chain %d, size %d: %s"
          .formatted(here, stage, client, sequence, asked, chain, size, expected);
    }
  }

  private static final int SIZE = 1 << 20;
  private static final int CHAIN = 2;
  private static final long NEW = 7;
  private static final long OLD = 4;
  private static final long WAITING = 6;

  private static final List<Line> LINES =
      List.of(
          // A chunk that is not here.
          line(Here.NOTHING, Stage.AT_ONCE, CLIENT, 70, 0, PROCEED, NEW),
          line(Here.NOTHING, Stage.AT_ONCE, CLIENT, 70, 1, PROCEED, NEW),
          line(Here.NOTHING, Stage.PENDING, CLIENT, 70, 1, PROCEED, NEW),
          line(Here.NOTHING, Stage.AT_ONCE, CLIENT, 70, 2, MISSING, MISSING.status),
          // Versions.
          line(Here.COMMITTED, Stage.AT_ONCE, CLIENT, 70, 0, PROCEED, NEW),
          line(Here.COMMITTED, Stage.PENDING, CLIENT, 70, 0, PROCEED, NEW),
          line(Here.COMMITTED, Stage.AT_ONCE, CLIENT, 70, 6, PROCEED, NEW),
          line(Here.COMMITTED, Stage.AT_ONCE, CLIENT, 70, 7, MISSING, MISSING.status),
          line(
              Here.COMMITTED,
              Stage.AT_ONCE,
              CLIENT,
              70,
              5,
              COMMITTED_ALREADY,
              COMMITTED_ALREADY.status),
          line(
              Here.COMMITTED,
              Stage.PENDING,
              OTHER,
              1,
              1,
              COMMITTED_ALREADY,
              COMMITTED_ALREADY.status),
          // Retries.
          line(Here.COMMITTED, Stage.AT_ONCE, CLIENT, 50, 0, REPEAT_COMMITTED, OLD),
          line(Here.COMMITTED, Stage.AT_ONCE, CLIENT, 50, 5, REPEAT_COMMITTED, OLD),
          line(Here.COMMITTED, Stage.PENDING, CLIENT, 50, 0, REPEAT_COMMITTED, OLD),
          line(Here.COMMITTED, Stage.AT_ONCE, CLIENT, 50, 6, PROCEED, NEW),
          line(Here.COMMITTED, Stage.AT_ONCE, CLIENT, 49, 0, STALE, STALE.status),
          line(Here.COMMITTED, Stage.AT_ONCE, CLIENT, 49, 6, STALE, STALE.status),
          line(Here.COMMITTED, Stage.AT_ONCE, OTHER, 49, 0, PROCEED, NEW),
          // With a pending version in the way.
          line(Here.BOTH, Stage.AT_ONCE, OTHER, 70, 0, ADVANCED, ADVANCED.status),
          line(Here.BOTH, Stage.PENDING, CLIENT, 70, 0, ADVANCED, ADVANCED.status),
          line(Here.BOTH, Stage.PENDING, CLIENT, 60, 0, REPEAT_PENDING, WAITING),
          line(Here.BOTH, Stage.PENDING, CLIENT, 60, 6, REPEAT_PENDING, WAITING),
          line(Here.BOTH, Stage.AT_ONCE, CLIENT, 60, 0, REPLACE_PENDING, NEW),
          line(Here.BOTH, Stage.AT_ONCE, CLIENT, 60, 6, REPLACE_PENDING, NEW),
          line(Here.BOTH, Stage.PENDING, OTHER, 1, 6, REPLACE_PENDING, NEW),
          line(Here.BOTH, Stage.AT_ONCE, OTHER, 1, 6, REPLACE_PENDING, NEW),
          line(Here.BOTH, Stage.PENDING, CLIENT, 59, 6, STALE, STALE.status),
          line(Here.BOTH, Stage.PENDING, CLIENT, 50, 0, REPEAT_COMMITTED, OLD),
          line(Here.BOTH, Stage.PENDING, OTHER, 1, 7, MISSING, MISSING.status),
          line(Here.BOTH, Stage.PENDING, OTHER, 1, 5, COMMITTED_ALREADY, COMMITTED_ALREADY.status),
          line(Here.PENDING_ALONE, Stage.AT_ONCE, OTHER, 1, 0, ADVANCED, ADVANCED.status),
          line(Here.PENDING_ALONE, Stage.AT_ONCE, OTHER, 1, 1, REPLACE_PENDING, NEW),
          line(Here.PENDING_ALONE, Stage.PENDING, CLIENT, 60, 0, REPEAT_PENDING, WAITING),
          line(Here.PENDING_ALONE, Stage.PENDING, OTHER, 1, 2, MISSING, MISSING.status),
          // Another size, an earlier chain.
          new Line(
              Here.COMMITTED,
              Stage.AT_ONCE,
              OTHER,
              1,
              0,
              CHAIN,
              SIZE * 2,
              SIZE_MISMATCH,
              SIZE_MISMATCH.status),
          new Line(
              Here.PENDING_ALONE,
              Stage.PENDING,
              OTHER,
              1,
              1,
              CHAIN,
              SIZE * 2,
              SIZE_MISMATCH,
              SIZE_MISMATCH.status),
          new Line(
              Here.COMMITTED,
              Stage.AT_ONCE,
              OTHER,
              1,
              0,
              CHAIN - 1,
              SIZE,
              CHAIN_MISMATCH,
              CHAIN_MISMATCH.status),
          new Line(
              Here.PENDING_ALONE,
              Stage.PENDING,
              OTHER,
              1,
              1,
              CHAIN - 1,
              SIZE,
              CHAIN_MISMATCH,
              CHAIN_MISMATCH.status),
          new Line(Here.COMMITTED, Stage.AT_ONCE, OTHER, 1, 0, CHAIN + 1, SIZE, PROCEED, NEW));

  private static Line line(
      Here here,
      Stage stage,
      int client,
      int sequence,
      int asked,
      Admission expected,
      long answer) {
    return new Line(here, stage, client, sequence, asked, CHAIN, SIZE, expected, answer);
  }

  private static @Nullable ChunkState committed(Here here) {
    return here == Here.COMMITTED || here == Here.BOTH ? state(5, 50, (int) OLD) : null;
  }

  private static @Nullable ChunkState pending(Here here) {
    return switch (here) {
      case NOTHING, COMMITTED -> null;
      case BOTH -> state(6, 60, (int) WAITING);
      case PENDING_ALONE -> state(1, 60, (int) WAITING);
    };
  }

  private static ChunkState state(int version, int sequence, int result) {
    ChunkState state = new ChunkState();
    state.version = version;
    state.chunkSizeBytes = SIZE;
    state.chainVersion = CHAIN;
    state.updatedBy(CLIENT, 1, 1, sequence, result);
    return state;
  }

  private static void fill(UpdateOp update, Line line) {
    update.stage = line.stage;
    update.clientHigh = line.client;
    update.clientLow = 1;
    update.channel = 1;
    update.sequence = line.sequence;
    update.updateVersion = line.asked;
    update.chainVersion = line.chain;
    update.chunkSizeBytes = line.size;
  }

  @TestFactory
  Stream<DynamicTest> everyLineIsDecidedAsTheTableSays() {
    return LINES.stream()
        .map(line ->
            DynamicTest.dynamicTest(
                line.label(),
                () -> {
                  StoreRig.Update update = new StoreRig.Update();
                  fill(update, line);
                  assertEquals(
                      line.expected,
                      Admission.of(update, committed(line.here), pending(line.here)));
                }));
  }

  @Test
  void truncationsThatChangeNothingMakeNoVersionUnlessOneIsAskedFor() {
    ChunkState five = state(5, 50, 0);
    five.lengthBytes = 1000;
    StoreRig.Update update = new StoreRig.Update();
    fill(update, line(Here.COMMITTED, Stage.AT_ONCE, OTHER, 1, 0, UNCHANGED, 0));
    update.kind = Kind.TRUNCATE;
    update.lengthBytes = 1000;
    assertEquals(UNCHANGED, Admission.of(update, five, null));
    update.lengthBytes = 900;
    assertEquals(PROCEED, Admission.of(update, five, null));
    update.extendOnly = true;
    assertEquals(UNCHANGED, Admission.of(update, five, null));
    update.updateVersion = 6;
    assertEquals(PROCEED, Admission.of(update, five, null));
    update.updateVersion = 0;
    update.lengthBytes = 0;
    assertEquals(UNCHANGED, Admission.of(update, null, null));
  }

  @Test
  void theTableHasAllRows() {
    Set<Admission> seen = EnumSet.of(UNCHANGED);
    LINES.forEach(line -> seen.add(line.expected));
    assertEquals(EnumSet.allOf(Admission.class), seen);
  }

  /** Makes what a line wants to be here, each line with an inode of its own. */
  private static void prepare(StoreRig rig, Line line, long inode) {
    int committed = line.here == Here.COMMITTED || line.here == Here.BOTH ? 5 : 0;
    for (int version = 1; version <= committed; version++) {
      StoreRig.Update update = rig.prepareWrite(inode, 0, 0, new byte[(int) OLD]);
      update.chainVersion = CHAIN;
      update.clientHigh = CLIENT;
      update.clientLow = 1;
      update.channel = 1;
      update.sequence = 45L + version;
      assertEquals(OLD, rig.run(update));
    }
    if (line.here == Here.BOTH || line.here == Here.PENDING_ALONE) {
      StoreRig.Update update = rig.prepareWrite(inode, 0, 0, new byte[(int) WAITING]);
      update.stage = Stage.PENDING;
      update.chainVersion = CHAIN;
      update.clientHigh = CLIENT;
      update.clientLow = 1;
      update.channel = 1;
      update.sequence = 60;
      assertEquals(WAITING, rig.run(update));
    }
  }

  @Test
  void everyLineIsAnsweredSoAfterARestart() throws Exception {
    Path dir = tmp.resolve("t");
    TargetStore.format(dir, new TargetSpec(1, 2, 129L << 20));
    try (StoreRig rig = new StoreRig(dir, TargetOptions.defaults())) {
      for (int i = 0; i < LINES.size(); i++) {
        prepare(rig, LINES.get(i), INODE + (long) i);
      }
    }
    List<String> wrong = new ArrayList<>();
    try (StoreRig rig = new StoreRig(dir, TargetOptions.defaults())) {
      for (int i = 0; i < LINES.size(); i++) {
        Line line = LINES.get(i);
        StoreRig.Update update = rig.prepareWrite(INODE + (long) i, 0, 0, new byte[(int) NEW]);
        fill(update, line);
        long answer = rig.run(update);
        if (answer != line.answer) {
          wrong.add(line.label() + ", answered " + answer);
        }
      }
    }
    assertEquals(List.of(), wrong);
  }
}
