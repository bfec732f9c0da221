/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* --- A directory that looks like a mount ----------------------------------------------------- */

static struct fake_mount *cleanups[8];
static int cleanup_count;
static pid_t cleanup_pid;

static void remove_tree(const char *path) {
  DIR *dir = opendir(path);
  if (dir == NULL) {
    return;
  }
  for (struct dirent *e; (e = readdir(dir)) != NULL;) {
    char child[PATH_MAX];
    struct stat st;
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) {
      continue;
    }
    snprintf(child, sizeof child, "%s/%s", path, e->d_name);
    if (lstat(child, &st) == 0 && S_ISDIR(st.st_mode)) {
      remove_tree(child);
    } else {
      unlink(child);
    }
  }
  closedir(dir);
  rmdir(path);
}

static void clean_up(void) {
  if (getpid() != cleanup_pid) {
    return;
  }
  for (int i = 0; i < cleanup_count; i++) {
    remove_tree(cleanups[i]->path);
    for (int p = 0; p < 3; p++) {
      sem_unlink(cleanups[i]->sem_names[p]);
    }
  }
}

void mount_make(struct fake_mount *m) {
  static const char *const links[3] = {"submit-ios.ph", "submit-ios", "submit-ios.pl"};
  char path[128];
  snprintf(m->path, sizeof m->path, "/tmp/lmp-native-XXXXXX");
  CHECK(mkdtemp(m->path) != NULL);
  char unique[7];
  memcpy(unique, m->path + strlen(m->path) - 6, sizeof unique);
  snprintf(path, sizeof path, "%s/3fs-virt", m->path);
  CHECK_EQ(mkdir(path, 0755), 0);
  snprintf(m->iovs, sizeof m->iovs, "%s/3fs-virt/iovs", m->path);
  CHECK_EQ(mkdir(m->iovs, 0755), 0);
  for (int p = 0; p < 3; p++) {
    char target[128];
    snprintf(m->sem_names[p], sizeof m->sem_names[p], "/lmp-test-%d-%d-%s", (int)getpid(), p,
             unique);
    sem_t *sem = sem_open(m->sem_names[p], O_CREAT | O_EXCL, 0600, 0);
    CHECK(sem != SEM_FAILED);
    sem_close(sem);
    snprintf(path, sizeof path, "%s/%s", m->iovs, links[p]);
    snprintf(target, sizeof target, "/dev/shm/sem.%s", m->sem_names[p] + 1);
    CHECK_EQ(symlink(target, path), 0);
  }
  if (cleanup_count == 0) {
    cleanup_pid = getpid();
    atexit(clean_up);
  }
  cleanups[cleanup_count++] = m;
}

int mount_submits(const struct fake_mount *m, int priority) {
  sem_t *sem = sem_open(m->sem_names[priority < 0 ? 0 : priority == 0 ? 1 : 2], 0);
  CHECK(sem != SEM_FAILED);
  int value;
  sem_getvalue(sem, &value);
  sem_close(sem);
  return value;
}

int mount_registrations(const struct fake_mount *m, char key[256]) {
  DIR *dir = opendir(m->iovs);
  CHECK(dir != NULL);
  int count = 0;
  for (struct dirent *e; (e = readdir(dir)) != NULL;) {
    if (e->d_name[0] == '.' || strncmp(e->d_name, "submit-ios", 10) == 0 ||
        strcmp(e->d_name, "changes") == 0) {
      continue;
    }
    count++;
    if (key != NULL) {
      snprintf(key, 256, "%s", e->d_name);
    }
  }
  closedir(dir);
  return count;
}

/* --- Wrapped calls ---------------------------------------------------------------------------- */

_Atomic int fail_symlinkat;
_Atomic int fail_fallocate;
char last_shm_name[128];
int (*on_register)(const char *target, const char *key);
void (*on_deregister)(const char *key);
int (*on_ioctl)(int fd, unsigned long request, const void *arg);
static dev_t mount_dev;

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __real_symlinkat(const char *target, int dir, const char *name);
int __wrap_symlinkat(const char *target, int dir, const char *name);
int __wrap_symlink(const char *target, const char *path);
int __real_unlinkat(int dir, const char *name, int flags);
int __wrap_unlinkat(int dir, const char *name, int flags);
int __real_shm_open(const char *name, int flags, mode_t mode);
int __wrap_shm_open(const char *name, int flags, mode_t mode);
int __real_posix_fallocate(int fd, off_t offset, off_t length);
int __wrap_posix_fallocate(int fd, off_t offset, off_t length);

