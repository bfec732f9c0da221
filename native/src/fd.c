/* SPDX-License-Identifier: Apache-2.0
 *
 * Registered descriptors. A registration holds a duplicate of the descriptor, so that the file
 * stays open in the daemon when the caller closes its own; it is entered under both numbers, and
 * the negative duplicate is the handle. Preparing an I/O looks it up without a lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

#define PAGE_FDS 4096u
#define FD_LIMIT_MAX (1u << 30) /* the kernel's own bound */

/* State of an entry: FREE, or REGISTERED + the access mode in the two low bits. */
enum { FREE = 0, REGISTERED = 4 };
_Static_assert((O_ACCMODE & REGISTERED) == 0, "state and access mode share a word");

struct fd_entry {
  _Atomic uint64_t ino;
  int32_t original;
  int32_t duplicate;
  _Atomic int32_t state; /* stored last, with release: the rest belongs to it */
};

struct fd_page {
  struct fd_entry entries[PAGE_FDS];
};

/* Descriptors belong to the process, so this does too. Pages stay: readers hold no lock. */
static pthread_mutex_t fds_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(struct fd_page *) pages[FD_LIMIT_MAX / PAGE_FDS];
static unsigned fd_limit;
static pthread_once_t fds_once = PTHREAD_ONCE_INIT;

static void lock_fds(void) { pthread_mutex_lock(&fds_lock); }
static void unlock_fds(void) { pthread_mutex_unlock(&fds_lock); }

static void init_fds(void) {
  struct rlimit limit = {.rlim_max = RLIM_INFINITY};
  getrlimit(RLIMIT_NOFILE, &limit);
  fd_limit = limit.rlim_max < FD_LIMIT_MAX ? (unsigned)limit.rlim_max : FD_LIMIT_MAX;
  pthread_atfork(lock_fds, unlock_fds, unlock_fds);
}

static bool in_range(int fd) { return fd >= 0 && (unsigned)fd < fd_limit; }

/* The entry of a descriptor in range, or NULL when its page does not exist. */
static struct fd_entry *find_entry(int fd) {
  struct fd_page *page =
      atomic_load_explicit(&pages[(unsigned)fd / PAGE_FDS], memory_order_acquire);
  return page == NULL ? NULL : &page->entries[(unsigned)fd % PAGE_FDS];
}

/* find_entry that makes the page; under the lock. */
static struct fd_entry *make_entry(int fd) {
  struct fd_entry *entry = find_entry(fd);
  if (entry != NULL) {
    return entry;
  }
  struct fd_page *page = calloc(1, sizeof *page);
  if (page == NULL) {
    return NULL;
  }
  atomic_store_explicit(&pages[(unsigned)fd / PAGE_FDS], page, memory_order_release);
  return find_entry(fd);
}

static bool is_free(const struct fd_entry *entry) {
  return atomic_load_explicit(&entry->state, memory_order_relaxed) == FREE;
}

static void enter(struct fd_entry *entry, int original, int duplicate, uint64_t ino, int state) {
  entry->original = original;
  entry->duplicate = duplicate;
  atomic_store_explicit(&entry->ino, ino, memory_order_relaxed);
  atomic_store_explicit(&entry->state, state, memory_order_release);
}

/* Duplicates to a number that no stale registration occupies: the number, or -errno. */
static int duplicate_fd(int fd, struct fd_entry **out) {
  for (int from = 3;;) { /* never a standard stream */
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, from);
    if (copy < 0) {
      return -errno;
    }
    struct fd_entry *entry = in_range(copy) ? make_entry(copy) : NULL;
    if (entry != NULL && is_free(entry)) {
      *out = entry;
      return copy;
    }
    close(copy);
    if (entry == NULL) {
      return -ENOMEM;
    }
    from = copy + 1;
  }
}

/* Registers under the lock: the handle, or a positive errno. */
static int register_locked(int fd, uint64_t ino, int mode) {
  struct fd_entry *entry = make_entry(fd);
  if (entry == NULL) {
    return ENOMEM;
  }
  if (!is_free(entry)) {
    return EINVAL;
  }
  struct fd_entry *copy_entry;
  int copy = duplicate_fd(fd, &copy_entry);
  if (copy < 0) {
    return -copy;
  }
  enter(entry, fd, copy, ino, REGISTERED | mode);
  enter(copy_entry, fd, copy, ino, REGISTERED | mode);
  return -copy;
}

int hf3fs_reg_fd(int fd, uint64_t flags) {
  (void)flags; /* none is defined */
  pthread_once(&fds_once, init_fds);
  if (!in_range(fd) || !hf3fs_is_hf3fs(fd)) {
    return EBADF;
  }
  struct statx st;
  if (statx(fd, "", AT_EMPTY_PATH, STATX_INO, &st) != 0) {
    return errno;
  }
  int mode = fcntl(fd, F_GETFL);
  if (mode < 0) {
    return errno;
  }
  lock_fds();
  int rc = register_locked(fd, st.stx_ino, mode & O_ACCMODE);
  unlock_fds();
  return rc;
}

void hf3fs_dereg_fd(int fd) {
  pthread_once(&fds_once, init_fds);
  int number = fd < 0 ? (fd == INT_MIN ? -1 : -fd) : fd;
  if (!in_range(number)) {
    return;
  }
  lock_fds();
  struct fd_entry *entry = find_entry(number);
  if (entry != NULL && !is_free(entry)) {
    int original = entry->original;
    int duplicate = entry->duplicate;
    atomic_store_explicit(&find_entry(original)->state, FREE, memory_order_relaxed);
    atomic_store_explicit(&find_entry(duplicate)->state, FREE, memory_order_relaxed);
    close(duplicate);
  }
  unlock_fds();
}

int lmp_fd_inode(int fd, bool read, uint64_t *ino) {
  pthread_once(&fds_once, init_fds);
  int number = fd < 0 ? (fd == INT_MIN ? -1 : -fd) : fd;
  if (!in_range(number)) {
    return -EINVAL;
  }
  const struct fd_entry *entry = find_entry(number);
  int state = entry == NULL ? FREE : atomic_load_explicit(&entry->state, memory_order_acquire);
  if (state == FREE) {
    return -EBADF;
  }
  if ((state & O_ACCMODE) == (read ? O_WRONLY : O_RDONLY)) {
    return -EACCES;
  }
  *ino = atomic_load_explicit(&entry->ino, memory_order_relaxed);
  return 0;
}
