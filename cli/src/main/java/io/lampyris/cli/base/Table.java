package io.lampyris.cli.base;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Text in columns: the first is flush left, the others flush right. */
public final class Table {
  private static final String GAP = "  ";

  private final List<List<String>> rows = new ArrayList<>();

  public Table(String... headings) {
    rows.add(List.copyOf(Arrays.asList(headings)));
  }

  /** Adds a row with as many cells as there are headings. */
  public Table row(List<String> cells) {
    assert cells.size() == rows.getFirst().size() : "a row has a cell for every heading";
    rows.add(List.copyOf(cells));
    return this;
  }

  @Override
  public String toString() {
    return text(columns(), widths());
  }

  /**
   * Without columns, the first named first, until the others need no more than so many characters a
   * line, if that can be had.
   */
  public String fit(int charactersMax, List<String> dispensable) {
    int[] widths = widths();
    List<Integer> columns = columns();
    for (String heading : dispensable) {
      int gaps = GAP.length() * (columns.size() - 1);
      if (columns.stream().mapToInt(column -> widths[column]).sum() + gaps > charactersMax) {
        int left = rows.getFirst().indexOf(heading);
        columns.removeIf(column -> column == left);
      }
    }
    return text(columns, widths);
  }

  private List<Integer> columns() {
    return IntStream.range(0, rows.getFirst().size())
        .boxed()
        .collect(Collectors.toCollection(ArrayList::new));
  }

  private int[] widths() {
    int[] widths = new int[rows.getFirst().size()];
    for (List<String> row : rows) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    return widths;
  }

  private String text(List<Integer> columns, int[] widths) {
    StringBuilder text = new StringBuilder();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int column : columns) {
        String padding = " ".repeat(widths[column] - row.get(column).length());
        line.append(column == 0 ? row.get(0) + padding : GAP + padding + row.get(column));
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }
}
