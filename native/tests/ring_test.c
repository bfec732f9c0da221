/* SPDX-License-Identifier: Apache-2.0
 *
 * I/O through rings, against a server in a thread that reads the ring by the written layout.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

enum { IOV_BYTES = 4 << 20 };

static struct fake_mount mnt;
static struct hf3fs_iov iov;
static int fd;

static void *tag(uintptr_t value) { return (void *)value; }

struct ring {
  struct hf3fs_ior ior;
  struct ring_server server;
};

static void open_ring(struct ring *r, int entries, bool for_read) {
  memset(r, 0, sizeof *r);
  CHECK_EQ(hf3fs_iorcreate(&r->ior, mnt.path, entries, for_read, 0, -1), 0);
  r->server.fd = fd;
  server_start(&r->server, &r->ior, entries, &iov);
}

static void close_ring(struct ring *r) {
  server_stop(&r->server);
  hf3fs_iordestroy(&r->ior);
}

static int prep(struct ring *r, size_t at, size_t off, size_t len, uintptr_t userdata) {
  return hf3fs_prep_io(&r->ior, &iov, r->ior.for_read, iov.base + at, fd, off, len, tag(userdata));
}

static void fill(uint8_t *p, size_t n, unsigned seed) {
  for (size_t i = 0; i < n; i++) {
    seed = seed * 1664525u + 1013904223u;
    p[i] = (uint8_t)(seed >> 24);
  }
}

static void whatIsWrittenIsReadBack(int entries) {
  enum { BLOCK = 12345, BLOCKS = 40 };
  struct ring w;
  struct ring r;
  struct hf3fs_cqe cqe;
  open_ring(&w, entries, false);
  open_ring(&r, entries, true);
  fill(iov.base, BLOCK * BLOCKS, 1);
  for (size_t i = 0; i < BLOCKS; i++) {
    CHECK(prep(&w, i * BLOCK, i * BLOCK, BLOCK, i) >= 0);
    CHECK_EQ(hf3fs_submit_ios(&w.ior), 0);
    CHECK_EQ(hf3fs_wait_for_ios(&w.ior, &cqe, 1, 1, NULL), 1);
    CHECK_EQ(cqe.result, BLOCK);
    CHECK_EQ((uintptr_t)cqe.userdata, i);
  }
  for (size_t i = 0; i < BLOCKS; i++) {
    CHECK(prep(&r, IOV_BYTES / 2 + i * BLOCK, i * BLOCK, BLOCK, i) >= 0);
    CHECK_EQ(hf3fs_submit_ios(&r.ior), 0);
    CHECK_EQ(hf3fs_wait_for_ios(&r.ior, &cqe, 1, 1, NULL), 1);
    CHECK_EQ(cqe.result, BLOCK);
  }
  CHECK(memcmp(iov.base, iov.base + IOV_BYTES / 2, BLOCK * BLOCKS) == 0);
  close_ring(&w);
  close_ring(&r);
}

static void aFullRingSaysTryAgain(int entries) {
  struct ring r;
  struct hf3fs_cqe cqes[300];
  open_ring(&r, entries, true);
  for (int round = 0; round < 5; round++) { /* wraps around */
    bool seen[301] = {false};
    atomic_store(&r.server.paused, true);
    for (int i = 0; i < entries; i++) {
      int index = prep(&r, 0, 0, 1, (uintptr_t)i);
      CHECK(index >= 0 && index <= entries && !seen[index]);
      seen[index] = true;
    }
    CHECK_EQ(prep(&r, 0, 0, 1, 0), -EAGAIN);
    atomic_store(&r.server.paused, false);
    CHECK_EQ(hf3fs_wait_for_ios(&r.ior, cqes, 300, entries, NULL), entries);
    for (int i = 0; i < entries; i++) {
      CHECK_EQ((uintptr_t)cqes[i].userdata, (uintptr_t)i);
      CHECK(seen[cqes[i].index]);
      seen[cqes[i].index] = false;
    }
  }
  close_ring(&r);
}

/* More in flight than there are slots: those done but not reaped keep theirs. */
static void slotsComeBackOnlyWhenReaped(void) {
  struct ring r;
  struct hf3fs_cqe cqes[8];
  open_ring(&r, 4, true);
  int accepted = 0;
  int64_t end = monotonic_ms() + 200;
  while (monotonic_ms() < end) {
    int rc = prep(&r, 0, 0, 1, 0);
    CHECK(rc >= 0 || rc == -EAGAIN);
    accepted += rc >= 0;
  }
  CHECK_EQ(accepted, 5);
  CHECK_EQ(hf3fs_wait_for_ios(&r.ior, cqes, 8, 5, NULL), 5);
  CHECK(prep(&r, 0, 0, 1, 0) >= 0);
  CHECK_EQ(hf3fs_wait_for_ios(&r.ior, cqes, 8, 1, NULL), 1);
  close_ring(&r);
}

