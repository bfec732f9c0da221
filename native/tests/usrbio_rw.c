/* SPDX-License-Identifier: Apache-2.0
 *
 * usrbio_rw MOUNT DIR [--seed N]: end to end on a real mount, by the public header alone.
 *
 * Writes and reads through rings of several sizes and compares with what write(2) and pread(2) on
 * the mount see. Prints "ok CASE" or "FAILED CASE: why" for each case, then "N passed, N failed".
 * Exit codes: 0 all passed, 1 some failed, 2 wrong usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hf3fs_usrbio.h"

#define KIB ((size_t)1024)
#define MIB (KIB * KIB)
#define IOV_BYTES (64 * MIB)
#define WAIT_SECONDS_MAX 60

static const char *mount_point;
static const char *directory;
static uint64_t seed;
static uint64_t random_state;
static int passed;
static int failed;

static struct hf3fs_iov iov;
static uint8_t *model; /* what the file should hold; IOV_BYTES */
static uint8_t *seen;  /* what pread shows */

/* What a case opened; torn down after it, also when it failed half-way. */
#define OPEN_MAX 16
static int fds[OPEN_MAX];
static int fd_count;
static struct hf3fs_ior rings[OPEN_MAX];
static int ring_count;
static struct hf3fs_iov own_iov; /* of a case that needs another than iov */
static jmp_buf end_of_case;
static char reason[512];

/* --- Cases and checks -------------------------------------------------------------------------- */

