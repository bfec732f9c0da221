package io.lampyris.protocol.cluster;

import java.util.ArrayList;
import java.util.List;

/**
 * A table, and words.
 *
 * @param more there are more rows: ask again with argument {@code after} = the last row's first
 *     cell
 * @param columns none: no table
 * @param rows each with a cell for every column
 * @param text what was done, or why it was not
 */
public record AdminAnswer(
    boolean more, List<String> columns, List<List<String>> rows, String text) {
  public AdminAnswer {
    columns = List.copyOf(columns);
    int cells = columns.size();
    rows = rows.stream().map(List::copyOf).toList();
    assert rows.stream().allMatch(row -> row.size() == cells) : "a cell for every column";
  }

  /** Words alone. */
  public static AdminAnswer of(String text) {
    return new AdminAnswer(false, List.of(), List.of(), text);
  }

  /** This answer and what was asked for after it. */
  public AdminAnswer followedBy(AdminAnswer next) {
    List<List<String>> all = new ArrayList<>(rows);
    all.addAll(next.rows);
    return new AdminAnswer(next.more, columns, all, text);
  }
}
