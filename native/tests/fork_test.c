/* SPDX-License-Identifier: Apache-2.0
 *
 * What a forked child may do with what it inherited, and with its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

static struct fake_mount mnt;
static struct hf3fs_iov iov;
static struct hf3fs_ior ior;

static int count_descriptors(void) {
  int count = 0;
  for (int fd = 0; fd < 256; fd++) {
    count += fcntl(fd, F_GETFD) >= 0;
  }
  return count;
}

static void in_child(void (*body)(void)) {
  int status;
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    body();
    _exit(0);
  }
  CHECK_EQ(waitpid(pid, &status, 0), pid);
  CHECK_EQ(status, 0);
}

static void theChildDestroysWhatItInherited(void) {
  iov.base[0] = 99;
  hf3fs_iovdestroy(&iov);
  hf3fs_iordestroy(&ior);
  CHECK(iov.base == NULL && ior.iorh == NULL);
}

static void theChildRegistersItsOwn(void) {
  struct hf3fs_iov own;
  int before = count_descriptors();
  CHECK_EQ(hf3fs_iovcreate(&own, mnt.path, 4096, 0, -1), 0);
  CHECK_EQ(count_descriptors(), before + 1); /* its own directory, whose release is its own */
  CHECK_EQ(mount_registrations(&mnt, NULL), 3);
  hf3fs_iovdestroy(&own);
  CHECK_EQ(mount_registrations(&mnt, NULL), 2);
}

static _Atomic bool churning = true;

static void *churn(void *arg) {
  int fd = *(int *)arg;
  while (atomic_load(&churning)) {
    struct hf3fs_iov own;
    CHECK_EQ(hf3fs_iovcreate(&own, mnt.path, 4096, 0, -1), 0);
    CHECK(hf3fs_reg_fd(fd, 0) <= 0);
    hf3fs_dereg_fd(fd);
    hf3fs_iovdestroy(&own);
  }
  return NULL;
}

static void theChildUsesTheTables(void) {
  struct hf3fs_iov own;
  alarm(20); /* a lock held over fork would hang us */
  CHECK_EQ(hf3fs_iovcreate(&own, mnt.path, 4096, 0, -1), 0);
  hf3fs_iovdestroy(&own);
  hf3fs_dereg_fd(250);
}

int main(void) {
  mount_make(&mnt);
  CHECK_EQ(hf3fs_iovcreate(&iov, mnt.path, 4096, 0, -1), 0);
  CHECK_EQ(hf3fs_iorcreate(&ior, mnt.path, 8, true, 0, -1), 0);

  in_child(theChildDestroysWhatItInherited);
  CHECK_EQ(iov.base[0], 99); /* shared memory, and still ours */
  CHECK_EQ(mount_registrations(&mnt, NULL), 2);
  CHECK_EQ(hf3fs_submit_ios(&ior), 0);
  in_child(theChildRegistersItsOwn);

  int fd = mount_file(&mnt, "f", O_CREAT | O_RDWR);
  pthread_t thread;
  CHECK_EQ(pthread_create(&thread, NULL, churn, &fd), 0);
  for (int i = 0; i < 50; i++) {
    in_child(theChildUsesTheTables);
  }
  atomic_store(&churning, false);
  pthread_join(thread, NULL);
  close(fd);

  hf3fs_iovdestroy(&iov);
  hf3fs_iordestroy(&ior);
  CHECK_EQ(mount_registrations(&mnt, NULL), 0);
  return 0;
}
