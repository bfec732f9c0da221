/* SPDX-License-Identifier: Apache-2.0
 *
 * Sizes and places that other programs rely on, written out as numbers a second time.
 */
#include "layout.h"
#include "support.h"

int main(void) {
  CHECK_EQ(sizeof(struct hf3fs_iov), 312);
  CHECK_EQ(sizeof(struct hf3fs_ior), 600);
  CHECK_EQ(sizeof(struct hf3fs_cqe), 24);
  CHECK_EQ(sizeof(struct lmp_args), 56);
  CHECK_EQ(sizeof(struct lmp_sqe), 16);
  CHECK_EQ(HF3FS_SUPER_MAGIC, 0x8f3f5fff);
  CHECK_EQ(HF3FS_IOR_ALLOW_READ_UNCOMMITTED, 1);
  CHECK_EQ(HF3FS_IOR_FORBID_READ_HOLES, 2);

  static const int entries[] = {1, 2, 8, 63, 64, 256, 4096, 1000000};
  for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
    CHECK_EQ(hf3fs_ior_size(entries[i]), 16 + 32 + 96 * ((size_t)entries[i] + 1) + 4096);
  }
  return 0;
}
