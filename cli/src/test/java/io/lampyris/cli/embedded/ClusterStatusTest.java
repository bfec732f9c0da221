package io.lampyris.cli.embedded;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What status makes of a target's numbers. */
final class ClusterStatusTest {
  private final List<String> errors = new ArrayList<>();
  private final List<String> warnings = new ArrayList<>();

  private void judge(Map<String, Object> more) {
    Map<String, Object> target = new HashMap<>();
    target.put("id", 1L);
    target.put("state", "serving");
    target.put("space", "ok");
    target.put("free_bytes", 3L << 20);
    target.put("reserve_bytes", 2L << 20);
    target.putAll(more);
    ClusterStatus.judge(List.of(target), errors, warnings);
  }

  @Test
  void aSoundTargetGivesNoReason() {
    judge(Map.of());
    assertEquals(List.of(), errors);
    assertEquals(List.of(), warnings);
  }

  @Test
  void littleSpaceIsAWarningAndNoneIsAnError() {
    judge(Map.of("space", "low"));
    assertTrue(warnings.getFirst().startsWith("SPACE_LOW: target 1 has 3"), warnings.toString());
    judge(Map.of("space", "reject"));
    assertTrue(errors.getFirst().startsWith("SPACE_REJECT: target 1"), errors.toString());
  }

  @Test
  void chunksInQuarantineAreNamedWithWhatToDo() {
    judge(Map.of("quarantined_chunks", 1L, "bad_chunks", List.of("inode 7 chunk 3")));
    assertTrue(warnings.getFirst().startsWith("QUARANTINE: target 1 has 1 chunks"));
    assertTrue(warnings.getFirst().contains("inode 7 chunk 3"), warnings.toString());
    assertTrue(warnings.getFirst().endsWith("replace or remove the files"), warnings.toString());
    judge(Map.of("corruptions", 2L));
    assertTrue(warnings.getLast().startsWith("DATA_CORRUPTION: target 1"), warnings.toString());
  }

  @Test
  void aDurabilityThatRisksUpdatesIsAWarning() {
    judge(Map.of("durability", "strict"));
    assertEquals(List.of(), warnings);
    judge(Map.of("durability", "interval:100"));
    assertTrue(warnings.getFirst().startsWith("DURABILITY: target 1"), warnings.toString());
    assertTrue(warnings.getFirst().contains("interval:100"), warnings.toString());
    assertTrue(warnings.getFirst().contains("storage.durability"), warnings.toString());
  }

  @Test
  void readsThatTheDeviceFailedAreCountedWithWhereToLook() {
    judge(Map.of("read_errors", 3L, "device", "/t/device"));
    assertTrue(
        warnings.getFirst().startsWith("READ_ERROR: target 1 could not read its device 3 times"),
        warnings.toString());
    assertTrue(warnings.getFirst().endsWith("check the disk under /t/device"));
  }
}
