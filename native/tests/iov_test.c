/* SPDX-License-Identifier: Apache-2.0
 *
 * Creating, opening, wrapping, unlinking and destroying data buffers.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

static struct fake_mount mnt;
static char long_path[300];

static bool shm_exists(const char *name) {
  char path[256];
  snprintf(path, sizeof path, "/dev/shm/%s", name + 1);
  return access(path, F_OK) == 0;
}

static bool is_mapped(const char *name) {
  char line[512];
  bool found = false;
  FILE *maps = fopen("/proc/self/maps", "re");
  CHECK(maps != NULL);
  while (fgets(line, sizeof line, maps) != NULL) {
    found |= strstr(line, name + 1) != NULL;
  }
  fclose(maps);
  return found;
}

static void anImpossibleIovIsRefused(void) {
  struct hf3fs_iov iov;
  const uint8_t id[16] = {1};
  char memory[64];
  CHECK_EQ(hf3fs_iovcreate(NULL, mnt.path, 4096, 0, -1), -EINVAL);
  CHECK_EQ(hf3fs_iovcreate(&iov, NULL, 4096, 0, -1), -EINVAL);
  CHECK_EQ(hf3fs_iovcreate(&iov, "", 4096, 0, -1), -EINVAL);
  CHECK_EQ(hf3fs_iovcreate(&iov, long_path, 4096, 0, -1), -EINVAL);
  CHECK_EQ(hf3fs_iovcreate(&iov, mnt.path, 0, 0, -1), -EINVAL);
  CHECK_EQ(hf3fs_iovcreate(&iov, mnt.path, 4096, 4097, -1), -EINVAL);
  CHECK_EQ(hf3fs_iovcreate(&iov, mnt.path, SIZE_MAX, 0, -1), -EINVAL);
  CHECK_EQ(hf3fs_iovcreate(&iov, "/nowhere", 4096, 0, -1), -ENOENT);
  CHECK_EQ(hf3fs_iovcreate(&iov, "/dev/null", 4096, 0, -1), -ENOTDIR);
  CHECK(iov.base == NULL && iov.iovh == NULL);
  hf3fs_iovdestroy(&iov); /* harmless */
  hf3fs_iovdestroy(NULL);
  hf3fs_iovunlink(NULL);
  CHECK_EQ(hf3fs_iovopen(NULL, id, mnt.path, 4096, 0, -1), -EINVAL);
  CHECK_EQ(hf3fs_iovopen(&iov, NULL, mnt.path, 4096, 0, -1), -EINVAL);
  CHECK_EQ(hf3fs_iovopen(&iov, id, long_path, 4096, 0, -1), -EINVAL);
  CHECK_EQ(hf3fs_iovopen(&iov, id, mnt.path, 4096, 0, -1), -ENOENT);
  CHECK_EQ(hf3fs_iovwrap(NULL, memory, id, mnt.path, 64, 0, -1), -EINVAL);
  CHECK_EQ(hf3fs_iovwrap(&iov, NULL, id, mnt.path, 64, 0, -1), -EINVAL);
  CHECK_EQ(hf3fs_iovwrap(&iov, memory, NULL, mnt.path, 64, 0, -1), -EINVAL);
  CHECK_EQ(hf3fs_iovwrap(&iov, memory, id, long_path, 64, 0, -1), -EINVAL);
  CHECK_EQ(mount_registrations(&mnt, NULL), 0);
}

