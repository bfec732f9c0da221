/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload.h"

/* EMPTY, then CLAIMED by who looks at the device, then FOREIGN or OURS; OURS may become LOST. */
enum { EMPTY, CLAIMED, FOREIGN, OURS, LOST };

/* Devices of regular files that were read, mounts or not: the first come. */
#define DEVICES_MAX 16
static struct pl_mount devices[DEVICES_MAX];

bool pl_mount_usable(const struct pl_mount *mount) {
  return atomic_load_explicit(&mount->state, memory_order_acquire) == OURS;
}

void pl_mount_give_up(struct pl_mount *mount, const char *why, int error) {
  int ours = OURS;
  if (atomic_compare_exchange_strong(&mount->state, &ours, LOST)) {
    pl_log("%s: reads go by the kernel from now on; observed=%s (%s); remedy: see the daemon's log",
           mount->mount_point, why, strerrorname_np(error) == NULL ? "?" : strerrorname_np(error));
  }
}

/* Looks at a device for the first time; whoever comes meanwhile takes it for foreign once. */
static void classify(struct pl_mount *m, int fd) {
  int saved_errno = errno;
  int rc = hf3fs_is_hf3fs(fd) ? pl_find_mount_point(m->major, m->minor, m->mount_point) : -ENOTTY;
  if (rc < 0 && rc != -ENOTTY) {
    pl_log("device %u:%u: reads go by the kernel; observed=no mount point (%s); remedy: make the "
           "mount point visible to this process", m->major, m->minor, strerrorname_np(-rc));
  }
  atomic_store_explicit(&m->state, rc == 0 ? OURS : FOREIGN, memory_order_release);
  errno = saved_errno;
}

struct pl_mount *pl_mount_of(int fd, const struct statx *st) {
  for (int i = 0; i < DEVICES_MAX; i++) {
    struct pl_mount *m = &devices[i];
    int state = atomic_load_explicit(&m->state, memory_order_acquire);
    if (state == EMPTY && atomic_compare_exchange_strong(&m->state, &state, CLAIMED)) {
      m->major = st->stx_dev_major;
      m->minor = st->stx_dev_minor;
      atomic_store_explicit(&m->dir, -1, memory_order_relaxed);
      classify(m, fd);
      state = atomic_load_explicit(&m->state, memory_order_acquire);
    }
    if (state == CLAIMED) {
      return NULL;
    }
    if (m->major == st->stx_dev_major && m->minor == st->stx_dev_minor) {
      return state == OURS ? m : NULL;
    }
  }
  return NULL;
}

/* --- The board of changes ------------------------------------------------------------------------ */

/* A name in /dev/shm: what the link leads to, opened; or -errno. */
static int open_board(const char *mount_point) {
  char link[PATH_MAX];
  char target[PATH_MAX];
  snprintf(link, sizeof link, "%s/" LMP_IOVS_DIR "/changes", mount_point);
  ssize_t n = readlink(link, target, sizeof target - 1);
  if (n < 0) {
    return -errno;
  }
  target[n] = '\0';
  size_t prefix = sizeof LMP_SHM_DIR - 1;
  if (strncmp(target, LMP_SHM_DIR, prefix) != 0 || strchr(target + prefix, '/') != NULL) {
    return -EINVAL;
  }
  int fd = (int)syscall(SYS_openat, AT_FDCWD, target, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
  return fd < 0 ? -errno : fd;
}

int pl_mount_board(struct pl_mount *mount) {
  if (atomic_load_explicit(&mount->board, memory_order_acquire) != NULL) {
    return 0;
  }
  struct stat st;
  int fd = open_board(mount->mount_point);
  if (fd < 0) {
    return fd;
  }
  int rc = fstat(fd, &st) != 0 ? -errno : st.st_size == (off_t)PL_BOARD_BYTES ? 0 : -EINVAL;
  const _Atomic uint32_t *none = NULL;
  void *board = rc < 0 ? MAP_FAILED : mmap(NULL, PL_BOARD_BYTES, PROT_READ, MAP_SHARED, fd, 0);
  if (rc == 0 && board == MAP_FAILED) {
    rc = -errno;
  }
  syscall(SYS_close, fd);
  if (rc == 0 && !atomic_compare_exchange_strong(&mount->board, &none, board)) {
    munmap(board, PL_BOARD_BYTES);
  }
  return rc;
}

uint32_t pl_changes(const struct pl_mount *mount, uint64_t ino) {
  const _Atomic uint32_t *board = atomic_load_explicit(&mount->board, memory_order_relaxed);
  uint64_t word = ino * UINT64_C(0x9e3779b97f4a7c15) >> (64 - PL_BOARD_BITS);
  return atomic_load(&board[word]);
}

/* --- The kept descriptors ---------------------------------------------------------------------- */

static bool inode_of(int fd, uint64_t *ino) {
  struct statx st;
  if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &st) != 0) {
    return false;
  }
  *ino = st.stx_ino;
  return true;
}

void pl_mount_keep(struct pl_mount *mount, int dir) {
  uint64_t ino = 0;
  inode_of(dir, &ino);
  atomic_store_explicit(&mount->dir_ino, ino, memory_order_relaxed);
  atomic_store_explicit(&mount->dir, dir, memory_order_release);
}

bool pl_mount_alive(const struct pl_mount *mount) {
  int dir = atomic_load_explicit(&mount->dir, memory_order_acquire);
  uint64_t ino;
  struct stat st;
  return inode_of(dir, &ino) && ino == atomic_load_explicit(&mount->dir_ino, memory_order_relaxed) &&
         fstat(dir, &st) == 0;
}

int pl_kept_from(int from) {
  int least = -1;
  for (int i = 0; i < DEVICES_MAX; i++) {
    int state = atomic_load_explicit(&devices[i].state, memory_order_acquire);
    int dir = atomic_load_explicit(&devices[i].dir, memory_order_relaxed);
    if (state == OURS && dir >= from && (least < 0 || dir < least) && dir >= 0) {
      least = dir;
    }
  }
  return least;
}

void pl_mounts_forked(void) {
  for (int i = 0; i < DEVICES_MAX; i++) {
    uint64_t ino;
    int dir = atomic_load_explicit(&devices[i].state, memory_order_acquire) == OURS
                  ? atomic_exchange(&devices[i].dir, -1)
                  : -1;
    if (dir >= 0 && inode_of(dir, &ino) && ino == atomic_load(&devices[i].dir_ino)) {
      syscall(SYS_close, dir);
    }
  }
}

void pl_kept_lost(int fd) {
  for (int i = 0; i < DEVICES_MAX; i++) {
    int state = atomic_load_explicit(&devices[i].state, memory_order_acquire);
    if (state == OURS && atomic_load_explicit(&devices[i].dir, memory_order_relaxed) == fd) {
      pl_mount_give_up(&devices[i], "the program uses our descriptor's number", EBADF);
    }
  }
}
