/* SPDX-License-Identifier: Apache-2.0 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload.h"

#define EXPORT __attribute__((visibility("default")))

/* Smaller ones are left to the page cache, which may have them, unless they go past it (O_DIRECT). */
#define READ_MIN_DEFAULT (64u << 10)
/* Files below this are read before a ring is made. */
#define FILE_MIN (2u << 20)
#define VECTORS_MAX 64
/* The kernel moves no more in one call. */
#define LENGTH_MAX 0x7ffff000u
#define FDS 4096

static struct real_calls real;
static size_t read_min = READ_MIN_DEFAULT;

/* Of descriptors; what is stale costs speed, no more. */
enum hint {
  FOREIGN = 1, /* its reads are none of our business */
  CACHED = 2   /* its reads go through the page cache */
};
static _Atomic unsigned char hints[FDS];

static void look_up(void *call, const char *name) {
  void *symbol = dlsym(RTLD_NEXT, name);
  memcpy(call, &symbol, sizeof symbol); /* ISO C has no conversion from an object's pointer */
}

__attribute__((constructor)) static void init(void) {
  int saved_errno = errno;
  look_up(&real.read, "read");
  look_up(&real.pread, "pread");
  look_up(&real.readv, "readv");
  look_up(&real.preadv, "preadv");
  look_up(&real.preadv2, "preadv2");
  look_up(&real.close, "close");
  look_up(&real.close_range, "close_range");
  look_up(&real.dup2, "dup2");
  look_up(&real.dup3, "dup3");
  pl_log_init();
  read_min = (size_t)lmp_setting("LAMPYRIS_PRELOAD_MIN_READ", 1, LENGTH_MAX, READ_MIN_DEFAULT);
  pl_stream_init();
  errno = saved_errno;
}

static bool hinted(int fd, unsigned any) {
  return fd < 0 || (fd < FDS && (atomic_load_explicit(&hints[fd], memory_order_relaxed) & any) != 0);
}

static void hint(int fd, enum hint what) {
  if (fd >= 0 && fd < FDS) {
    atomic_fetch_or_explicit(&hints[fd], (unsigned char)what, memory_order_relaxed);
  }
}

static void forget_hints(int fd) {
  if (fd >= 0 && fd < FDS) {
    atomic_store_explicit(&hints[fd], 0, memory_order_relaxed);
  }
}

/* --- Reads ------------------------------------------------------------------------------------ */

/* The mount that a descriptor's reads may be taken over for, or NULL. */
static struct pl_mount *mount_of(int fd, struct statx *st) {
  if (hinted(fd, FOREIGN)) {
    return NULL;
  }
  /* What the kernel has at hand: this sends the daemon no request. */
  if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO | STATX_SIZE, st) !=
      0) {
    return NULL;
  }
  if (!S_ISREG(st->stx_mode)) {
    hint(fd, FOREIGN);
    return NULL;
  }
  /* None, too, while another thread looks at the device for the first time. */
  struct pl_mount *mount = st->stx_size < FILE_MIN ? NULL : pl_mount_of(fd, st);
  if (mount == NULL) {
    return NULL;
  }
  /* Who opened with O_NONBLOCK asked for the page cache, where mapped pages may be newer. */
  int flags = fcntl(fd, F_GETFL);
  bool readable = (flags & O_ACCMODE) == O_RDONLY || (flags & O_ACCMODE) == O_RDWR;
  return flags >= 0 && readable && (flags & (O_NONBLOCK | O_PATH)) == 0 ? mount : NULL;
}

/* The sum of the lengths, or 0 for what the kernel is to judge. */
static size_t total(const struct iovec *iov, int count) {
  size_t sum = 0;
  for (int i = 0; i < count; i++) {
    if (iov[i].iov_len > LENGTH_MAX) {
      return 0;
    }
    sum += iov[i].iov_len;
  }
  return sum > LENGTH_MAX ? LENGTH_MAX : sum;
}