static void aCreatedIovIsFilledInAndGoesAway(void) {
  struct hf3fs_iov iov;
  struct stat st;
  char path[256];
  CHECK_EQ(hf3fs_iovcreate(&iov, mnt.path, 3 << 20, 1 << 20, -1), 0);
  snprintf(path, sizeof path, "/dev/shm/%s", last_shm_name + 1);
  CHECK_EQ(stat(path, &st), 0);
  CHECK_EQ(st.st_size, 3 << 20);
  CHECK_EQ(iov.size, 3 << 20);
  CHECK_EQ(iov.block_size, 1 << 20);
  CHECK_EQ(iov.numa, -1);
  CHECK(strcmp(iov.mount_point, mnt.path) == 0);
  memset(iov.base, 0xa5, iov.size);
  CHECK(is_mapped(last_shm_name));
  hf3fs_iovdestroy(&iov);
  CHECK(iov.base == NULL && iov.iovh == NULL);
  CHECK(!shm_exists(last_shm_name) && !is_mapped(last_shm_name));
  CHECK_EQ(mount_registrations(&mnt, NULL), 0);
  hf3fs_iovdestroy(&iov); /* twice is harmless */
}

static void unlinkRemovesTheFileButKeepsTheRegistration(void) {
  struct hf3fs_iov iov;
  CHECK_EQ(hf3fs_iovcreate(&iov, mnt.path, 4096, 0, -1), 0);
  hf3fs_iovunlink(&iov);
  CHECK(!shm_exists(last_shm_name));
  CHECK_EQ(mount_registrations(&mnt, NULL), 1);
  iov.base[4095] = 1;
  hf3fs_iovunlink(&iov);
  hf3fs_iovdestroy(&iov);
  CHECK_EQ(mount_registrations(&mnt, NULL), 0);
}

static void aRefusedRegistrationLeavesNothingBehind(void) {
  static const int errors[] = {EMFILE, EINVAL, EACCES, ENOENT};
  for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
    struct hf3fs_iov iov;
    fail_symlinkat = errors[i];
    CHECK_EQ(hf3fs_iovcreate(&iov, mnt.path, 1 << 20, 0, -1), -errors[i]);
    CHECK(!shm_exists(last_shm_name) && !is_mapped(last_shm_name));
    CHECK(iov.base == NULL && iov.iovh == NULL);
  }
  CHECK_EQ(mount_registrations(&mnt, NULL), 0);
}

static void aFullShmIsAnErrorAndNotASignal(void) {
  struct hf3fs_iov iov;
  fail_fallocate = ENOSPC;
  CHECK_EQ(hf3fs_iovcreate(&iov, mnt.path, 1 << 20, 0, -1), -EIO);
  CHECK(!shm_exists(last_shm_name) && !is_mapped(last_shm_name));
  fail_fallocate = EINTR; /* is tried again */
  CHECK_EQ(hf3fs_iovcreate(&iov, mnt.path, 1 << 20, 0, -1), 0);
  hf3fs_iovdestroy(&iov);
}

static void anOpenedIovIsTheSameMemoryAndBelongsToItsCreator(void) {
  struct hf3fs_iov iov;
  struct hf3fs_iov other;
  CHECK_EQ(hf3fs_iovcreate(&iov, mnt.path, 8192, 4096, -1), 0);
  const uint8_t *id = (const uint8_t *)iov.id;
  CHECK_EQ(hf3fs_iovopen(&other, id, mnt.path, 8192, 4096, -1), 0);
  CHECK(memcmp(other.id, iov.id, 16) == 0 && other.base != iov.base);
  iov.base[5000] = 42;
  CHECK_EQ(other.base[5000], 42);
  hf3fs_iovdestroy(&other);
  CHECK_EQ(mount_registrations(&mnt, NULL), 1);
  CHECK(shm_exists(last_shm_name));
  CHECK_EQ(hf3fs_iovopen(&other, id, mnt.path, 8192, 0, -1), -ENOENT); /* another key */
  CHECK_EQ(hf3fs_iovopen(&other, id, mnt.path, 1 << 20, 4096, -1), -EIO);
  hf3fs_iovdestroy(&iov);
}

