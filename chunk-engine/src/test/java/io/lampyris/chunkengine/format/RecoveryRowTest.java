package io.lampyris.chunkengine.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.format.RecoveryRow.Situation;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The recovery table is total and unambiguous, and the format's page says the same. */
final class RecoveryRowTest {
  /** All inputs of all stages: every combination of every component's values. */
  private static List<Situation> situations() throws ReflectiveOperationException {
    List<Situation> all = new ArrayList<>();
    for (Class<?> stage : Situation.class.getPermittedSubclasses()) {
      combine(stage, new ArrayList<>(), all);
    }
    return all;
  }

  private static void combine(Class<?> stage, List<Object> chosen, List<Situation> all)
      throws ReflectiveOperationException {
    RecordComponent[] inputs = stage.getRecordComponents();
    if (chosen.size() == inputs.length) {
      Class<?>[] types =
          Arrays.stream(inputs).map(RecordComponent::getType).toArray(Class<?>[]::new);
      all.add((Situation) stage.getDeclaredConstructor(types).newInstance(chosen.toArray()));
      return;
    }
    Class<?> type = inputs[chosen.size()].getType();
    Object[] values = type == boolean.class ? new Object[] {false, true} : type.getEnumConstants();
    for (Object value : values) {
      List<Object> more = new ArrayList<>(chosen);
      more.add(value);
      combine(stage, more, all);
    }
  }

  @Test
  void exactlyOneRowAppliesToEachSituation() throws Exception {
    List<Situation> all = situations();
    assertEquals(
        4 * 4 * 2 + 8 + 2 * 3 + 2 * 2 * 3 + 2 * 2 * 2 * 2 + 7 + 7 * 2 + 2 + 2 * 3 + 4, all.size());
    for (Situation situation : all) {
      List<RecoveryRow> rows =
          Arrays.stream(RecoveryRow.values()).filter(row -> row.applies(situation)).toList();
      assertEquals(1, rows.size(), situation + " has rows " + rows);
      assertEquals(rows.getFirst(), RecoveryRow.of(situation));
    }
  }

  @Test
  void everyRowAppliesToSomething() throws Exception {
    Set<RecoveryRow> used = EnumSet.noneOf(RecoveryRow.class);
    situations().forEach(situation -> used.add(RecoveryRow.of(situation)));
    assertEquals(EnumSet.allOf(RecoveryRow.class), used);
  }

  @Test
  void theFormatsPageHasTheSameTable() throws Exception {
    List<String> page = Files.readAllLines(Path.of("../docs/formats.md"));
    List<String> rows = Arrays.stream(RecoveryRow.values()).map(RecoveryRow::line).toList();
    int first = page.indexOf(rows.getFirst());
    assertTrue(first > 0, "docs/formats.md has no line '" + rows.getFirst() + "'");
    assertEquals(
        String.join("\n", rows),
        String.join("\n", page.subList(first, Math.min(page.size(), first + rows.size()))));
    assertTrue(page.get(first + rows.size()).isBlank(), "and no other rows");
  }
}
