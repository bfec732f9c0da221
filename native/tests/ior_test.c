/* SPDX-License-Identifier: Apache-2.0
 *
 * Creating, wrapping and destroying rings, and every refused argument of the ring functions.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

static struct fake_mount mnt;

static void anImpossibleRingIsRefused(void) {
  struct hf3fs_ior ior;
  char long_path[300] = {0};
  memset(long_path, 'x', 299);
  CHECK_EQ(hf3fs_iorcreate(NULL, mnt.path, 8, true, 0, -1), -EINVAL);
  CHECK_EQ(hf3fs_iorcreate(&ior, NULL, 8, true, 0, -1), -EINVAL);
  CHECK_EQ(hf3fs_iorcreate(&ior, "", 8, true, 0, -1), -EINVAL);
  CHECK_EQ(hf3fs_iorcreate(&ior, long_path, 8, true, 0, -1), -EINVAL);
  CHECK_EQ(hf3fs_iorcreate(&ior, mnt.path, 0, true, 0, -1), -EINVAL);
  CHECK_EQ(hf3fs_iorcreate(&ior, mnt.path, -1, true, 0, -1), -EINVAL);
  CHECK_EQ(hf3fs_iorcreate(&ior, mnt.path, INT_MAX, true, 0, -1), -EINVAL);
  CHECK_EQ(hf3fs_iorcreate(&ior, mnt.path, 8, true, 9, -1), -EINVAL);
  CHECK_EQ(hf3fs_iorcreate3(&ior, mnt.path, 8, true, 0, 0, -1, -1), -EINVAL);
  CHECK_EQ(hf3fs_iorcreate4(&ior, mnt.path, 8, true, 0, -1, -1, 0), -EINVAL);
  CHECK_EQ(hf3fs_iorcreate2(&ior, "/nowhere", 8, true, 0, 0, -1), -ENOENT);
  CHECK(ior.iorh == NULL);
  hf3fs_iordestroy(&ior); /* harmless */
  hf3fs_iordestroy(NULL);
  CHECK_EQ(mount_registrations(&mnt, NULL), 0);
}

static void aRingKnowsItsParameters(void) {
  struct hf3fs_ior ior;
  CHECK_EQ(hf3fs_iorcreate3(&ior, mnt.path, 100, true, -7, 1, 3, -1), 0);
  CHECK_EQ(hf3fs_io_entries(&ior), 100);
  CHECK_EQ(ior.iov.size, hf3fs_ior_size(100));
  CHECK(ior.for_read);
  CHECK_EQ(ior.io_depth, -7);
  CHECK_EQ(ior.priority, 1);
  CHECK_EQ(ior.timeout, 3);
  CHECK_EQ(ior.flags, 0);
  CHECK(strcmp(ior.mount_point, mnt.path) == 0);
  hf3fs_iordestroy(&ior);
  CHECK(ior.iorh == NULL && ior.iov.base == NULL);
  CHECK_EQ(mount_registrations(&mnt, NULL), 0);
  hf3fs_iordestroy(&ior);
}

static void theSharedMemoryOfARingHasNoNameAfterRegistration(void) {
  struct hf3fs_ior ior;
  char path[256];
  CHECK_EQ(hf3fs_iorcreate(&ior, mnt.path, 8, true, 0, -1), 0);
  snprintf(path, sizeof path, "/dev/shm/%s", last_shm_name + 1);
  CHECK(access(path, F_OK) != 0);
  hf3fs_iordestroy(&ior);
}

static void aRefusedRingLeavesNothingBehind(void) {
  struct hf3fs_ior ior;
  char path[256];
  fail_symlinkat = EMFILE;
  CHECK_EQ(hf3fs_iorcreate(&ior, mnt.path, 8, true, 0, -1), -EMFILE);
  snprintf(path, sizeof path, "/dev/shm/%s", last_shm_name + 1);
  CHECK(access(path, F_OK) != 0);
  CHECK_EQ(mount_registrations(&mnt, NULL), 0);
}