static void openFollowsNoRegistrationOutOfShm(void) {
  struct hf3fs_iov iov;
  const uint8_t id[16] = {0xab};
  char link[256];
  snprintf(link, sizeof link, "%s/ab000000000000000000000000000000", mnt.iovs);
  CHECK_EQ(symlink("/etc/passwd", link), 0);
  CHECK_EQ(hf3fs_iovopen(&iov, id, mnt.path, 16, 0, -1), -EINVAL);
  unlink(link);
}

static void aWrappedIovIsLeftAlone(void) {
  struct hf3fs_iov iov;
  const uint8_t id[16] = {7, 8, 9};
  char memory[4096] = {1};
  CHECK_EQ(hf3fs_iovwrap(&iov, memory, id, mnt.path, sizeof memory, 1024, 2), 0);
  CHECK(iov.base == (uint8_t *)memory && memcmp(iov.id, id, 16) == 0);
  CHECK_EQ(iov.block_size, 1024);
  CHECK_EQ(iov.numa, 2);
  CHECK_EQ(mount_registrations(&mnt, NULL), 0);
  hf3fs_iovunlink(&iov);
  hf3fs_iovdestroy(&iov);
  CHECK_EQ(memory[0], 1);
}

static void countDescriptors(int *count) {
  *count = 0;
  for (int fd = 0; fd < 256; fd++) {
    *count += fcntl(fd, F_GETFD) >= 0;
  }
}

static void oneDirectoryDescriptorStaysOpenPerMount(void) {
  struct hf3fs_iov iov[4];
  int before;
  int after;
  countDescriptors(&before); /* the other tests opened it already */
  for (int i = 0; i < 4; i++) {
    CHECK_EQ(hf3fs_iovcreate(&iov[i], mnt.path, 4096, 0, -1), 0);
  }
  countDescriptors(&after);
  CHECK_EQ(after, before);
  for (int i = 0; i < 4; i++) {
    hf3fs_iovdestroy(&iov[i]);
  }
  countDescriptors(&after);
  CHECK_EQ(after, before);
}

/* A daemon that was restarted has another directory at the same place. */
static void aNewDirectoryAtTheMountIsFound(void) {
  struct hf3fs_iov before;
  struct hf3fs_iov after;
  char old[128];
  CHECK_EQ(hf3fs_iovcreate(&before, mnt.path, 4096, 0, -1), 0);
  snprintf(old, sizeof old, "%s.old", mnt.iovs);
  CHECK_EQ(rename(mnt.iovs, old), 0);
  CHECK_EQ(hf3fs_iovcreate(&after, mnt.path, 4096, 0, -1), -ENOENT);
  CHECK_EQ(mkdir(mnt.iovs, 0755), 0);
  CHECK_EQ(hf3fs_iovcreate(&after, mnt.path, 4096, 0, -1), 0);
  CHECK_EQ(mount_registrations(&mnt, NULL), 1);
  hf3fs_iovdestroy(&before); /* in the old place */
  CHECK_EQ(mount_registrations(&mnt, NULL), 1);
  hf3fs_iovdestroy(&after);
  CHECK_EQ(mount_registrations(&mnt, NULL), 0);
  CHECK_EQ(rmdir(mnt.iovs), 0);
  CHECK_EQ(rename(old, mnt.iovs), 0);
  CHECK_EQ(mount_registrations(&mnt, NULL), 0);
}

int main(void) {
  memset(long_path, 'x', 299);
  mount_make(&mnt);
  anImpossibleIovIsRefused();
  aCreatedIovIsFilledInAndGoesAway();
  unlinkRemovesTheFileButKeepsTheRegistration();
  aRefusedRegistrationLeavesNothingBehind();
  aFullShmIsAnErrorAndNotASignal();
  anOpenedIovIsTheSameMemoryAndBelongsToItsCreator();
  openFollowsNoRegistrationOutOfShm();
  aWrappedIovIsLeftAlone();
  oneDirectoryDescriptorStaysOpenPerMount();
  aNewDirectoryAtTheMountIsFound();
  return 0;
}
