package io.lampyris.bench.nvme;

/** What is measured; the same on both sides. */
enum NvmeLoad {
  READ_4K_QD1(false, 4 << 10, 1),
  READ_4K_QD32(false, 4 << 10, 32),
  READ_4K_QD128(false, 4 << 10, 128),
  WRITE_4K_QD1(true, 4 << 10, 1),
  WRITE_4K_QD32(true, 4 << 10, 32),
  WRITE_4K_QD128(true, 4 << 10, 128),
  READ_128K_QD16(false, 128 << 10, 16),
  WRITE_128K_QD16(true, 128 << 10, 16);

  final boolean writes;
  final int blockBytes;
  final int depth;

  NvmeLoad(boolean writes, int blockBytes, int depth) {
    this.writes = writes;
    this.blockBytes = blockBytes;
    this.depth = depth;
  }
}