static void completionsMayComeInAnyOrder(void) {
  enum { N = 64 };
  struct ring r;
  struct hf3fs_cqe cqes[N];
  int index_of[N];
  open_ring(&r, N, true);
  atomic_store(&r.server.shuffled, true);
  for (int round = 0; round < 20; round++) {
    bool seen[N] = {false};
    atomic_store(&r.server.batch_min, N);
    for (uintptr_t i = 0; i < N; i++) {
      index_of[i] = prep(&r, 0, 0, i + 1, i);
      CHECK(index_of[i] >= 0);
    }
    CHECK_EQ(hf3fs_wait_for_ios(&r.ior, cqes, N, N, NULL), N);
    CHECK_EQ((uintptr_t)cqes[0].userdata, N - 1);
    for (int i = 0; i < N; i++) {
      uintptr_t t = (uintptr_t)cqes[i].userdata;
      CHECK(t < N && !seen[t]);
      seen[t] = true;
      CHECK_EQ(cqes[i].index, index_of[t]);
      CHECK_EQ(cqes[i].result, t + 1);
    }
  }
  close_ring(&r);
}

static void aTimeLimitEndsTheWait(void) {
  struct ring r;
  struct hf3fs_cqe cqes[4];
  struct timespec limit;
  open_ring(&r, 4, true);

  limit = in_ms(50);
  int64_t start = monotonic_ms();
  CHECK_EQ(hf3fs_wait_for_ios(&r.ior, cqes, 4, 1, &limit), 0);
  int64_t took = monotonic_ms() - start;
  CHECK(took >= 45 && took < 5000);

  limit = in_ms(-1000); /* over already: what is there, at once */
  start = monotonic_ms();
  CHECK_EQ(hf3fs_wait_for_ios(&r.ior, cqes, 4, 4, &limit), 0);
  struct timespec never = {.tv_sec = -1};
  CHECK_EQ(hf3fs_wait_for_ios(&r.ior, cqes, 4, 4, &never), 0);
  CHECK(monotonic_ms() - start < 1000);

  CHECK(prep(&r, 0, 0, 1, 1) >= 0 && prep(&r, 0, 0, 1, 2) >= 0);
  limit = in_ms(100);
  CHECK_EQ(hf3fs_wait_for_ios(&r.ior, cqes, 4, 3, &limit), 2); /* has what it has */
  struct timespec far = {.tv_sec = INT64_MAX};
  CHECK(prep(&r, 0, 0, 1, 3) >= 0);
  CHECK_EQ(hf3fs_wait_for_ios(&r.ior, cqes, 4, 1, &far), 1);
  close_ring(&r);
}