/* Each row replaces submit-ios; the ring must not stay registered. */
static void theSubmitSemaphoreIsChecked(void) {
  static const struct {
    const char *target;
    int rc;
  } rows[] = {
      {NULL, -ENOENT},
      {"/dev/shm/x", -EIO},
      {"/dev/shm/sem.", -EIO},
      {"/dev/shm/sem.a/b", -EIO},
      {"/dev/shm/sem.lmp-test-none", -ENOENT},
      {"/tmp/sem.x", -EIO},
      {"sem.x", -EIO},
  };
  struct hf3fs_ior ior;
  char link[256];
  char target[256] = {0};
  snprintf(link, sizeof link, "%s/submit-ios", mnt.iovs);
  CHECK(readlink(link, target, sizeof target - 1) > 0);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    CHECK_EQ(unlink(link), 0);
    CHECK(rows[i].target == NULL || symlink(rows[i].target, link) == 0);
    CHECK_EQ(hf3fs_iorcreate(&ior, mnt.path, 8, true, 0, -1), rows[i].rc);
    CHECK_EQ(mount_registrations(&mnt, NULL), 0);
    CHECK_EQ(hf3fs_iorcreate2(&ior, mnt.path, 8, true, 0, 1, -1), 0); /* the others are fine */
    hf3fs_iordestroy(&ior);
    if (rows[i].target == NULL) {
      CHECK_EQ(symlink("x", link), 0);
    }
  }
  CHECK_EQ(unlink(link), 0);
  CHECK_EQ(symlink(target, link), 0);
}

static void submitPostsTheSemaphoreOfTheRingsPriority(void) {
  for (int priority = -1; priority <= 1; priority++) {
    struct hf3fs_ior ior;
    CHECK_EQ(hf3fs_iorcreate2(&ior, mnt.path, 8, true, 0, priority, -1), 0);
    int before = mount_submits(&mnt, priority);
    CHECK_EQ(hf3fs_submit_ios(&ior), 0);
    CHECK_EQ(hf3fs_submit_ios(&ior), 0);
    CHECK_EQ(mount_submits(&mnt, priority), before + 2);
    hf3fs_iordestroy(&ior);
    CHECK_EQ(hf3fs_submit_ios(&ior), -EINVAL);
  }
  CHECK_EQ(hf3fs_submit_ios(NULL), -EINVAL);
}

