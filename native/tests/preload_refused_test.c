/* SPDX-License-Identifier: Apache-2.0
 *
 * Without rings, and when they end, reads go by the kernel and the program notices nothing. And no
 * program ends them by closing what it never opened.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "preload_support.h"

static struct fake_mount mnt;
static uint8_t *memory;

static void read_all(void) {
  int fd = preload_open(&mnt, "f", O_RDONLY);
  for (uint64_t at = 0; at < 6 << 20; at += 1 << 20) {
    CHECK_EQ(read(fd, memory, 1 << 20), 1 << 20);
    check_bytes(memory, 1 << 20, at);
  }
  close(fd);
}

/* In a process of its own: what is given up is given up for good. */
static void in_child(void (*body)(void)) {
  int status;
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    alarm(60);
    body();
    _exit(0);
  }
  CHECK_EQ(waitpid(pid, &status, 0), pid);
  CHECK_EQ(status, 0);
}

static int asked;

static int refuse(const char *target, const char *key) {
  (void)target;
  (void)key;
  asked++;
  return EACCES;
}

static void aRefusedRegistrationIsTriedOnce(void) {
  on_register = refuse;
  read_all();
  read_all();
  CHECK_EQ(asked, 1);
  CHECK_EQ(atomic_load(&bytes_served), 0);
  CHECK_EQ(mount_registrations(&mnt, NULL), 0);
}

static void withoutSharedMemoryTheKernelReads(void) {
  fail_fallocate = ENOSPC;
  read_all();
  read_all();
  CHECK_EQ(atomic_load(&bytes_served), 0);
}

static int the_kept_descriptor(void) {
  int kept = -1;
  for (int fd = 3; fd < 4096; fd++) {
    char link[64];
    char target[256];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, target, sizeof target - 1);
    if (n > 0) {
      target[n] = '\0';
      kept = strcmp(target, mnt.iovs) == 0 ? fd : kept;
    }
  }
  CHECK(kept > 2);
  return kept;
}

static int nobody_listens(const char *target, const char *key) {
  (void)target;
  (void)key;
  return 0;
}

static void *closer(void *arg) {
  (void)arg;
  for (int64_t end = monotonic_ms() + 20000; mount_registrations(&mnt, NULL) < 2;) {
    CHECK(monotonic_ms() < end);
    usleep(1000);
  }
  syscall(SYS_close, the_kept_descriptor());
  return NULL;
}

/* No completion ever comes, and the directory is gone: as when the daemon was killed. */
static void aDeadDaemonIsNoticed(void) {
  pthread_t thread;
  on_register = nobody_listens;
  CHECK_EQ(pthread_create(&thread, NULL, closer, NULL), 0);
  int64_t start = monotonic_ms();
  read_all();
  CHECK(monotonic_ms() - start < 10000);
  pthread_join(thread, NULL);
  CHECK_EQ(atomic_load(&bytes_served), 0);
}

static void whatAProgramClosesIsItsOwn(void) {
  daemon_start();
  read_all();
  int64_t served = atomic_load(&bytes_served);
  CHECK(served > 0);
  int kept = the_kept_descriptor();
  errno = 0;
  CHECK_EQ(close(kept), -1);
  CHECK_EQ(errno, EBADF);
  CHECK_EQ(close_range((unsigned)kept - 5, ~0u, 0), 0);
  CHECK_EQ(close_range((unsigned)kept, (unsigned)kept, 0), 0);
  closefrom(3);
  CHECK_EQ(the_kept_descriptor(), kept);
  read_all();
  CHECK(atomic_load(&bytes_served) > served);
  served = atomic_load(&bytes_served);
  CHECK_EQ(dup2(0, kept), kept); /* it wants the number: then the kernel reads */
  read_all();
  CHECK_EQ(atomic_load(&bytes_served), served);
}

static void test(void) {
  memory = preload_buffer();
  in_child(aRefusedRegistrationIsTriedOnce);
  in_child(withoutSharedMemoryTheKernelReads);
  in_child(aDeadDaemonIsNoticed);
  in_child(whatAProgramClosesIsItsOwn);
  free(memory);
}

int main(void) {
  preload_begin(&mnt, "f");
  CHECK_EQ(preload_run(test), 4); /* of children: a directory forgets nobody */
  return 0;
}
