/* SPDX-License-Identifier: Apache-2.0
 *
 * The names under which iovs and rings appear in 3fs-virt/iovs, and what they lead to.
 */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

static struct fake_mount mnt;

/* Checks the one registration: <id in hex> + suffix -> /dev/shm/hf3fs-iov-<uuid>. */
static void check_key(const char id[16], const char *suffix) {
  char key[256];
  char expected[256];
  char path[PATH_MAX];
  char target[PATH_MAX] = {0};
  CHECK_EQ(mount_registrations(&mnt, key), 1);
  for (int i = 0; i < 16; i++) {
    snprintf(expected + 2 * i, 3, "%02x", (unsigned char)id[i]);
  }
  snprintf(expected + 32, sizeof expected - 32, "%s", suffix);
  if (strcmp(key, expected) != 0) {
    fprintf(stderr, "observed=%s, expected=%s\n", key, expected);
    exit(1);
  }
  snprintf(path, sizeof path, "%s/%s", mnt.iovs, key);
  CHECK(readlink(path, target, sizeof target - 1) > 0);
  CHECK_EQ(strlen(target), strlen("/dev/shm/hf3fs-iov-") + 36);
  CHECK(strncmp(target, "/dev/shm/hf3fs-iov-", 19) == 0);
  for (int i = 0; i < 36; i++) {
    bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
    CHECK(hyphen ? target[19 + i] == '-' : strchr("0123456789abcdef", target[19 + i]) != NULL);
  }
}

static void check_ior(struct hf3fs_ior *ior, int rc, const char *suffix) {
  CHECK_EQ(rc, 0);
  check_key(ior->iov.id, suffix);
  hf3fs_iordestroy(ior);
  CHECK_EQ(mount_registrations(&mnt, NULL), 0);
}

int main(void) {
  struct hf3fs_iov iov;
  struct hf3fs_ior ior;
  mount_make(&mnt);
  const char *mp = mnt.path;

  CHECK_EQ(hf3fs_iovcreate(&iov, mp, 1 << 20, 0, -1), 0);
  check_key(iov.id, "");
  hf3fs_iovdestroy(&iov);
  CHECK_EQ(hf3fs_iovcreate(&iov, mp, 1 << 20, 65536, 0), 0);
  check_key(iov.id, ".b65536");
  hf3fs_iovdestroy(&iov);
  CHECK_EQ(mount_registrations(&mnt, NULL), 0);

  check_ior(&ior, hf3fs_iorcreate(&ior, mp, 8, true, 0, -1), ".r0.t0");
  check_ior(&ior, hf3fs_iorcreate(&ior, mp, 8, false, -4, -1), ".w-4.t0");
  check_ior(&ior, hf3fs_iorcreate2(&ior, mp, 8, true, 8, -1, -1), ".r8.ph.t0");
  check_ior(&ior, hf3fs_iorcreate2(&ior, mp, 8, true, 8, 3, -1), ".r8.pl.t0");
  check_ior(&ior, hf3fs_iorcreate3(&ior, mp, 8, true, 1, 0, 1, -1), ".r1.t1");
  check_ior(&ior, hf3fs_iorcreate3(&ior, mp, 8, false, 1, -9, INT_MAX, -1), ".w1.ph.t2147483647");
  check_ior(&ior, hf3fs_iorcreate4(&ior, mp, 8, true, 0, 5, -1, 2), ".r0.t5.f10");
  check_ior(&ior, hf3fs_iorcreate4(&ior, mp, 8, true, 0, 0, -1, 3), ".r0.t0.f11");
  check_ior(&ior, hf3fs_iorcreate4(&ior, mp, 8, true, INT_MIN, INT_MAX, -1, UINT64_MAX),
            ".r-2147483648.t2147483647."
            "f1111111111111111111111111111111111111111111111111111111111111111");
  return 0;
}
