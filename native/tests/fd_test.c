/* SPDX-License-Identifier: Apache-2.0
 *
 * Registering descriptors.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

static struct fake_mount mnt;
static struct hf3fs_ior ior;
static struct hf3fs_iov iov;

/* The inode that an I/O prepared on fd names, from the layout: args[index] + 24. */
static uint64_t prepared_inode(int fd) {
  uint64_t ino;
  int index = hf3fs_prep_io(&ior, &iov, true, iov.base, fd, 0, 1, NULL);
  CHECK(index >= 0);
  memcpy(&ino, ior.iov.base + 16 + 56 * index + 24, 8);
  return ino;
}

static void onlyFilesOfAMountRegister(void) {
  struct rlimit limit;
  CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  CHECK_EQ(hf3fs_reg_fd(-1, 0), EBADF);
  CHECK_EQ(hf3fs_reg_fd(INT_MIN, 0), EBADF);
  CHECK_EQ(hf3fs_reg_fd(INT_MAX, 0), EBADF);
  CHECK_EQ(hf3fs_reg_fd(999, 0), EBADF);
  if (limit.rlim_max < INT_MAX) {
    CHECK_EQ(hf3fs_reg_fd((int)limit.rlim_max, 0), EBADF);
  }
  int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  CHECK(!hf3fs_is_hf3fs(fd) && !hf3fs_is_hf3fs(-1));
  errno = 0;
  CHECK_EQ(hf3fs_reg_fd(fd, 0), EBADF);
  CHECK_EQ(errno, 0);
  close(fd);
}

static void theDescriptorAndItsHandleWorkAlike(void) {
  struct stat st;
  int fd = mount_file(&mnt, "a", O_CREAT | O_RDWR);
  CHECK(hf3fs_is_hf3fs(fd));
  CHECK_EQ(fstat(fd, &st), 0);
  int handle = hf3fs_reg_fd(fd, 0);
  CHECK(handle < 0);
  CHECK_EQ(prepared_inode(fd), st.st_ino);
  CHECK_EQ(prepared_inode(handle), st.st_ino);
  CHECK_EQ(prepared_inode(-handle), st.st_ino);
  CHECK_EQ(hf3fs_reg_fd(fd, 0), EINVAL);
  CHECK_EQ(hf3fs_reg_fd(-handle, 0), EINVAL);
  hf3fs_dereg_fd(handle);
  CHECK_EQ(hf3fs_prep_io(&ior, &iov, true, iov.base, fd, 0, 1, NULL), -EBADF);
  CHECK_EQ(hf3fs_prep_io(&ior, &iov, true, iov.base, handle, 0, 1, NULL), -EBADF);
  CHECK_EQ(fcntl(-handle, F_GETFD), -1); /* the duplicate is closed, */
  CHECK(fcntl(fd, F_GETFD) >= 0);        /* the caller's is not */
  CHECK_EQ(hf3fs_reg_fd(fd, 0), handle);
  hf3fs_dereg_fd(fd);
  hf3fs_dereg_fd(fd);
  hf3fs_dereg_fd(-1);
  hf3fs_dereg_fd(INT_MIN);
  hf3fs_dereg_fd(INT_MAX);
  close(fd);
}

static void aClosedDescriptorKeepsItsRegistration(void) {
  struct stat a;
  struct stat b;
  int fd = mount_file(&mnt, "a", O_CREAT | O_RDWR);
  CHECK_EQ(fstat(fd, &a), 0);
  int handle = hf3fs_reg_fd(fd, 0);
  CHECK(handle < 0);
  close(fd);
  CHECK_EQ(prepared_inode(fd), a.st_ino);
  CHECK_EQ(prepared_inode(handle), a.st_ino);
  int same = mount_file(&mnt, "b", O_CREAT | O_RDWR);
  CHECK_EQ(same, fd);
  CHECK_EQ(hf3fs_reg_fd(same, 0), EINVAL);
  hf3fs_dereg_fd(handle);
  CHECK(hf3fs_reg_fd(same, 0) <= 0);
  CHECK_EQ(fstat(same, &b), 0);
  CHECK_EQ(prepared_inode(same), b.st_ino);
  hf3fs_dereg_fd(same);
  close(same);
}

/* The number that a duplicate would get is taken by the stale registration of a closed one. */
static void aStaleRegistrationDoesNotBlockOthers(void) {
  int first = mount_file(&mnt, "a", O_CREAT | O_RDWR);
  int second = mount_file(&mnt, "b", O_CREAT | O_RDWR);
  CHECK(hf3fs_reg_fd(second, 0) <= 0);
  close(second);
  int handle = hf3fs_reg_fd(first, 0);
  CHECK(handle < 0 && handle != -second);
  hf3fs_dereg_fd(first);
  hf3fs_dereg_fd(second);
  close(first);
}

static void manyDescriptorsRegister(void) {
  enum { COUNT = 300 };
  int fds[COUNT];
  struct stat st;
  for (int i = 0; i < COUNT; i++) {
    fds[i] = mount_file(&mnt, "many", O_CREAT | O_RDWR);
    CHECK(hf3fs_reg_fd(fds[i], 0) < 0);
  }
  CHECK_EQ(fstat(fds[0], &st), 0);
  for (int i = 0; i < COUNT; i++) {
    CHECK_EQ(prepared_inode(fds[i]), st.st_ino);
    hf3fs_dereg_fd(fds[i]);
    close(fds[i]);
  }
}

int main(void) {
  mount_make(&mnt);
  CHECK_EQ(hf3fs_iorcreate(&ior, mnt.path, 1000, true, 0, -1), 0);
  CHECK_EQ(hf3fs_iovcreate(&iov, mnt.path, 4096, 0, -1), 0);
  onlyFilesOfAMountRegister();
  theDescriptorAndItsHandleWorkAlike();
  aClosedDescriptorKeepsItsRegistration();
  aStaleRegistrationDoesNotBlockOthers();
  manyDescriptorsRegister();
  hf3fs_iordestroy(&ior);
  hf3fs_iovdestroy(&iov);
  return 0;
}
