/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that is not there is EFAULT, or a shorter read, and no end of the program.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "preload_support.h"

static struct fake_mount mnt;
static int fd;

static void refused(void *memory) {
  errno = 0;
  CHECK_EQ(pread(fd, memory, 1 << 20, 0), -1);
  CHECK_EQ(errno, EFAULT);
  off_t before = lseek(fd, 0, SEEK_CUR);
  CHECK_EQ(read(fd, memory, 1 << 20), -1);
  CHECK_EQ(errno, EFAULT);
  CHECK_EQ(lseek(fd, 0, SEEK_CUR), before);
}

static void test(void) {
  fd = preload_open(&mnt, "f", O_RDONLY);
  size_t size = 2 << 20;
  uint8_t *memory =
      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED);
  CHECK_EQ(read(fd, memory, 1 << 20), 1 << 20); /* fresh pages */
  check_bytes(memory, 1 << 20, 0);

  refused(NULL);
  refused((void *)~(uintptr_t)4095);
  CHECK_EQ(mprotect(memory, size, PROT_READ), 0);
  refused(memory);
  CHECK_EQ(mprotect(memory, size, PROT_NONE), 0);
  refused(memory);

  /* The first half is there: at least its whole pages are read, and the offset says so. */
  CHECK_EQ(mprotect(memory, size / 2, PROT_READ | PROT_WRITE), 0);
  CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
  ssize_t n = read(fd, memory + size / 4, size / 2);
  CHECK(n > 0 && n <= (ssize_t)(size / 4));
  check_bytes(memory + size / 4, (size_t)n, 0);
  CHECK_EQ(lseek(fd, 0, SEEK_CUR), n);
  munmap(memory, size);
  refused(memory);
  close(fd);
}

int main(void) {
  preload_begin(&mnt, "f");
  CHECK_EQ(preload_run(test), 0);
  return 0;
}