/* Somebody else moved the offset while we read: what is ours now ends where we left it (P3). */
static ssize_t read_again(int fd, const struct iovec *iov, int count, size_t n, off_t end) {
  struct iovec mine[VECTORS_MAX];
  size_t left = n;
  int used = 0;
  for (; used < count && left > 0; used++) {
    mine[used] = iov[used];
    mine[used].iov_len = mine[used].iov_len < left ? mine[used].iov_len : left;
    left -= mine[used].iov_len;
  }
  ssize_t got = real.preadv(fd, mine, used, end - (off_t)n);
  int saved_errno = errno;
  if (got != (ssize_t)n) {
    lseek(fd, -(off_t)(n - (size_t)(got < 0 ? 0 : got)), SEEK_CUR);
  }
  errno = saved_errno;
  return got;
}

/* Whether reads of a descriptor go past the page cache. */
static bool is_direct(int fd) {
  if (hinted(fd, FOREIGN | CACHED)) {
    return false;
  }
  int saved_errno = errno;
  int flags = fcntl(fd, F_GETFL);
  errno = saved_errno;
  if (flags >= 0 && (flags & O_DIRECT) != 0) {
    return true;
  }
  hint(fd, CACHED);
  return false;
}

/* Reads at an offset, or where the descriptor stands when it is negative. PL_KERNEL: not done. */
static ssize_t take_over(int fd, const struct iovec *iov, int count, size_t length, off_t offset) {
  struct statx st;
  if (length == 0 || real.preadv == NULL || (length < read_min && !is_direct(fd))) {
    return PL_KERNEL;
  }
  int saved_errno = errno;
  struct pl_mount *mount = mount_of(fd, &st);
  bool moves = offset < 0;
  off_t at = mount == NULL ? 0 : moves ? lseek(fd, 0, SEEK_CUR) : offset;
  ssize_t n = PL_KERNEL;
  if (mount != NULL && at >= 0 && at <= LLONG_MAX / 2 - (off_t)length) {
    n = pl_read(mount, &st, iov, count, length, (uint64_t)at);
  }
  errno = saved_errno;
  if (n == -EFAULT) {
    errno = EFAULT;
    return -1;
  }
  if (n <= 0) {
    return PL_KERNEL; /* the end of the file, too: the kernel says so */
  }
  off_t end = moves ? lseek(fd, n, SEEK_CUR) : 0;
  if (moves && end != at + n) {
    return end < 0 ? PL_KERNEL : read_again(fd, iov, count, (size_t)n, end);
  }
  pl_count((size_t)n);
  return n;
}

static ssize_t take_over_one(int fd, void *buf, size_t count, off_t offset) {
  struct iovec one = {.iov_base = buf, .iov_len = count};
  return take_over(fd, &one, 1, count > LENGTH_MAX ? 0 : count, offset);
}

static ssize_t take_over_many(int fd, const struct iovec *iov, int count, off_t offset) {
  bool possible = iov != NULL && count > 0 && count <= VECTORS_MAX;
  return possible ? take_over(fd, iov, count, total(iov, count), offset) : PL_KERNEL;
}

EXPORT ssize_t read(int fd, void *buf, size_t count) {
  ssize_t n = take_over_one(fd, buf, count, -1);
  if (n != PL_KERNEL) {
    return n;
  }
  return real.read != NULL ? real.read(fd, buf, count) : syscall(SYS_read, fd, buf, count);
}

EXPORT ssize_t pread(int fd, void *buf, size_t count, off_t offset) {
  ssize_t n = offset < 0 ? PL_KERNEL : take_over_one(fd, buf, count, offset);
  if (n != PL_KERNEL) {
    return n;
  }
  return real.pread != NULL ? real.pread(fd, buf, count, offset)
                            : syscall(SYS_pread64, fd, buf, count, offset);
}

EXPORT ssize_t readv(int fd, const struct iovec *iov, int count) {
  ssize_t n = take_over_many(fd, iov, count, -1);
  if (n != PL_KERNEL) {
    return n;
  }
  return real.readv != NULL ? real.readv(fd, iov, count) : syscall(SYS_readv, fd, iov, count);
}

