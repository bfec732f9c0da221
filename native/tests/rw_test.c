/* SPDX-License-Identifier: Apache-2.0
 *
 * usrbio_rw, the end-to-end program for a real mount, against the daemon of these tests: shows
 * that its cases hold where everything is right, and that it notices when something is not.
 */
#include <dirent.h>

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
  CHECK_EQ(run(), 0);
  CHECK(passed > 50);
  CHECK_EQ(mount_registrations(&mnt, NULL), 0);

  corrupt_reads = true;
  CHECK_EQ(run(), 1);
  CHECK(failed > 10);
  return 0;
}