static void prepareRefusesWhatCannotBe(void) {
  struct hf3fs_ior rd;
  struct hf3fs_ior wr;
  struct hf3fs_iov iov;
  CHECK_EQ(hf3fs_iorcreate(&rd, mnt.path, 8, true, 0, -1), 0);
  CHECK_EQ(hf3fs_iorcreate(&wr, mnt.path, 8, false, 0, -1), 0);
  CHECK_EQ(hf3fs_iovcreate(&iov, mnt.path, 8192, 0, -1), 0);
  int ro = mount_file(&mnt, "f", O_CREAT | O_RDONLY);
  int wo = mount_file(&mnt, "f", O_WRONLY);
  int rw = mount_file(&mnt, "f", O_RDWR);
  int unregistered = mount_file(&mnt, "f", O_RDWR);
  CHECK(hf3fs_reg_fd(ro, 0) <= 0 && hf3fs_reg_fd(wo, 0) <= 0 && hf3fs_reg_fd(rw, 0) <= 0);

  struct hf3fs_ior none = {.for_read = true};
  CHECK_EQ(hf3fs_prep_io(NULL, &iov, true, iov.base, rw, 0, 1, NULL), -EINVAL);
  CHECK_EQ(hf3fs_prep_io(&none, &iov, true, iov.base, rw, 0, 1, NULL), -EINVAL);
  CHECK_EQ(hf3fs_prep_io(&rd, NULL, true, iov.base, rw, 0, 1, NULL), -EINVAL);
  CHECK_EQ(hf3fs_prep_io(&rd, &iov, false, iov.base, rw, 0, 1, NULL), -EINVAL);
  CHECK_EQ(hf3fs_prep_io(&wr, &iov, true, iov.base, rw, 0, 1, NULL), -EINVAL);
  CHECK_EQ(hf3fs_prep_io(&rd, &iov, true, iov.base, rw, 0, 0, NULL), -EINVAL);
  CHECK_EQ(hf3fs_prep_io(&rd, &iov, true, NULL, rw, 0, 1, NULL), -EINVAL);
  CHECK_EQ(hf3fs_prep_io(&rd, &iov, true, iov.base - 1, rw, 0, 2, NULL), -EINVAL);
  CHECK_EQ(hf3fs_prep_io(&rd, &iov, true, iov.base, rw, 0, 8193, NULL), -EINVAL);
  CHECK_EQ(hf3fs_prep_io(&rd, &iov, true, iov.base + 8192, rw, 0, 1, NULL), -EINVAL);
  CHECK_EQ(hf3fs_prep_io(&rd, &iov, true, iov.base + 1, rw, 0, UINT64_MAX, NULL), -EINVAL);
  CHECK_EQ(hf3fs_prep_io(&rd, &iov, true, iov.base, INT_MAX, 0, 1, NULL), -EINVAL);
  CHECK_EQ(hf3fs_prep_io(&rd, &iov, true, iov.base, INT_MIN, 0, 1, NULL), -EINVAL);
  CHECK_EQ(hf3fs_prep_io(&rd, &iov, true, iov.base, unregistered, 0, 1, NULL), -EBADF);
  CHECK_EQ(hf3fs_prep_io(&rd, &iov, true, iov.base, wo, 0, 1, NULL), -EACCES);
  CHECK_EQ(hf3fs_prep_io(&wr, &iov, false, iov.base, ro, 0, 1, NULL), -EACCES);
  CHECK(hf3fs_prep_io(&rd, &iov, true, iov.base, ro, 0, 8192, NULL) >= 0);
  CHECK(hf3fs_prep_io(&rd, &iov, true, iov.base + 8191, rw, 0, 1, NULL) >= 0);
  CHECK(hf3fs_prep_io(&wr, &iov, false, iov.base, wo, 0, 1, NULL) >= 0);
  CHECK(hf3fs_prep_io(&wr, &iov, false, iov.base, rw, 0, 1, NULL) >= 0);

  hf3fs_dereg_fd(ro);
  hf3fs_dereg_fd(wo);
  hf3fs_dereg_fd(rw);
  hf3fs_iordestroy(&rd);
  hf3fs_iordestroy(&wr);
  CHECK_EQ(hf3fs_prep_io(&rd, &iov, true, iov.base, rw, 0, 1, NULL), -EINVAL);
  hf3fs_iovdestroy(&iov);
  close(ro);
  close(wo);
  close(rw);
  close(unregistered);
}

static void waitRefusesWhatCannotBe(void) {
  struct hf3fs_ior ior;
  struct hf3fs_cqe cqes[2];
  struct timespec odd = {.tv_nsec = 1000000000};
  CHECK_EQ(hf3fs_iorcreate(&ior, mnt.path, 8, true, 0, -1), 0);
  ring_init_semaphore(&ior, 8);
  CHECK_EQ(hf3fs_wait_for_ios(NULL, cqes, 2, 0, NULL), -EINVAL);
  CHECK_EQ(hf3fs_wait_for_ios(&ior, NULL, 2, 0, NULL), -EINVAL);
  CHECK_EQ(hf3fs_wait_for_ios(&ior, cqes, 0, 0, NULL), -EINVAL);
  CHECK_EQ(hf3fs_wait_for_ios(&ior, cqes, -1, 0, NULL), -EINVAL);
  CHECK_EQ(hf3fs_wait_for_ios(&ior, cqes, 2, 1, &odd), -EINVAL);
  CHECK_EQ(hf3fs_wait_for_ios(&ior, cqes, 2, 0, NULL), 0);
  CHECK_EQ(hf3fs_wait_for_ios(&ior, cqes, 2, -5, NULL), 0);
  CHECK_EQ(hf3fs_io_entries(NULL), -EINVAL);
  hf3fs_iordestroy(&ior);
  CHECK_EQ(hf3fs_wait_for_ios(&ior, cqes, 2, 0, NULL), -EINVAL);
}