static void give_up(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void give_up(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(reason, sizeof reason, format, args);
  va_end(args);
  longjmp(end_of_case, 1);
}

#define EXPECT(observed, expected)                                                      \
  do {                                                                                  \
    long long observed_ = (long long)(observed);                                        \
    long long expected_ = (long long)(expected);                                        \
    if (observed_ != expected_) {                                                       \
      give_up("line %d: %s; observed=%lld, expected=%lld", __LINE__, #observed, observed_, \
              expected_);                                                               \
    }                                                                                   \
  } while (0)

#define REQUIRE(condition)                                                                  \
  do {                                                                                      \
    if (!(condition)) {                                                                     \
      give_up("line %d: not so: %s; errno=%s", __LINE__, #condition, strerror(errno));      \
    }                                                                                       \
  } while (0)

static void tear_down(void) {
  if (own_iov.iovh != NULL) {
    hf3fs_iovdestroy(&own_iov);
  }
  while (ring_count > 0) {
    hf3fs_iordestroy(&rings[--ring_count]);
  }
  while (fd_count > 0) {
    int fd = fds[--fd_count];
    hf3fs_dereg_fd(fd);
    close(fd);
  }
}

static void run_case(void (*body)(const void *), const void *arg, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void run_case(void (*body)(const void *), const void *arg, const char *format, ...) {
  char name[256];
  va_list args;
  va_start(args, format);
  vsnprintf(name, sizeof name, format, args);
  va_end(args);
  if (setjmp(end_of_case) == 0) {
    body(arg);
    passed++;
    printf("ok %s\n", name);
  } else {
    failed++;
    printf("FAILED %s: %s\n", name, reason);
  }
  fflush(stdout);
  tear_down();
}

/* --- Random content ------------------------------------------------------------------------------ */

/* SplitMix64: a counter stepped by the golden ratio, mixed. */
static uint64_t next_random(void) {
  uint64_t z = random_state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static size_t below(size_t limit) { return (size_t)(next_random() % limit); }

static void fill(uint8_t *p, size_t n) {
  while (n > 0) {
    uint64_t word = next_random();
    size_t k = n < sizeof word ? n : sizeof word;
    memcpy(p, &word, k);
    p += k;
    n -= k;
  }
}

/* --- Files --------------------------------------------------------------------------------------- */

static void path_of(char path[PATH_MAX], const char *name) {
  snprintf(path, PATH_MAX, "%s/usrbio_rw.%s", directory, name);
}

static int open_at(const char *name, int flags) {
  char path[PATH_MAX];
  path_of(path, name);
  int fd = open(path, flags | O_CLOEXEC, 0644);
  REQUIRE(fd >= 0);
  fds[fd_count++] = fd;
  return fd;
}

static int open_registered(const char *name, int flags) {
  int fd = open_at(name, flags);
  EXPECT(hf3fs_reg_fd(fd, 0) <= 0, true);
  return fd;
}

static int fresh(const char *name) {
  return open_registered(name, O_RDWR | O_CREAT | O_TRUNC);
}

/* pread until the end of the file or n bytes. */
static size_t pread_all(int fd, uint8_t *p, size_t n, size_t offset) {
  size_t done = 0;
  while (done < n) {
    ssize_t k = pread(fd, p + done, n - done, (off_t)(offset + done));
    REQUIRE(k >= 0);
    if (k == 0) {
      break;
    }
    done += (size_t)k;
  }
  return done;
}

static void pwrite_all(int fd, const uint8_t *p, size_t n, size_t offset) {
  size_t done = 0;
  while (done < n) {
    ssize_t k = pwrite(fd, p + done, n - done, (off_t)(offset + done));
    REQUIRE(k > 0);
    done += (size_t)k;
  }
}

static void same(const uint8_t *observed, const uint8_t *expected, size_t n, size_t offset,
                 const char *what) {
  if (memcmp(observed, expected, n) == 0) {
    return;
  }
  size_t i = 0;
  while (observed[i] == expected[i]) {
    i++;
  }
  give_up("%s differs at byte %zu; observed=0x%02x, expected=0x%02x", what, offset + i, observed[i],
          expected[i]);
}

/* pread shows the model, to its end and not further. */
static void fuse_shows(int fd, size_t bytes) {
  EXPECT(pread_all(fd, seen, bytes, 0), bytes);
  same(seen, model, bytes, 0, "what pread shows");
  uint8_t beyond;
  EXPECT(pread(fd, &beyond, 1, (off_t)bytes), 0);
}

/* --- Rings --------------------------------------------------------------------------------------- */

static struct hf3fs_ior *ring(int entries, bool for_read) {
  struct hf3fs_ior *ior = &rings[ring_count];
  EXPECT(hf3fs_iorcreate(ior, mount_point, entries, for_read, 0, -1), 0);
  ring_count++;
  EXPECT(hf3fs_io_entries(ior), entries);
  return ior;
}

struct io {
  size_t at; /* in the iov */
  size_t offset;
  size_t length;
  int64_t expected;
};

static int reap(struct hf3fs_ior *ior, struct hf3fs_cqe *cqes, int max, int min) {
  struct timespec limit;
  clock_gettime(CLOCK_REALTIME, &limit);
  limit.tv_sec += WAIT_SECONDS_MAX;
  int n = hf3fs_wait_for_ios(ior, cqes, max, min, &limit);
  if (n < min) {
    give_up("wait for %d completions gave %d within %d s", min, n, WAIT_SECONDS_MAX);
  }
  return n;
}

static size_t check_completions(const struct hf3fs_cqe *cqes, int n, struct io *ios) {
  for (int i = 0; i < n; i++) {
    const struct io *io = cqes[i].userdata;
    if (cqes[i].result != io->expected) {
      give_up("I/O %td of %zu bytes at %zu; observed=%lld, expected=%lld", io - ios, io->length,
              io->offset, (long long)cqes[i].result, (long long)io->expected);
    }
  }
  return (size_t)n;
}

/* Prepares; a ring that is still full a moment after its completions were reaped is no error. */
static int prep(struct hf3fs_ior *ior, const struct hf3fs_iov *buffer, size_t at, int fd,
                size_t offset, size_t length, const void *userdata) {
  time_t end = time(NULL) + WAIT_SECONDS_MAX;
  for (;;) {
    int rc = hf3fs_prep_io(ior, buffer, ior->for_read, buffer->base + at, fd, offset, length,
                           userdata);
    if (rc >= 0) {
      return rc;
    }
    if (rc != -EAGAIN || time(NULL) > end) {
      give_up("prep_io of %zu bytes at %zu; observed=%s", length, offset, strerror(-rc));
    }
    sched_yield();
  }
}

/* Does all of them, as many at a time as the ring takes. */
static void do_ios(struct hf3fs_ior *ior, int fd, struct io *ios, size_t count) {
  struct hf3fs_cqe cqes[64];
  size_t done = 0;
  for (size_t next = 0; next < count;) {
    struct io *io = &ios[next];
    int rc = hf3fs_prep_io(ior, &iov, ior->for_read, iov.base + io->at, fd, io->offset, io->length,
                           io);
    if (rc >= 0) {
      next++;
      continue;
    }
    EXPECT(rc, -EAGAIN);
    if (done == next) {
      prep(ior, &iov, io->at, fd, io->offset, io->length, io);
      next++;
      continue;
    }
    EXPECT(hf3fs_submit_ios(ior), 0);
    done += check_completions(cqes, reap(ior, cqes, 64, 1), ios);
  }
  EXPECT(hf3fs_submit_ios(ior), 0);
  while (done < count) {
    done += check_completions(cqes, reap(ior, cqes, 64, 1), ios);
  }
  EXPECT(hf3fs_wait_for_ios(ior, cqes, 64, 0, NULL), 0);
}

static int64_t do_one(struct hf3fs_ior *ior, int fd, size_t at, size_t offset, size_t length) {
  struct hf3fs_cqe cqe = {.index = -1};
  int index = prep(ior, &iov, at, fd, offset, length, &cqe);
  EXPECT(hf3fs_submit_ios(ior), 0);
  EXPECT(reap(ior, &cqe, 1, 1), 1);
  EXPECT(cqe.index, index);
  REQUIRE(cqe.userdata == &cqe);
  return cqe.result;
}

/* --- Whole files, block by block ------------------------------------------------------------------ */

struct shape {
  int entries;
  size_t block;
  size_t count;
};

static struct io *blocks_of(const struct shape *s) {
  static struct io ios[1024];
  for (size_t i = 0; i < s->count; i++) {
    ios[i] = (struct io){.at = i * s->block,
                         .offset = i * s->block,
                         .length = s->block,
                         .expected = (int64_t)s->block};
  }
  return ios;
}

static void whatTheRingWritesFuseAndRingRead(const void *arg) {
  const struct shape *s = arg;
  size_t bytes = s->block * s->count;
  int fd = fresh("blocks");
  fill(model, bytes);
  memcpy(iov.base, model, bytes);
  do_ios(ring(s->entries, false), fd, blocks_of(s), s->count);
  fuse_shows(fd, bytes);
  memset(iov.base, 0x5a, bytes);
  do_ios(ring(s->entries, true), fd, blocks_of(s), s->count);
  same(iov.base, model, bytes, 0, "what the ring reads");
}

static void whatFuseWritesTheRingReads(const void *arg) {
  const struct shape *s = arg;
  size_t bytes = s->block * s->count;
  int fd = fresh("blocks");
  fill(model, bytes);
  pwrite_all(fd, model, bytes, 0);
  EXPECT(fsync(fd), 0);
  memset(iov.base, 0x5a, bytes);
  do_ios(ring(s->entries, true), fd, blocks_of(s), s->count);
  same(iov.base, model, bytes, 0, "what the ring reads");
}

/* --- Odd offsets and lengths ---------------------------------------------------------------------- */

/* Cuts 0 .. total into pieces of random length, in random order. */
static size_t cut(struct io *ios, size_t max, size_t total) {
  size_t count = 0;
  for (size_t at = 0; at < total; count++) {
    size_t length = count + 1 == max ? total - at : 1 + below(2 * total / max);
    length = length < total - at ? length : total - at;
    ios[count] =
        (struct io){.at = at, .offset = at, .length = length, .expected = (int64_t)length};
    at += length;
  }
  for (size_t i = count; i > 1; i--) {
    size_t j = below(i);
    struct io swap = ios[i - 1];
    ios[i - 1] = ios[j];
    ios[j] = swap;
  }
  return count;
}

static void unalignedPiecesInAnyOrder(const void *arg) {
  static struct io ios[300];
  int entries = *(const int *)arg;
  size_t total = 7 * MIB + 1 + below(MIB);
  int fd = fresh("unaligned");
  fill(model, total);
  memcpy(iov.base, model, total);
  do_ios(ring(entries, false), fd, ios, cut(ios, 300, total));
  fuse_shows(fd, total);
  memset(iov.base, 0x5a, total);
  do_ios(ring(entries, true), fd, ios, cut(ios, 200, total));
  same(iov.base, model, total, 0, "what the ring reads");
}

/* Every write is followed by a read through the other path, so nobody may keep a stale page. */
static void overwritesByRingAndFuseInTurn(const void *arg) {
  int entries = *(const int *)arg;
  size_t total = 4 * MIB + 77;
  int fd = fresh("turns");
  struct hf3fs_ior *w = ring(entries, false);
  struct hf3fs_ior *r = ring(entries, true);
  fill(model, total);
  pwrite_all(fd, model, total, 0);
  EXPECT(fsync(fd), 0);
  for (int turn = 0; turn < 60; turn++) {
    size_t offset = below(total);
    size_t left = total - offset;
    size_t length = 1 + below(left < 200000 ? left : 200000);
    fill(model + offset, length);
    if (turn % 2 == 0) {
      memcpy(iov.base, model + offset, length);
      EXPECT(do_one(w, fd, 0, offset, length), length);
      EXPECT(pread_all(fd, seen, length, offset), length);
      same(seen, model + offset, length, offset, "what pread shows after a ring write");
    } else {
      pwrite_all(fd, model + offset, length, offset);
      EXPECT(fsync(fd), 0);
      EXPECT(do_one(r, fd, MIB, offset, length), length);
      same(iov.base + MIB, model + offset, length, offset, "what the ring reads after write");
    }
  }
  fuse_shows(fd, total);
  EXPECT(do_one(r, fd, 0, 0, total), total);
  same(iov.base, model, total, 0, "what the ring reads");
}

/* --- Holes and ends of files ---------------------------------------------------------------------- */

static void holesReadAsZeros(const void *arg) {
  (void)arg;
  size_t total = 40 * MIB;
  int fd = fresh("holes");
  EXPECT(ftruncate(fd, (off_t)total), 0);
  memset(model, 0, total);
  fill(model + 10 * MIB + 5, 1000);
  memcpy(iov.base, model + 10 * MIB + 5, 1000);
  EXPECT(do_one(ring(8, false), fd, 0, 10 * MIB + 5, 1000), 1000);
  fuse_shows(fd, total);
  memset(iov.base, 0x5a, total);
  EXPECT(do_one(ring(8, true), fd, 0, 0, total), total);
  same(iov.base, model, total, 0, "what the ring reads");
}

static void aHugeSparseFileIsCheap(const void *arg) {
  (void)arg;
  size_t end = (size_t)1 << 40;
  int fd = fresh("huge");
  EXPECT(ftruncate(fd, (off_t)end), 0);
  fill(model, 4096);
  memcpy(iov.base, model, 4096);
  EXPECT(do_one(ring(1, false), fd, 0, end / 2 + 1, 4096), 4096);
  memset(iov.base, 0x5a, 12288);
  EXPECT(do_one(ring(1, true), fd, 0, end / 2 + 1, 4096), 4096);
  same(iov.base, model, 4096, end / 2 + 1, "what the ring reads");
  EXPECT(do_one(&rings[1], fd, 4096, end - 100, 4096), 100);
  memset(model, 0, 100);
  same(iov.base + 4096, model, 100, end - 100, "the end of the file");
  EXPECT(ftruncate(fd, 0), 0);
}

static void aHoleIsAnErrorWhenForbidden(const void *arg) {
  (void)arg;
  int fd = fresh("forbidden");
  struct hf3fs_ior *r = &rings[ring_count];
  EXPECT(hf3fs_iorcreate4(r, mount_point, 8, true, 0, 0, -1, HF3FS_IOR_FORBID_READ_HOLES), 0);
  ring_count++;
  fill(model, 64 * KIB);
  pwrite_all(fd, model, 64 * KIB, 0);
  EXPECT(ftruncate(fd, 40 * MIB), 0);
  EXPECT(fsync(fd), 0);
  EXPECT(do_one(r, fd, 0, 0, 64 * KIB), 64 * KIB);
  same(iov.base, model, 64 * KIB, 0, "what the ring reads");
  EXPECT(do_one(r, fd, 0, 36 * MIB, 64 * KIB), -ENODATA);
  EXPECT(do_one(r, fd, 0, 100, 1000), 1000); /* the ring goes on */
}

static void readsStopAtTheEndOfTheFile(const void *arg) {
  int entries = *(const int *)arg;
  size_t total = 3 * MIB + 123;
  int fd = fresh("eof");
  fill(model, total);
  pwrite_all(fd, model, total, 0);
  EXPECT(fsync(fd), 0);
  struct io ios[] = {
      {0, total - 100, 4096, 100},      {4096, total - 1, 1, 1},
      {8192, total, 4096, 0},           {12288, total + 1, 1, 0},
      {16384, total + 99 * MIB, 10, 0}, {MIB, total - 2 * MIB, 5 * MIB, 2 * MIB},
      {20480, 0, 4096, 4096},
  };
  memset(iov.base, 0x5a, 8 * MIB);
  do_ios(ring(entries, true), fd, ios, sizeof ios / sizeof ios[0]);
  same(iov.base, model + total - 100, 100, total - 100, "the last bytes");
  EXPECT(iov.base[100], 0x5a); /* what was not read is not touched */
  same(iov.base + MIB, model + total - 2 * MIB, 2 * MIB, total - 2 * MIB, "the last bytes");
}

static void anEmptyFileReadsNothing(const void *arg) {
  (void)arg;
  int fd = fresh("empty");
  EXPECT(do_one(ring(1, true), fd, 0, 0, 4096), 0);
}

static void writesBehindTheEndExtendTheFile(const void *arg) {
  (void)arg;
  struct stat st;
  int fd = fresh("extend");
  struct hf3fs_ior *w = ring(8, false);
  size_t total = 9 * MIB + 17;
  memset(model, 0, total);
  fill(model, 10);
  memcpy(iov.base, model, 10);
  EXPECT(do_one(w, fd, 0, 0, 10), 10);
  fill(model + 5 * MIB, total - 5 * MIB);
  memcpy(iov.base, model + 5 * MIB, total - 5 * MIB);
  EXPECT(do_one(w, fd, 0, 5 * MIB, total - 5 * MIB), total - 5 * MIB);
  EXPECT(fsync(fd), 0);
  EXPECT(fstat(fd, &st), 0);
  EXPECT(st.st_size, total);
  fuse_shows(fd, total);
}

static void aTruncatedFileEndsEarlier(const void *arg) {
  (void)arg;
  int fd = fresh("truncated");
  struct hf3fs_ior *r = ring(8, true);
  fill(model, 2 * MIB);
  pwrite_all(fd, model, 2 * MIB, 0);
  EXPECT(fsync(fd), 0);
  EXPECT(do_one(r, fd, 0, 0, 2 * MIB), 2 * MIB);
  EXPECT(ftruncate(fd, MIB + 1), 0);
  EXPECT(do_one(r, fd, 0, 0, 2 * MIB), MIB + 1);
  EXPECT(ftruncate(fd, 2 * MIB), 0); /* what comes back is zeros */
  memset(model + MIB + 1, 0, MIB - 1);
  EXPECT(do_one(r, fd, 0, 0, 2 * MIB), 2 * MIB);
  same(iov.base, model, 2 * MIB, 0, "what the ring reads");
  fuse_shows(fd, 2 * MIB);
}

static void anUnlinkedFileStaysReadable(const void *arg) {
  char path[PATH_MAX];
  (void)arg;
  int fd = fresh("unlinked");
  fill(model, MIB);
  pwrite_all(fd, model, MIB, 0);
  EXPECT(fsync(fd), 0);
  path_of(path, "unlinked");
  EXPECT(unlink(path), 0);
  EXPECT(do_one(ring(1, true), fd, 0, 0, MIB), MIB);
  same(iov.base, model, MIB, 0, "what the ring reads");
}

static void aHoleIsZerosThatARingMayForbid(const void *arg) {
  (void)arg;
  size_t total = 9 * MIB + 4321;
  int fd = fresh("punched");
  fill(model, total);
  pwrite_all(fd, model, total, 0);
  const size_t starts[] = {0, MIB + 1, 3 * MIB - 7, 8 * MIB};
  const size_t ends[] = {100, MIB + 2, 7 * MIB + 9, total + MIB};
  EXPECT(hf3fs_punchhole(fd, 4, starts, ends, 0), 0);
  for (int i = 0; i < 4; i++) {
    memset(model + starts[i], 0, (ends[i] < total ? ends[i] : total) - starts[i]);
  }
  fuse_shows(fd, total);
  EXPECT(do_one(ring(8, true), fd, 0, 0, total), total);
  same(iov.base, model, total, 0, "what the ring reads");
  EXPECT(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * MIB, MIB / 2), 0);
  memset(model + 2 * MIB, 0, MIB / 2);
  fuse_shows(fd, total);
  struct hf3fs_ior *strict = &rings[ring_count];
  uint64_t flags = HF3FS_IOR_FORBID_READ_HOLES;
  EXPECT(hf3fs_iorcreate4(strict, mount_point, 8, true, 0, 0, -1, flags), 0);
  ring_count++;
  EXPECT(do_one(strict, fd, 0, 5 * MIB, 4096), -ENODATA);
  EXPECT(do_one(strict, fd, 0, 64 * KIB, 4096), 4096);
  int ro = open_registered("punched", O_RDONLY);
  EXPECT(hf3fs_punchhole(ro, 1, starts, ends, 0), EBADF);
  EXPECT(hf3fs_punchhole(fd, 1, ends, starts, 0), EINVAL);
}

static void aFileGetsAnotherNameAlsoInTheRoot(const void *arg) {
  char from[PATH_MAX];
  char to[PATH_MAX + 64];
  struct stat st;
  (void)arg;
  int fd = fresh("linked");
  path_of(from, "linked");
  snprintf(to, sizeof to, "%s/usrbio_rw.link.%d", mount_point, (int)getpid());
  EXPECT(hf3fs_hardlink(from, to), 0);
  EXPECT(hf3fs_hardlink(from, to), EEXIST);
  EXPECT(fstat(fd, &st), 0);
  nlink_t links = st.st_nlink;
  ino_t inode = st.st_ino;
  int rc = stat(to, &st);
  unlink(to);
  EXPECT(rc, 0);
  EXPECT(st.st_ino, inode);
  EXPECT(links, 2);
}

/* --- Refusals -------------------------------------------------------------------------------------- */

static void theModeOfTheDescriptorDecides(const void *arg) {
  (void)arg;
  int rw = fresh("mode");
  int ro = open_registered("mode", O_RDONLY);
  int wo = open_registered("mode", O_WRONLY);
  int none = open_at("mode", O_RDWR);
  struct hf3fs_ior *w = ring(8, false);
  struct hf3fs_ior *r = ring(8, true);
  EXPECT(hf3fs_prep_io(w, &iov, false, iov.base, ro, 0, 1, NULL), -EACCES);
  EXPECT(hf3fs_prep_io(r, &iov, true, iov.base, wo, 0, 1, NULL), -EACCES);
  EXPECT(hf3fs_prep_io(r, &iov, true, iov.base, none, 0, 1, NULL), -EBADF);
  EXPECT(hf3fs_prep_io(r, &iov, false, iov.base, rw, 0, 1, NULL), -EINVAL);
  EXPECT(hf3fs_reg_fd(rw, 0), EINVAL);
  iov.base[0] = 'x';
  EXPECT(do_one(w, wo, 0, 0, 1), 1);
  EXPECT(do_one(r, ro, 1, 0, 1), 1);
  EXPECT(iov.base[1], 'x');
}

static void checkBoundaries(bool for_read, int fd, const struct hf3fs_iov *blocks) {
  static const struct {
    size_t at;
    bool fails;
  } rows[] = {{0, false}, {48 * KIB, true}, {64 * KIB, false}, {127 * KIB, true}, {192 * KIB, false}};
  enum { ROWS = sizeof rows / sizeof rows[0] };
  struct hf3fs_ior *ior = ring(8, for_read);
  struct hf3fs_cqe cqes[ROWS];
  for (size_t i = 0; i < ROWS; i++) {
    prep(ior, blocks, rows[i].at, fd, i * MIB, 64 * KIB, &rows[i]);
  }
  EXPECT(hf3fs_submit_ios(ior), 0);
  EXPECT(reap(ior, cqes, ROWS, ROWS), ROWS);
  for (size_t i = 0; i < ROWS; i++) {
    const bool *fails = (const bool *)((const char *)cqes[i].userdata + sizeof(size_t));
    EXPECT(cqes[i].result, *fails ? -EINVAL : (int64_t)(64 * KIB));
  }
}

static void anIoAcrossABlockOfTheIovFailsAlone(const void *arg) {
  (void)arg;
  const struct hf3fs_iov *blocks = &own_iov;
  int fd = fresh("boundary");
  fill(model, 8 * MIB);
  pwrite_all(fd, model, 8 * MIB, 0);
  EXPECT(fsync(fd), 0);
  EXPECT(hf3fs_iovcreate(&own_iov, mount_point, MIB, 64 * KIB, -1), 0);
  memset(blocks->base, 0x77, MIB);
  checkBoundaries(false, fd, blocks);
  for (size_t i = 0; i < 5; i += 2) {
    memset(model + i * MIB, 0x77, 64 * KIB); /* the others wrote nothing */
  }
  fuse_shows(fd, 8 * MIB);
  checkBoundaries(true, fd, blocks);
  same(blocks->base, model, 64 * KIB, 0, "what the ring reads");
}

static void anUnregisteredBufferIsRefused(const void *arg) {
  (void)arg;
  static uint8_t memory[4096];
  static const uint8_t id[16] = {0xde, 0xad};
  struct hf3fs_iov strange;
  struct hf3fs_cqe cqe;
  int fd = fresh("strange");
  struct hf3fs_ior *w = ring(8, false);
  EXPECT(hf3fs_iovwrap(&strange, memory, id, mount_point, sizeof memory, 0, -1), 0);
  prep(w, &strange, 0, fd, 0, 4096, NULL);
  EXPECT(hf3fs_submit_ios(w), 0);
  EXPECT(reap(w, &cqe, 1, 1), 1);
  EXPECT(cqe.result < 0, true);
  EXPECT(do_one(w, fd, 0, 0, 4096), 4096);
}

static void theDaemonRefusesWrongRegistrations(const void *arg) {
  static const char *const keys[] = {
      "not-a-key",
      "0123456789abcdef0123456789abcdeg",
      "0123456789abcdef0123456789abcdef.x1",
      "0123456789abcdef0123456789abcdef.b0",
      "0123456789abcdef0123456789abcdef.r99999999",
  };
  char path[PATH_MAX];
  char target[64];
  (void)arg;
  /* Another registration's memory will do: the names must be refused whatever they lead to. */
  snprintf(target, sizeof target, "/dev/shm/usrbio_rw.%d", (int)getpid());
  int fd = open(target, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  REQUIRE(fd >= 0);
  int grown = ftruncate(fd, (off_t)hf3fs_ior_size(8));
  close(fd);
  int bad = -1;
  for (size_t i = 0; grown == 0 && bad < 0 && i < sizeof keys / sizeof keys[0]; i++) {
    snprintf(path, sizeof path, "%s/3fs-virt/iovs/%s", mount_point, keys[i]);
    if (symlink(target, path) == 0 || errno != EINVAL) {
      bad = (int)i;
      unlink(path);
    }
  }
  unlink(target);
  EXPECT(grown, 0);
  if (bad >= 0) {
    give_up("registration %s is not refused with EINVAL", keys[bad]);
  }
}

/* --- Rings of other kinds -------------------------------------------------------------------------- */

static int prep_n(struct hf3fs_ior *ior, int fd, int n) {
  for (int i = 0; i < n; i++) {
    prep(ior, &iov, (size_t)i * 4096, fd, 0, 4096, NULL);
  }
  return hf3fs_submit_ios(ior);
}

static void aDepthIsServedInWholeBatches(const void *arg) {
  (void)arg;
  int fd = fresh("depth");
  struct hf3fs_cqe cqes[8];
  struct hf3fs_ior *r = &rings[ring_count];
  EXPECT(hf3fs_iorcreate(r, mount_point, 8, true, 4, -1), 0);
  ring_count++;
  EXPECT(ftruncate(fd, 1 * MIB), 0);
  EXPECT(prep_n(r, fd, 3), 0);
  struct timespec limit;
  clock_gettime(CLOCK_REALTIME, &limit);
  limit.tv_sec += 1;
  EXPECT(hf3fs_wait_for_ios(r, cqes, 8, 1, &limit), 0); /* three are not four */
  EXPECT(prep_n(r, fd, 1), 0);
  EXPECT(reap(r, cqes, 8, 4), 4);
  EXPECT(prep_n(r, fd, 8), 0);
  EXPECT(reap(r, cqes, 8, 8), 8);
}

struct kind {
  const char *name;
  int io_depth;
  int priority;
  int timeout;
};

static void everyKindOfRingServes(const void *arg) {
  const struct kind *k = arg;
  int fd = fresh("kind");
  struct hf3fs_cqe cqes[32];
  struct hf3fs_ior *r = &rings[ring_count];
  EXPECT(hf3fs_iorcreate3(r, mount_point, 32, true, k->io_depth, k->priority, k->timeout, -1), 0);
  ring_count++;
  fill(model, 4096);
  pwrite_all(fd, model, 4096, 0);
  EXPECT(fsync(fd), 0);
  for (int round = 0; round < 10; round++) {
    memset(iov.base, 0x5a, 32 * 4096);
    int n = 1 + (int)below(32);
    EXPECT(prep_n(r, fd, n), 0);
    EXPECT(reap(r, cqes, 32, n), n);
    for (int i = 0; i < n; i++) {
      EXPECT(cqes[i].result, 4096);
      same(iov.base + 4096 * i, model, 4096, 0, "what the ring reads");
    }
  }
}

static void manyRingsAndIovsComeAndGo(const void *arg) {
  (void)arg;
  int fd = fresh("many");
  fill(model, 4096);
  pwrite_all(fd, model, 4096, 0);
  EXPECT(fsync(fd), 0);
  for (int i = 0; i < 100; i++) {
    struct hf3fs_cqe cqe;
    EXPECT(hf3fs_iovcreate(&own_iov, mount_point, 4096, 0, -1), 0);
    struct hf3fs_ior *r = ring(2, true);
    prep(r, &own_iov, 0, fd, 0, 4096, NULL);
    EXPECT(hf3fs_submit_ios(r), 0);
    EXPECT(reap(r, &cqe, 1, 1), 1);
    EXPECT(cqe.result, 4096);
    same(own_iov.base, model, 4096, 0, "what the ring reads");
    hf3fs_iordestroy(&rings[--ring_count]);
    hf3fs_iovdestroy(&own_iov);
  }
}

enum { THREAD_IOS = 4000 };

struct reaper {
  struct hf3fs_ior *ior;
  int bad;
};

static void *reap_all(void *arg) {
  struct reaper *me = arg;
  struct hf3fs_cqe cqes[16];
  for (int done = 0; done < THREAD_IOS;) {
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += WAIT_SECONDS_MAX;
    int n = hf3fs_wait_for_ios(me->ior, cqes, 16, 1, &limit);
    if (n <= 0) {
      me->bad = 1;
      break;
    }
    for (int i = 0; i < n; i++) {
      me->bad |= cqes[i].result != 4096;
    }
    done += n;
  }
  return NULL;
}

static void oneThreadPreparesAnotherWaits(const void *arg) {
  int fd = fresh("threads");
  struct reaper me = {.ior = ring(*(const int *)arg, true)};
  pthread_t thread;
  EXPECT(ftruncate(fd, MIB), 0);
  EXPECT(pthread_create(&thread, NULL, reap_all, &me), 0);
  int rc = 0;
  for (int i = 0; i < THREAD_IOS && (rc >= 0 || rc == -EAGAIN);) {
    rc = hf3fs_prep_io(me.ior, &iov, true, iov.base, fd, 0, 4096, NULL);
    i += rc >= 0;
    if (rc == -EAGAIN || i == THREAD_IOS) {
      hf3fs_submit_ios(me.ior);
    }
  }
  pthread_join(thread, NULL);
  EXPECT(rc >= 0, true);
  EXPECT(me.bad, 0);
}

static void theMountIsRecognised(const void *arg) {
  char found[PATH_MAX] = {0};
  char real[PATH_MAX];
  (void)arg;
  REQUIRE(realpath(mount_point, real) != NULL);
  EXPECT(hf3fs_extract_mount_point(found, sizeof found, directory), strlen(real) + 1);
  REQUIRE(strcmp(found, real) == 0);
  EXPECT(hf3fs_extract_mount_point(found, sizeof found, "/proc/self/status"), -1);
  EXPECT(hf3fs_is_hf3fs(open_at("magic", O_RDWR | O_CREAT)), true);
  int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT(hf3fs_is_hf3fs(null), false);
  EXPECT(hf3fs_reg_fd(null, 0), EBADF);
  close(null);
}

/* --- All of them ----------------------------------------------------------------------------------- */

static void run_shapes(int entries) {
  static const size_t blocks[] = {4 * KIB, 64 * KIB, MIB, 32 * MIB};
  for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
    size_t count = 32 * MIB / blocks[i];
    struct shape s = {.entries = entries, .block = blocks[i]};
    s.count = count > 300 ? 300 : count < 2 ? 2 : count;
    run_case(whatTheRingWritesFuseAndRingRead, &s, "ring of %d: write %zu x %zu KiB, read back",
             entries, s.count, s.block / KIB);
    run_case(whatFuseWritesTheRingReads, &s, "ring of %d: read %zu x %zu KiB that write(2) wrote",
             entries, s.count, s.block / KIB);
  }
}

static void run_all(void) {
  static const int sizes[] = {1, 8, 256};
  static const struct kind kinds[] = {
      {"all at once", 0, 0, 0},           {"at most 4 at a time", -4, 0, 0},
      {"high priority", 0, -1, 0},        {"low priority", 0, 1, 0},
      {"at most 8, waits 1 ms", -8, 0, 1}, {"at most 16, low, waits 20 ms", -16, 1, 20},
      {"one at a time", 1, 0, 0},
  };
  run_case(theMountIsRecognised, NULL, "the mount is recognised");
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    int n = sizes[i];
    run_shapes(n);
    run_case(unalignedPiecesInAnyOrder, &n, "ring of %d: unaligned pieces in any order", n);
    run_case(overwritesByRingAndFuseInTurn, &n, "ring of %d: overwrites by ring and FUSE", n);
    run_case(readsStopAtTheEndOfTheFile, &n, "ring of %d: reads stop at the end of the file", n);
    run_case(oneThreadPreparesAnotherWaits, &n, "ring of %d: one prepares, another waits", n);
  }
  run_case(holesReadAsZeros, NULL, "holes read as zeros");
  run_case(aHugeSparseFileIsCheap, NULL, "a sparse file of 1 TiB");
  run_case(aHoleIsAnErrorWhenForbidden, NULL, "a hole is ENODATA when forbidden");
  run_case(anEmptyFileReadsNothing, NULL, "an empty file reads nothing");
  run_case(writesBehindTheEndExtendTheFile, NULL, "writes behind the end extend the file");
  run_case(aTruncatedFileEndsEarlier, NULL, "a truncated file ends earlier");
  run_case(aHoleIsZerosThatARingMayForbid, NULL, "holes are punched");
  run_case(aFileGetsAnotherNameAlsoInTheRoot, NULL, "a file gets another name");
  run_case(anUnlinkedFileStaysReadable, NULL, "an unlinked open file stays readable");
  run_case(theModeOfTheDescriptorDecides, NULL, "the mode of the descriptor decides");
  run_case(anIoAcrossABlockOfTheIovFailsAlone, NULL, "an I/O across a block of the iov fails alone");
  run_case(anUnregisteredBufferIsRefused, NULL, "an unregistered buffer is refused");
  run_case(theDaemonRefusesWrongRegistrations, NULL, "wrong registrations are refused");
  run_case(aDepthIsServedInWholeBatches, NULL, "a positive depth is served in whole batches");
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    run_case(everyKindOfRingServes, &kinds[i], "a ring that serves: %s", kinds[i].name);
  }
  run_case(manyRingsAndIovsComeAndGo, NULL, "many rings and iovs come and go");
}

static void remove_files(void) {
  static const char *const names[] = {"blocks", "unaligned", "turns",    "holes", "huge",
                                      "empty",  "forbidden", "eof",      "extend", "truncated",
                                      "mode",   "boundary",  "strange",  "depth", "kind",
                                      "many",   "threads",   "unlinked", "magic",
                                      "punched", "linked"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    char path[PATH_MAX];
    path_of(path, names[i]);
    unlink(path);
  }
}

static int usage(void) {
  fputs("usage: usrbio_rw MOUNT DIR_ON_MOUNT [--seed N]\n", stderr);
  return 2;
}

int main(int argc, char **argv) {
  struct stat st;
  char *end = NULL;
  seed = (uint64_t)time(NULL);
  if (argc == 5 && strcmp(argv[3], "--seed") == 0) {
    seed = strtoull(argv[4], &end, 10);
  }
  if ((argc != 3 && argc != 5) || (argc == 5 && (end == NULL || end == argv[4] || *end != '\0'))) {
    return usage();
  }
  mount_point = argv[1];
  directory = argv[2];
  if (stat(directory, &st) != 0 || !S_ISDIR(st.st_mode)) {
    fprintf(stderr, "usrbio_rw: %s is not a directory\n", directory);
    return usage();
  }
  random_state = seed;
  printf("seed=%llu\n", (unsigned long long)seed);
  model = malloc(IOV_BYTES);
  seen = malloc(IOV_BYTES);
  int rc = hf3fs_iovcreate(&iov, mount_point, IOV_BYTES, 0, -1);
  if (model == NULL || seen == NULL || rc < 0) {
    printf("FAILED to create an iov of %zu bytes on %s: %s\n0 passed, 1 failed\n", IOV_BYTES,
           mount_point, strerror(-rc));
    free(model);
    free(seen);
    return 1;
  }
  run_all();
  remove_files();
  hf3fs_iovdestroy(&iov);
  free(model);
  free(seen);
  printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
