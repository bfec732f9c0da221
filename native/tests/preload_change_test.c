/* SPDX-License-Identifier: Apache-2.0
 *
 * What was read ahead is given out only while the board of changes says that the file is the same.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "preload_support.h"

static struct fake_mount mnt;
static uint8_t *memory;

enum { AT = 2 << 20, MARK = 0xee };

static void changed(int fd) {
  struct stat st;
  CHECK_EQ(fstat(fd, &st), 0);
  tell_change(st.st_ino);
}

/* Reads up to AT, waits until what follows was read ahead, and has somebody write there. */
static int read_up_to_a_write(bool tell) {
  int64_t before = atomic_load(&bytes_served);
  int fd = preload_open(&mnt, "f", O_RDWR);
  for (int i = 0; i < AT; i += 1 << 20) {
    CHECK_EQ(read(fd, memory, 1 << 20), 1 << 20);
  }
  for (int64_t end = monotonic_ms() + 20000; atomic_load(&bytes_served) - before < AT + (1 << 20);) {
    CHECK(monotonic_ms() < end);
    usleep(1000);
  }
  memset(memory, MARK, 1 << 20);
  CHECK_EQ(pwrite(fd, memory, 1 << 20, AT), 1 << 20);
  if (tell) {
    changed(fd);
  }
  memset(memory, 0, 1 << 20);
  CHECK_EQ(read(fd, memory, 1 << 20), 1 << 20);
  return fd;
}

static void restore(int fd) {
  for (uint64_t i = 0; i < 1 << 20; i += 8) {
    uint64_t word = (AT + i) * UINT64_C(0x9e3779b97f4a7c15) + 1;
    memcpy(memory + i, &word, 8);
  }
  CHECK_EQ(pwrite(fd, memory, 1 << 20, AT), 1 << 20);
  changed(fd);
  close(fd);
}

/* Shows that this test could fail: a daemon that kept quiet would have us give out what was. */
static void aWriteThatNobodyToldIsNotSeen(void) {
  int fd = read_up_to_a_write(false);
  check_bytes(memory, 1 << 20, AT);
  restore(fd);
}

static void aWriteIsSeenByTheNextRead(void) {
  int fd = read_up_to_a_write(true);
  for (int i = 0; i < 1 << 20; i++) {
    CHECK_EQ(memory[i], MARK);
  }
  restore(fd);
}

static void aFileThatWasCutEndsThere(void) {
  int fd = preload_open(&mnt, "f", O_RDWR);
  CHECK_EQ(read(fd, memory, 1 << 20), 1 << 20);
  CHECK_EQ(read(fd, memory, 1 << 20), 1 << 20);
  CHECK_EQ(ftruncate(fd, AT + 100000), 0);
  changed(fd);
  CHECK_EQ(read(fd, memory, 1 << 20), 100000);
  check_bytes(memory, 100000, AT);
  CHECK_EQ(read(fd, memory, 1 << 20), 0);
  memset(memory, MARK, 5000);
  CHECK_EQ(pwrite(fd, memory, 5000, AT + 100000), 5000);
  changed(fd);
  CHECK_EQ(read(fd, memory, 1 << 20), 5000); /* and grows again */
  close(fd);
}

static void test(void) {
  memory = preload_buffer();
  aWriteThatNobodyToldIsNotSeen();
  aWriteIsSeenByTheNextRead();
  aFileThatWasCutEndsThere();
  free(memory);
}

int main(void) {
  preload_begin(&mnt, "f");
  CHECK_EQ(preload_run(test), 0);
  return 0;
}