static void rubbishInTheRingIsAnErrorAndNotACrash(void) {
  struct hf3fs_ior ior;
  struct hf3fs_iov iov;
  struct hf3fs_cqe cqe;
  CHECK_EQ(hf3fs_iorcreate(&ior, mnt.path, 4, true, 0, -1), 0);
  CHECK_EQ(hf3fs_iovcreate(&iov, mnt.path, 4096, 0, -1), 0);
  ring_init_semaphore(&ior, 4);
  int fd = mount_file(&mnt, "f", O_CREAT | O_RDONLY);
  CHECK(hf3fs_reg_fd(fd, 0) <= 0);
  int32_t *words = (int32_t *)(void *)ior.iov.base;
  static const int32_t rubbish[] = {-1, 5, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < sizeof rubbish / sizeof rubbish[0]; i++) {
    words[0] = rubbish[i];
    CHECK_EQ(hf3fs_prep_io(&ior, &iov, true, iov.base, fd, 0, 1, NULL), -EINVAL);
    words[0] = 0;
    words[2] = rubbish[i];
    CHECK_EQ(hf3fs_wait_for_ios(&ior, &cqe, 1, 1, NULL), -EINVAL);
    words[2] = 0;
  }
  /* A completion of a slot that cannot be is handed on and frees nothing. */
  int32_t index = 77;
  memcpy(ior.iov.base + 16 + 56 * 5, &index, 4);
  words[2] = 1;
  CHECK_EQ(hf3fs_wait_for_ios(&ior, &cqe, 1, 1, NULL), 1);
  CHECK_EQ(cqe.index, 77);
  hf3fs_dereg_fd(fd);
  hf3fs_iordestroy(&ior);
  hf3fs_iovdestroy(&iov);
  close(fd);
}

static void aWrappedRingUsesTheCallersMemory(void) {
  struct hf3fs_ior made;
  struct hf3fs_ior ior;
  CHECK_EQ(hf3fs_iorcreate(&made, mnt.path, 8, true, 0, -1), 0);
  uint8_t *memory = made.iov.base;
  size_t size = made.iov.size;
  const char *mp = mnt.path;
  CHECK_EQ(hf3fs_iorwrap(NULL, memory, mp, size, true, 0, 0, 0, 0), -EINVAL);
  CHECK_EQ(hf3fs_iorwrap(&ior, NULL, mp, size, true, 0, 0, 0, 0), -EINVAL);
  CHECK_EQ(hf3fs_iorwrap(&ior, memory + 1, mp, size, true, 0, 0, 0, 0), -EINVAL);
  CHECK_EQ(hf3fs_iorwrap(&ior, memory, NULL, size, true, 0, 0, 0, 0), -EINVAL);
  CHECK_EQ(hf3fs_iorwrap(&ior, memory, "", size, true, 0, 0, 0, 0), -EINVAL);
  CHECK_EQ(hf3fs_iorwrap(&ior, memory, mp, 4096, true, 0, 0, 0, 0), -EINVAL);
  CHECK_EQ(hf3fs_iorwrap(&ior, memory, mp, size, true, 0, 0, -1, 0), -EINVAL);
  CHECK_EQ(hf3fs_iorwrap(&ior, memory, "/nowhere", size, true, 0, 0, 0, 0), -ENOENT);
  CHECK_EQ(hf3fs_iorwrap(&ior, memory, mp, size, true, 0, 0, 0, 0), 0);
  CHECK_EQ(hf3fs_io_entries(&ior), 8);
  hf3fs_iordestroy(&ior);
  CHECK_EQ(mount_registrations(&mnt, NULL), 1);
  memory[0] = 0; /* still mapped */
  hf3fs_iordestroy(&made);
}

int main(void) {
  mount_make(&mnt);
  anImpossibleRingIsRefused();
  aRingKnowsItsParameters();
  theSharedMemoryOfARingHasNoNameAfterRegistration();
  aRefusedRingLeavesNothingBehind();
  theSubmitSemaphoreIsChecked();
  submitPostsTheSemaphoreOfTheRingsPriority();
  prepareRefusesWhatCannotBe();
  waitRefusesWhatCannotBe();
  rubbishInTheRingIsAnErrorAndNotACrash();
  aWrappedRingUsesTheCallersMemory();
  return 0;
}
