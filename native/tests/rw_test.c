/* SPDX-License-Identifier: Apache-2.0
 *
 * usrbio_rw, the end-to-end program for a real mount, against the daemon of these tests: shows
 * that its cases hold where everything is right, and that it notices when something is not.
 */
#include <dirent.h>
#include <sys/ioctl.h>

#include "support.h"

int rw_main(int argc, char **argv);
#define main rw_main
#include "usrbio_rw.c"
#undef main

int __wrap_hf3fs_extract_mount_point(char *out, int size, const char *path);

static struct fake_mount mnt;

/* A plain directory is no mount. */
int __wrap_hf3fs_extract_mount_point(char *out, int size, const char *path) {
  if (strncmp(path, mnt.path, strlen(mnt.path)) != 0) {
    return -1;
  }
  snprintf(out, (size_t)size, "%s", mnt.path);
  return (int)strlen(mnt.path) + 1;
}

/* The two that change files, as the contract words them: on the files below us. */
static int answer_ioctl(int fd, unsigned long request, const void *arg) {
  const uint8_t *at = arg;
  char from[64];
  char to[PATH_MAX];
  struct stat st;
  if (request == _IOC(_IOC_WRITE, 'h', 12, 264)) {
    snprintf(from, sizeof from, "/proc/self/fd/%d", fd);
    snprintf(to, sizeof to, "%s/%.255s", mnt.path, (const char *)at + 8);
    CHECK_EQ(stat(mnt.path, &st), 0);
    CHECK_EQ(u64(at), st.st_ino);
    return linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
  }
  if (request != _IOC(_IOC_WRITE, 'h', 13, 16016)) {
    return ENOTTY;
  }
  int32_t n;
  memcpy(&n, at, sizeof n);
  for (int32_t i = 0; i < n; i++) {
    uint64_t start = u64(at + 16 + 8 * i);
    uint64_t end = u64(at + 8016 + 8 * i);
    if (start > end) {
      return EINVAL;
    }
    int flags = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    if (start < end && fallocate(fd, flags, (off_t)start, (off_t)(end - start)) != 0) {
      return errno;
    }
  }
  return 0;
}

static int run(void) {
  char name[] = "usrbio_rw";
  char *argv[] = {name, mnt.path, mnt.path, NULL};
  passed = 0;
  failed = 0;
  return rw_main(3, argv);
}

int main(void) {
  char name[] = "usrbio_rw";
  char odd[] = "--odd";
  char *argv[] = {name, mnt.path, mnt.path, odd, odd, NULL};
  mount_make(&mnt);
  close(mount_file(&mnt, "probe", O_CREAT | O_RDWR));
  CHECK_EQ(rw_main(1, argv), 2);
  CHECK_EQ(rw_main(4, argv), 2);
  CHECK_EQ(rw_main(5, argv), 2);

  daemon_start();
  on_ioctl = answer_ioctl;
  CHECK_EQ(run(), 0);
  CHECK(passed > 50);
  CHECK_EQ(mount_registrations(&mnt, NULL), 0);

  corrupt_reads = true;
  CHECK_EQ(run(), 1);
  CHECK(failed > 10);
  return 0;
}
