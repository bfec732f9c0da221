package io.lampyris.bench.engine;

/** What is measured; the same on both sides. */
enum Workload {
  READ_4K_QD32("4 KiB random read, depth 32", false, 4 << 10, 32, 0.90, "IOPS"),
  READ_4K_QD1("4 KiB random read, depth 1", false, 4 << 10, 1, 1 / 1.15, "IOPS"),
  READ_1M("1 MiB random read, depth 8", false, 1 << 20, 8, 0.97, "MiB/s"),
  WRITE_1M("1 MiB whole chunks, strict, 16 per group", true, 1 << 20, 16, 0.85, "MiB/s"),
  OVERWRITE_4K("4 KiB random overwrite, strict, depth 32", true, 4 << 10, 32, 0.50, "IOPS");

  final String title;
  final boolean writes;
  final int blockBytes;
  final int depth;

  /** What the ratio to fio has to reach. */
  final double goal;

  final String unit;

  Workload(String title, boolean writes, int blockBytes, int depth, double goal, String unit) {
    this.title = title;
    this.writes = writes;
    this.blockBytes = blockBytes;
    this.depth = depth;
    this.goal = goal;
    this.unit = unit;
  }

  /** In {@link #unit}. */
  double figure(Figures figures) {
    return unit.equals("IOPS") ? figures.perSecond() : figures.perSecond() * blockBytes / (1 << 20);
  }
}
