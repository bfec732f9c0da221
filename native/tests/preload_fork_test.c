/* SPDX-License-Identifier: Apache-2.0
 *
 * Descriptors that processes and numbers share have one offset; a ring is one process's.
 */
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "preload_support.h"

static struct fake_mount mnt;
static uint8_t *memory;

static void read_on(int fd, uint64_t at) {
  CHECK_EQ(read(fd, memory, 1 << 20), 1 << 20);
  check_bytes(memory, 1 << 20, at);
}

static void in_child(void (*body)(int fd), int fd) {
  int status;
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    alarm(30);
    body(fd);
    _exit(0);
  }
  CHECK_EQ(waitpid(pid, &status, 0), pid);
  CHECK_EQ(status, 0);
}

static void child_reads(int fd) {
  daemon_start(); /* its own, as threads are not inherited */
  int before = mount_registrations(&mnt, NULL);
  read_on(fd, 2 << 20);
  CHECK_EQ(mount_registrations(&mnt, NULL), before + 2);
}

static void seeks_and_forks(int fd) {
  CHECK_EQ(lseek(fd, 2 << 20, SEEK_SET), 2 << 20);
  in_child(child_reads, fd);
}

static void test(void) {
  memory = preload_buffer();
  int fd = preload_open(&mnt, "f", O_RDONLY);
  read_on(fd, 0);
  int copy = dup(fd);
  read_on(copy, 1 << 20);
  CHECK_EQ(mount_registrations(&mnt, NULL), 2);
  in_child(child_reads, copy);
  read_on(fd, 3 << 20); /* behind what the child read, through the ring that is still ours */
  CHECK_EQ(mount_registrations(&mnt, NULL), 4);
  in_child(seeks_and_forks, fd);
  read_on(copy, 3 << 20);
  close(fd);
  close(copy);
  free(memory);
}

int main(void) {
  preload_begin(&mnt, "f");
  CHECK_EQ(preload_run(test), 4); /* the children's: a directory forgets nobody */
  return 0;
}
