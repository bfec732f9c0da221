/* SPDX-License-Identifier: Apache-2.0
 *
 * What goes to the file system by ioctl: hard links and punched holes. Request numbers and places
 * of the arguments are written out, as the daemon reads them.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

#define WRITE_REQUEST(number, size) (0x40000000ul | (unsigned long)(size) << 16 | 'h' << 8 | (number))

static struct fake_mount mnt;
static int calls;
static int answer;
static unsigned long request;
static uint8_t argument[16016];
static size_t range_total;

static int see_ioctl(int fd, unsigned long number, const void *arg) {
  (void)fd;
  calls++;
  request = number;
  size_t size = number >> 16 & 0x3fff;
  CHECK(size <= sizeof argument);
  memcpy(argument, arg, size);
  if (size == 16016) {
    int32_t n;
    memcpy(&n, argument, 4);
    range_total += (size_t)n;
  }
  return answer;
}

static const char *at(const char *name) {
  static char path[4][512];
  static int turn;
  turn = (turn + 1) % 4;
  snprintf(path[turn], sizeof path[turn], "%s/%s", mnt.path, name);
  return path[turn];
}

static void aHardLinkNamesItsParentAndItself(void) {
  struct stat st;
  char name[300] = {0};
  CHECK_EQ(mkdir(at("dir"), 0755), 0);
  CHECK_EQ(stat(at("dir"), &st), 0);
  CHECK_EQ(hf3fs_hardlink(at("file"), at("dir/other")), 0);
  CHECK_EQ(calls, 1);
  CHECK_EQ(request, WRITE_REQUEST(12, 264));
  CHECK_EQ(u64(argument), st.st_ino);
  CHECK(strcmp((const char *)argument + 8, "other") == 0);

  CHECK_EQ(chdir(mnt.path), 0);
  CHECK_EQ(stat(mnt.path, &st), 0);
  CHECK_EQ(hf3fs_hardlink("file", "here"), 0);
  CHECK_EQ(u64(argument), st.st_ino);
  CHECK_EQ(chdir("/"), 0);

  answer = EEXIST;
  CHECK_EQ(hf3fs_hardlink(at("file"), at("dir/other")), EEXIST);
  answer = 0;
  calls = 0;
  CHECK_EQ(hf3fs_hardlink(NULL, at("x")), EINVAL);
  CHECK_EQ(hf3fs_hardlink(at("file"), NULL), EINVAL);
  CHECK_EQ(hf3fs_hardlink(at("none"), at("x")), ENOENT);
  CHECK_EQ(hf3fs_hardlink(at("file"), at("none/x")), ENOENT);
  CHECK_EQ(hf3fs_hardlink(at("file"), ""), ENOENT);
  CHECK_EQ(hf3fs_hardlink(at("file"), at("dir/")), EINVAL);
  CHECK_EQ(hf3fs_hardlink(at("file"), at("dir/..")), EINVAL);
  CHECK_EQ(hf3fs_hardlink(at("file"), "/proc/self/x"), EXDEV);
  memset(name, 'n', 255);
  CHECK_EQ(hf3fs_hardlink(at("file"), at(name)), ENAMETOOLONG);
  CHECK_EQ(calls, 0);
}

static void manyRangesAreSentInSteps(void) {
  enum { RANGES = 2500 };
  static size_t start[RANGES];
  static size_t end[RANGES];
  for (size_t i = 0; i < RANGES; i++) {
    start[i] = i * 100;
    end[i] = i * 100 + 50;
  }
  int fd = mount_file(&mnt, "file", O_RDWR);
  calls = 0;
  CHECK_EQ(hf3fs_punchhole(fd, RANGES, start, end, 9), 0);
  CHECK_EQ(calls, 3);
  CHECK_EQ(range_total, RANGES);
  CHECK_EQ(request, WRITE_REQUEST(13, 16016));
  CHECK_EQ(u64(argument + 8), 9);
  CHECK_EQ(u64(argument + 16), 200000); /* the first of the last step */
  CHECK_EQ(u64(argument + 16 + 8000 + 8 * 499), 249950);

  answer = EINVAL;
  calls = 0;
  CHECK_EQ(hf3fs_punchhole(fd, RANGES, start, end, 0), EINVAL);
  CHECK_EQ(calls, 1);
  CHECK_EQ(hf3fs_punchhole(fd, 0, NULL, NULL, 0), 0);
  CHECK_EQ(hf3fs_punchhole(fd, -1, start, end, 0), EINVAL);
  CHECK_EQ(hf3fs_punchhole(fd, 1, NULL, end, 0), EINVAL);
  CHECK_EQ(hf3fs_punchhole(fd, 1, start, NULL, 0), EINVAL);
  CHECK_EQ(hf3fs_punchhole(-1, 1, start, end, 0), EBADF);
  close(fd);
}

int main(void) {
  mount_make(&mnt);
  close(mount_file(&mnt, "file", O_CREAT | O_RDWR));
  on_ioctl = see_ioctl;
  aHardLinkNamesItsParentAndItself();
  manyRangesAreSentInSteps();
  return 0;
}