int mount_file(const struct fake_mount *m, const char *name, int open_flags) {
  char path[128];
  struct stat st;
  snprintf(path, sizeof path, "%s/%s", m->path, name);
  int fd = open(path, open_flags | O_CLOEXEC, 0600);
  CHECK(fd >= 0);
  CHECK_EQ(fstat(fd, &st), 0);
  mount_dev = st.st_dev;
  return fd;
}

/* Regular files next to those of mount_file answer the magic number; nothing else does. */
int __wrap_ioctl(int fd, unsigned long request, ...) {
  va_list args;
  va_start(args, request);
  void *arg = va_arg(args, void *);
  va_end(args);
  struct stat st;
  if (request == _IOR('h', 2, uint32_t) && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
      st.st_dev == mount_dev) {
    *(uint32_t *)arg = HF3FS_SUPER_MAGIC;
    return 0;
  }
  if (on_ioctl != NULL) {
    errno = on_ioctl(fd, request, arg);
    return errno == 0 ? 0 : -1;
  }
  return __real_ioctl(fd, request, arg);
}

int __wrap_symlinkat(const char *target, int dir, const char *name) {
  int error = atomic_exchange(&fail_symlinkat, 0);
  if (error == 0 && on_register != NULL) {
    error = on_register(target, name);
  }
  if (error != 0) {
    errno = error;
    return -1;
  }
  return __real_symlinkat(target, dir, name);
}

int __wrap_symlink(const char *target, const char *path) {
  return __wrap_symlinkat(target, AT_FDCWD, path);
}

int __wrap_unlinkat(int dir, const char *name, int flags) {
  if (on_deregister != NULL) {
    on_deregister(name);
  }
  return __real_unlinkat(dir, name, flags);
}

int __wrap_shm_open(const char *name, int flags, mode_t mode) {
  snprintf(last_shm_name, sizeof last_shm_name, "%s", name);
  return __real_shm_open(name, flags, mode);
}

int __wrap_posix_fallocate(int fd, off_t offset, off_t length) {
  int error = atomic_exchange(&fail_fallocate, 0);
  return error != 0 ? error : __real_posix_fallocate(fd, offset, length);
}

/* --- Time -------------------------------------------------------------------------------------- */

struct timespec in_ms(int ms) {
  struct timespec ts;
  clock_gettime(CLOCK_REALTIME, &ts);
  int64_t ns = ts.tv_nsec + INT64_C(1000000) * ms;
  ts.tv_sec += ns / 1000000000;
  ts.tv_nsec = ns % 1000000000;
  if (ts.tv_nsec < 0) {
    ts.tv_nsec += 1000000000;
    ts.tv_sec--;
  }
  return ts;
}

