package io.lampyris.cli.quickstart;

import io.lampyris.cli.base.Sizes;
import io.lampyris.cli.base.Table;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The table at the end. */
final class Report {
  /**
   * One row.
   *
   * @param what was measured, and how
   * @param files how many were touched; 0 when that says nothing
   * @param equal how many of them were compared and equal; 0 when nothing was compared
   */
  record Row(
      String what,
      int files,
      long bytes,
      double mibPerS,
      long ops,
      double p50Us,
      double p99Us,
      int equal) {}

  private final List<Row> rows = new ArrayList<>();

  void add(Row row) {
    rows.add(row);
  }

  Map<String, Object> toJson() {
    List<Object> list = new ArrayList<>();
    for (Row row : rows) {
      Map<String, Object> map = new LinkedHashMap<>();
      map.put("what", row.what);
      map.put("files", row.files);
      map.put("bytes", row.bytes);
      map.put("mib_per_s", rounded(row.mibPerS));
      map.put("ops", row.ops);
      map.put("p50_us", rounded(row.p50Us));
      map.put("p99_us", rounded(row.p99Us));
      map.put("equal_files", row.equal);
      list.add(map);
    }
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("passed", true);
    result.put("rows", list);
    return result;
  }

  @Override
  public String toString() {
    Table table = new Table("", "files", "bytes", "MiB/s", "ops", "p50", "p99", "SHA-256 equal");
    for (Row row : rows) {
      table.row(
          List.of(
              row.what,
              row.files == 0 ? "-" : Integer.toString(row.files),
              row.bytes == 0 ? "-" : Sizes.human(row.bytes),
              row.bytes == 0 ? "-" : String.format(Locale.ROOT, "%.0f", row.mibPerS),
              Long.toString(row.ops),
              time(row.p50Us),
              time(row.p99Us),
              row.equal == 0 ? "-" : "%d of %d".formatted(row.equal, row.files)));
    }
    return table.toString();
  }

  private static double rounded(double value) {
    return Math.round(value * 10) / 10.0;
  }

  private static String time(double us) {
    return us >= 10_000
        ? String.format(Locale.ROOT, "%.1f ms", us / 1000)
        : String.format(Locale.ROOT, "%.0f us", us);
  }
}