EXPORT ssize_t preadv(int fd, const struct iovec *iov, int count, off_t offset) {
  ssize_t n = offset < 0 ? PL_KERNEL : take_over_many(fd, iov, count, offset);
  if (n != PL_KERNEL) {
    return n;
  }
  return real.preadv != NULL ? real.preadv(fd, iov, count, offset)
                             : syscall(SYS_preadv, fd, iov, count, offset, 0L);
}

/* An offset of -1 is the descriptor's own. */
EXPORT ssize_t preadv2(int fd, const struct iovec *iov, int count, off_t offset, int flags) {
  ssize_t n = flags != 0 || offset < -1 ? PL_KERNEL : take_over_many(fd, iov, count, offset);
  if (n != PL_KERNEL) {
    return n;
  }
  return real.preadv2 != NULL ? real.preadv2(fd, iov, count, offset, flags)
                              : syscall(SYS_preadv2, fd, iov, count, offset, 0L, flags);
}

/* The names with 64 are the same calls here, and what _FORTIFY_SOURCE calls checks a size first. */
EXPORT ssize_t pread64(int fd, void *buf, size_t count, off64_t offset) __attribute__((alias("pread")));
EXPORT ssize_t preadv64(int fd, const struct iovec *iov, int count, off64_t offset)
    __attribute__((alias("preadv")));
EXPORT ssize_t preadv64v2(int fd, const struct iovec *iov, int count, off64_t offset, int flags)
    __attribute__((alias("preadv2")));

extern void __chk_fail(void) __attribute__((noreturn));
EXPORT ssize_t __read_chk(int fd, void *buf, size_t count, size_t size);
EXPORT ssize_t __pread_chk(int fd, void *buf, size_t count, off_t offset, size_t size);
EXPORT ssize_t __pread64_chk(int fd, void *buf, size_t count, off64_t offset, size_t size)
    __attribute__((alias("__pread_chk")));

EXPORT ssize_t __read_chk(int fd, void *buf, size_t count, size_t size) {
  if (count > size) {
    __chk_fail();
  }
  return read(fd, buf, count);
}

EXPORT ssize_t __pread_chk(int fd, void *buf, size_t count, off_t offset, size_t size) {
  if (count > size) {
    __chk_fail();
  }
  return pread(fd, buf, count, offset);
}

/* --- Descriptors: what a number meant is over, and the one we keep stays ours --------------------- */

EXPORT int close(int fd) {
  if (fd >= 0 && fd == pl_kept_from(fd)) {
    errno = EBADF; /* the program never opened it */
    return -1;
  }
  forget_hints(fd);
  return real.close != NULL ? real.close(fd) : (int)syscall(SYS_close, fd);
}

static int close_some(unsigned first, unsigned last, int flags) {
  return real.close_range != NULL ? real.close_range(first, last, flags)
                                  : (int)syscall(SYS_close_range, first, last, flags);
}

EXPORT int close_range(unsigned first, unsigned last, int flags) {
  for (unsigned fd = first; fd < FDS && fd <= last; fd++) {
    forget_hints((int)fd);
  }
  for (;;) {
    int kept = first > INT_MAX ? -1 : pl_kept_from((int)first);
    if (kept < 0 || (unsigned)kept > last) {
      return close_some(first, last, flags);
    }
    if ((unsigned)kept > first && close_some(first, (unsigned)kept - 1, flags) != 0) {
      return -1;
    }
    if ((unsigned)kept == last) {
      return 0;
    }
    first = (unsigned)kept + 1;
  }
}

EXPORT void closefrom(int lowest) { close_range(lowest < 0 ? 0 : (unsigned)lowest, ~0u, 0); }

static void replaced(int from, int to) {
  if (to >= 0 && from != to) {
    if (to == pl_kept_from(to)) {
      pl_kept_lost(to);
    }
    forget_hints(to);
  }
}

EXPORT int dup2(int from, int to) {
  replaced(from, to);
  return real.dup2 != NULL ? real.dup2(from, to) : (int)syscall(SYS_dup2, from, to);
}

EXPORT int dup3(int from, int to, int flags) {
  replaced(from, to);
  return real.dup3 != NULL ? real.dup3(from, to, flags) : (int)syscall(SYS_dup3, from, to, flags);
}