/* How many milliseconds of a core a wait of 300 takes that nothing ends. */
static int64_t cost_of_a_wait(const char *spin_us) {
  struct ring r;
  struct hf3fs_cqe cqe;
  struct timespec before, after;
  CHECK_EQ(setenv("LAMPYRIS_USRBIO_SPIN_US", spin_us, 1), 0);
  open_ring(&r, 4, true);
  struct timespec limit = in_ms(300);
  int64_t start = monotonic_ms();
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
  CHECK_EQ(hf3fs_wait_for_ios(&r.ior, &cqe, 1, 1, &limit), 0);
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
  int64_t took = monotonic_ms() - start;
  CHECK(took >= 295 && took < 5000);
  close_ring(&r);
  CHECK_EQ(unsetenv("LAMPYRIS_USRBIO_SPIN_US"), 0);
  return (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
}

static void aLongWaitSleepsUnlessItIsToldToPoll(void) {
  CHECK(cost_of_a_wait("20") < 100);
  CHECK(cost_of_a_wait("0") < 100);
  CHECK(cost_of_a_wait("no number") < 100);
  if (sysconf(_SC_NPROCESSORS_ONLN) > 1) {
    /* Beside others it gets a part of a core, and gives the rest away. */
    CHECK(cost_of_a_wait("1000000") > cost_of_a_wait("0"));
  }
}

static void minResultsIsClampedToTheArray(void) {
  struct ring r;
  struct hf3fs_cqe cqes[2];
  open_ring(&r, 8, true);
  for (int i = 0; i < 5; i++) {
    CHECK(prep(&r, 0, 0, 1, 0) >= 0);
  }
  CHECK_EQ(hf3fs_wait_for_ios(&r.ior, cqes, 2, 100, NULL), 2);
  CHECK_EQ(hf3fs_wait_for_ios(&r.ior, cqes, 2, 2, NULL), 2);
  CHECK_EQ(hf3fs_wait_for_ios(&r.ior, cqes, 2, 1, NULL), 1);
  CHECK_EQ(hf3fs_wait_for_ios(&r.ior, cqes, 2, 0, NULL), 0);
  close_ring(&r);
}

static void reapingTellsTheDaemon(void) {
  struct ring r;
  struct hf3fs_cqe cqe;
  open_ring(&r, 4, true);
  int before = mount_submits(&mnt, 0);
  CHECK_EQ(hf3fs_wait_for_ios(&r.ior, &cqe, 1, 0, NULL), 0);
  CHECK_EQ(mount_submits(&mnt, 0), before);
  CHECK(prep(&r, 0, 0, 1, 0) >= 0);
  CHECK_EQ(hf3fs_wait_for_ios(&r.ior, &cqe, 1, 1, NULL), 1);
  CHECK_EQ(mount_submits(&mnt, 0), before + 1);
  close_ring(&r);
}

static void errorsBelongToOneIo(void) {
  struct ring r;
  struct hf3fs_cqe cqes[3];
  struct hf3fs_iov other;
  open_ring(&r, 4, true);
  CHECK_EQ(hf3fs_iovcreate(&other, mnt.path, 4096, 0, -1), 0); /* unknown to this server */
  CHECK(prep(&r, 0, 0, 10, 1) >= 0);
  CHECK(hf3fs_prep_io(&r.ior, &other, true, other.base, fd, 0, 10, tag(2)) >= 0);
  CHECK(prep(&r, 0, 1 << 30, 10, 3) >= 0); /* behind the end */
  CHECK_EQ(hf3fs_wait_for_ios(&r.ior, cqes, 3, 3, NULL), 3);
  CHECK_EQ(cqes[0].result, 10);
  CHECK_EQ(cqes[1].result, -EINVAL);
  CHECK_EQ(cqes[2].result, 0);
  hf3fs_iovdestroy(&other);
  close_ring(&r);
}

/* --- Threads ---------------------------------------------------------------------------------- */

enum { TOTAL = 20000, SIZES = 97 };

struct reaper {
  struct ring *ring;
  _Atomic int *reaped;
  _Atomic unsigned char *seen;
};

static void *reap_all(void *arg) {
  struct reaper *me = arg;
  struct hf3fs_cqe cqes[32];
  while (atomic_load(me->reaped) < TOTAL) {
    struct timespec limit = in_ms(20);
    int n = hf3fs_wait_for_ios(&me->ring->ior, cqes, 32, 1, &limit);
    CHECK(n >= 0);
    for (int i = 0; i < n; i++) {
      uintptr_t t = (uintptr_t)cqes[i].userdata;
      CHECK(t < TOTAL);
      CHECK_EQ(atomic_fetch_add(&me->seen[t], 1), 0);
      CHECK_EQ(cqes[i].result, t % SIZES + 1);
    }
    atomic_fetch_add(me->reaped, n);
  }
  return NULL;
}

static void oneThreadPreparesWhileOthersReap(int entries, int reapers) {
  struct ring r;
  static _Atomic unsigned char seen[TOTAL];
  _Atomic int reaped = 0;
  pthread_t threads[4];
  open_ring(&r, entries, true);
  for (int i = 0; i < TOTAL; i++) {
    atomic_store(&seen[i], 0);
  }
  struct reaper me = {.ring = &r, .reaped = &reaped, .seen = seen};
  for (int i = 0; i < reapers; i++) {
    CHECK_EQ(pthread_create(&threads[i], NULL, reap_all, &me), 0);
  }
  for (uintptr_t i = 0; i < TOTAL;) {
    int rc = prep(&r, 0, 0, i % SIZES + 1, i);
    CHECK(rc >= 0 || rc == -EAGAIN);
    i += rc >= 0;
    if (rc == -EAGAIN) {
      CHECK_EQ(hf3fs_submit_ios(&r.ior), 0);
      sched_yield();
    }
  }
  for (int i = 0; i < reapers; i++) {
    pthread_join(threads[i], NULL);
  }
  CHECK_EQ(atomic_load(&reaped), TOTAL);
  CHECK_EQ(atomic_load(&r.server.served), TOTAL);
  close_ring(&r);
}

int main(void) {
  mount_make(&mnt);
  CHECK_EQ(hf3fs_iovcreate(&iov, mnt.path, IOV_BYTES, 0, -1), 0);
  fd = mount_file(&mnt, "file", O_CREAT | O_RDWR);
  CHECK(hf3fs_reg_fd(fd, 0) <= 0);
  static const int entries[] = {1, 2, 8, 64, 256};
  for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
    whatIsWrittenIsReadBack(entries[i]);
    aFullRingSaysTryAgain(entries[i]);
  }
  slotsComeBackOnlyWhenReaped();
  completionsMayComeInAnyOrder();
  aTimeLimitEndsTheWait();
  aLongWaitSleepsUnlessItIsToldToPoll();
  minResultsIsClampedToTheArray();
  reapingTellsTheDaemon();
  errorsBelongToOneIo();
  oneThreadPreparesWhileOthersReap(1, 1);
  oneThreadPreparesWhileOthersReap(8, 1);
  oneThreadPreparesWhileOthersReap(200, 1);
  oneThreadPreparesWhileOthersReap(1, 3);
  oneThreadPreparesWhileOthersReap(8, 3);
  hf3fs_dereg_fd(fd);
  close(fd);
  hf3fs_iovdestroy(&iov);
  CHECK_EQ(mount_registrations(&mnt, NULL), 0);
  return 0;
}
