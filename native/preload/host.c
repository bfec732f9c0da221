/* SPDX-License-Identifier: Apache-2.0
 *
 * What the C library would do with locks, done without: a read may happen in a signal handler that
 * interrupted malloc. The linker sends the library's calls here (Makefile: PRELOAD_WRAPPED).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload.h"

/* --- Log --------------------------------------------------------------------------------------- */

static const char *log_path;
static _Atomic uint64_t served_reads;
static _Atomic uint64_t served_bytes;

void pl_log_init(void) { log_path = getenv("LAMPYRIS_PRELOAD_LOG"); }

static void put_line(const char *format, va_list args) {
  char line[512];
  int saved_errno = errno;
  int n = snprintf(line, sizeof line - 1, "lampyris-preload[%d]: ", (int)getpid());
  n += vsnprintf(line + n, sizeof line - 1 - (size_t)n, format, args);
  n = n > (int)sizeof line - 2 ? (int)sizeof line - 2 : n;
  line[n] = '\n';
  int fd = (int)syscall(SYS_openat, AT_FDCWD, log_path,
                        O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0644);
  if (fd >= 0) {
    (void)!write(fd, line, (size_t)n + 1);
    syscall(SYS_close, fd);
  }
  errno = saved_errno;
}

void pl_log(const char *format, ...) {
  if (log_path != NULL && *log_path != '\0') {
    va_list args;
    va_start(args, format);
    put_line(format, args);
    va_end(args);
  }
}

/* The library's messages: a program's own stderr is not ours to write to. */
void lmp_log(enum lmp_level level, const char *format, ...) {
  if (level >= LMP_WARN && log_path != NULL && *log_path != '\0') {
    va_list args;
    va_start(args, format);
    put_line(format, args);
    va_end(args);
  }
}

void pl_count(size_t bytes) {
  atomic_fetch_add_explicit(&served_reads, 1, memory_order_relaxed);
  atomic_fetch_add_explicit(&served_bytes, bytes, memory_order_relaxed);
}

__attribute__((destructor)) static void report(void) {
  uint64_t reads = atomic_load_explicit(&served_reads, memory_order_relaxed);
  if (reads > 0) {
    pl_log("reads=%llu bytes=%llu through rings", (unsigned long long)reads,
           (unsigned long long)atomic_load_explicit(&served_bytes, memory_order_relaxed));
  }
}

/* --- Memory: a few objects per ring, each a mapping of its own ------------------------------------ */

#define HEADER 16u

void *__wrap_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void __wrap_free(void *p);

void *__wrap_calloc(size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - HEADER) {
    errno = ENOMEM;
    return NULL;
  }
  bytes += HEADER;
  uint8_t *base =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) {
    return NULL;
  }
  memcpy(base, &bytes, sizeof bytes);
  return base + HEADER;
}

void *__wrap_malloc(size_t size) { return __wrap_calloc(1, size); }

void __wrap_free(void *p) {
  if (p != NULL) {
    uint8_t *base = (uint8_t *)p - HEADER;
    size_t bytes;
    memcpy(&bytes, base, sizeof bytes);
    munmap(base, bytes);
  }
}

/* --- Semaphores and descriptors ------------------------------------------------------------------- */

sem_t *__wrap_sem_open(const char *name, int flags);
int __wrap_sem_close(sem_t *sem);
int __wrap_open(const char *path, int flags);

sem_t *__wrap_sem_open(const char *name, int flags) {
  char path[PATH_MAX];
  (void)flags; /* one that exists */
  snprintf(path, sizeof path, LMP_SHM_DIR "sem.%s", name + 1);
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0);
  if (fd < 0) {
    return SEM_FAILED;
  }
  void *base = mmap(NULL, sizeof(sem_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  int saved_errno = errno;
  syscall(SYS_close, fd);
  errno = saved_errno;
  return base == MAP_FAILED ? SEM_FAILED : base;
}

int __wrap_sem_close(sem_t *sem) { return munmap(sem, sizeof *sem); }

/* The directory that stays open gets a number out of the way of programs that count on low ones. */
int __wrap_open(const char *path, int flags) {
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0);
  struct rlimit limit;
  if (fd < 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return fd;
  }
  int from = limit.rlim_cur < 1024 ? (int)limit.rlim_cur - 32 : 1024 - 32;
  int high = from > fd ? fcntl(fd, F_DUPFD_CLOEXEC, from) : -1;
  if (high < 0) {
    return fd;
  }
  syscall(SYS_close, fd);
  return high;
}