int64_t monotonic_ms(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

/* --- Ring server. Offsets are written out here on purpose: a second reading of the layout. ----- */

static _Atomic int32_t *word(const struct ring_server *s, int at) {
  return (_Atomic int32_t *)(void *)(s->base + at);
}
static uint8_t *args_at(const struct ring_server *s, int32_t i) { return s->base + 16 + 56 * i; }
static uint8_t *cqe_at(const struct ring_server *s, int32_t i) {
  return s->base + 16 + 56 * s->slots + 24 * i;
}
static uint8_t *sqe_at(const struct ring_server *s, int32_t i) {
  return s->base + 16 + 80 * s->slots + 16 * i;
}
static sem_t *semaphore_at(uint8_t *base, int32_t slots) {
  return (sem_t *)(void *)(base + 16 + 96 * slots);
}

uint64_t u64(const uint8_t *p) {
  uint64_t x;
  memcpy(&x, p, 8);
  return x;
}

static int64_t default_io(const struct ring_server *s, const uint8_t *args) {
  struct stat st;
  uint64_t offset = u64(args + 16);
  uint64_t length = u64(args + 40);
  if (memcmp(args, s->iov->id, 16) != 0 || offset + length > s->iov->size) {
    return -EINVAL;
  }
  if (fstat(s->fd, &st) != 0 || st.st_ino != u64(args + 24)) {
    return -ENOENT;
  }
  uint8_t *memory = s->iov->base + offset;
  off_t at = (off_t)u64(args + 32);
  ssize_t n = s->for_read ? pread(s->fd, memory, length, at) : pwrite(s->fd, memory, length, at);
  return n < 0 ? -errno : n;
}

static int32_t count_of(int32_t head, int32_t tail, int32_t slots) {
  return head >= tail ? head - tail : head - tail + slots;
}

_Atomic int64_t bytes_served;

static void serve_batch(struct ring_server *s, int32_t tail, int32_t count) {
  for (int32_t k = 0; k < count; k++) {
    int32_t place = atomic_load(&s->shuffled) ? count - 1 - k : k;
    const uint8_t *sqe = sqe_at(s, (tail + place) % s->slots);
    int32_t index;
    memcpy(&index, sqe, 4);
    const uint8_t *args = args_at(s, index);
    CHECK(memcmp(args + 48, sqe + 8, 8) == 0);
    int64_t result = s->io(s, args);
    atomic_fetch_add(&bytes_served, result > 0 ? result : 0);
    int32_t head = atomic_load(word(s, 8));
    uint8_t *cqe = cqe_at(s, head);
    memset(cqe, 0, 24);
    memcpy(cqe, &index, 4);
    memcpy(cqe + 8, &result, 8);
    memcpy(cqe + 16, sqe + 8, 8);
    atomic_store(word(s, 8), (head + 1) % s->slots);
  }
  atomic_store(word(s, 4), (tail + count) % s->slots);
  atomic_fetch_add(&s->served, count);
  sem_post(semaphore_at(s->base, s->slots));
}

/* How many to serve now: at least batch_min, at most batch_max, no more than completions fit. */
static int32_t next_batch(const struct ring_server *s, int32_t tail) {
  int32_t ready = count_of(atomic_load(word(s, 0)), tail, s->slots);
  int32_t unreaped = count_of(atomic_load(word(s, 8)), atomic_load(word(s, 12)), s->slots);
  int32_t room = s->slots - 1 - unreaped;
  if (atomic_load(&s->paused) || ready < atomic_load(&s->batch_min)) {
    return 0;
  }
  int32_t batch = s->batch_max > 0 && ready > s->batch_max ? s->batch_max : ready;
  return batch < room ? batch : atomic_load(&s->batch_min) > room ? 0 : room;
}

static void *serve(void *arg) {
  struct ring_server *s = arg;
  while (!atomic_load(&s->stop)) {
    int32_t tail = atomic_load(word(s, 4));
    int32_t batch = next_batch(s, tail);
    if (batch > 0) {
      serve_batch(s, tail, batch);
    } else {
      sched_yield();
    }
  }
  return NULL;
}

void server_init_semaphore(struct ring_server *s) {
  CHECK_EQ(sem_init(semaphore_at(s->base, s->slots), 1, 0), 0);
}

void ring_init_semaphore(const struct hf3fs_ior *ior, int entries) {
  CHECK_EQ(sem_init(semaphore_at(ior->iov.base, entries + 1), 1, 0), 0);
}

void server_run(struct ring_server *s) {
  CHECK_EQ(pthread_create(&s->thread, NULL, serve, s), 0);
}

void server_start(struct ring_server *s, const struct hf3fs_ior *ior, int entries,
                  const struct hf3fs_iov *iov) {
  s->base = ior->iov.base;
  s->slots = entries + 1;
  s->for_read = ior->for_read;
  s->io = default_io;
  s->iov = iov;
  server_init_semaphore(s);
  server_run(s);
}

void server_stop(struct ring_server *s) {
  atomic_store(&s->stop, true);
  pthread_join(s->thread, NULL);
}
