/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "internal.h"

#define NS_PER_S INT64_C(1000000000)
/* How long a wait without a time limit goes on before it looks whether the daemon is still there. */
#define ALIVE_CHECK_NS NS_PER_S
/* Some microseconds. */
#define PAUSES_BEFORE_YIELD 64

/* --- Slots ---------------------------------------------------------------------------------- */

/* I3: only the preparing thread takes bits away, so a bit seen set stays set until we clear it. */
static int32_t claim_slot(struct lmp_ring *ring) {
  size_t w = ring->free_hint;
  for (size_t i = 0; i < ring->free_words; i++) {
    /* Acquire: what the reaper read of the slot happened before we fill it again. */
    uint64_t bits = atomic_load_explicit(&ring->free_map[w], memory_order_acquire);
    if (bits != 0) {
      int bit = __builtin_ctzll(bits);
      atomic_fetch_and_explicit(&ring->free_map[w], ~(UINT64_C(1) << bit), memory_order_relaxed);
      ring->free_hint = w;
      return (int32_t)(w * 64 + (size_t)bit);
    }
    w = w + 1 == ring->free_words ? 0 : w + 1;
  }
  return -1;
}

static void release_slot(struct lmp_ring *ring, int32_t slot) {
  atomic_fetch_or_explicit(&ring->free_map[(size_t)slot / 64], UINT64_C(1) << (slot % 64),
                           memory_order_release);
}

static bool is_slot(const struct lmp_ring *ring, int32_t index) {
  return index >= 0 && index < ring->slots;
}

static int32_t after(const struct lmp_ring *ring, int32_t index) {
  return index + 1 == ring->slots ? 0 : index + 1;
}

/* --- Prepare and submit --------------------------------------------------------------------- */

static bool inside(const struct hf3fs_iov *iov, const void *ptr, uint64_t len) {
  uintptr_t base = (uintptr_t)iov->base;
  uintptr_t at = (uintptr_t)ptr;
  return iov->base != NULL && at >= base && at - base <= iov->size && len <= iov->size - (at - base);
}

static bool is_possible(const struct hf3fs_ior *ior, const struct hf3fs_iov *iov, bool read,
                        const void *ptr, uint64_t len) {
  return ior != NULL && ior->iorh != NULL && iov != NULL && ior->for_read == read && len > 0 &&
         inside(iov, ptr, len);
}

int hf3fs_prep_io(const struct hf3fs_ior *ior, const struct hf3fs_iov *iov, bool read, void *ptr,
                  int fd, size_t off, uint64_t len, const void *userdata) {
  if (!is_possible(ior, iov, read, ptr, len)) {
    return -EINVAL;
  }
  uint64_t ino;
  int rc = lmp_fd_inode(fd, read, &ino);
  return rc < 0 ? rc : lmp_prep(ior, iov, read, ptr, ino, off, len, userdata);
}

int lmp_prep(const struct hf3fs_ior *ior, const struct hf3fs_iov *iov, bool read, void *ptr,
             uint64_t ino, uint64_t off, uint64_t len, const void *userdata) {
  if (!is_possible(ior, iov, read, ptr, len)) {
    return -EINVAL;
  }
  struct lmp_ring *ring = ior->iorh;
  int32_t head = atomic_load_explicit(&ring->head->sqe_head, memory_order_relaxed);
  if (!is_slot(ring, head)) {
    return -EINVAL;
  }
  int32_t next = after(ring, head);
  /* Acquire: the daemon read the entry at head before it moved its tail beyond. */
  if (next == atomic_load_explicit(&ring->head->sqe_tail, memory_order_acquire)) {
    return -EAGAIN;
  }
  int32_t slot = claim_slot(ring);
  if (slot < 0) {
    return -EAGAIN;
  }
  struct lmp_args *args = &ring->args[slot];
  memcpy(args->buf_id, iov->id, sizeof args->buf_id);
  args->buf_off = (uint64_t)((uintptr_t)ptr - (uintptr_t)iov->base);
  args->file_ino = ino;
  args->file_off = off;
  args->io_len = len;
  args->userdata = userdata;
  ring->sqes[head] = (struct lmp_sqe){.index = slot, .userdata = userdata};
  atomic_store_explicit(&ring->head->sqe_head, next, memory_order_release);
  return slot;
}

/* A semaphore at its maximum has as many wake-ups pending as anyone could want. */
static int post_submit(struct lmp_ring *ring) {
  return sem_post(ring->submit) == 0 || errno == EOVERFLOW ? 0 : -errno;
}

int hf3fs_submit_ios(const struct hf3fs_ior *ior) {
  if (ior == NULL || ior->iorh == NULL) {
    return -EINVAL;
  }
  return post_submit(ior->iorh);
}

/* --- Wait ----------------------------------------------------------------------------------- */

static int64_t now_ns(clockid_t clock) {
  struct timespec ts;
  clock_gettime(clock, &ts);
  return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static struct timespec timespec_of(int64_t ns) {
  return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

/* Copies completions that are there: their number, or -EINVAL when the ring holds rubbish. */
static int reap(struct lmp_ring *ring, struct hf3fs_cqe *out, int max) {
  int count = 0;
  pthread_mutex_lock(&ring->reap_lock);
  int32_t tail = atomic_load_explicit(&ring->head->cqe_tail, memory_order_relaxed);
  int32_t head = atomic_load_explicit(&ring->head->cqe_head, memory_order_acquire);
  if (!is_slot(ring, tail) || !is_slot(ring, head)) {
    count = -EINVAL;
  }
  for (; count >= 0 && count < max && tail != head; count++) {
    out[count] = ring->cqes[tail];
    if (is_slot(ring, out[count].index)) {
      release_slot(ring, out[count].index);
    }
    tail = after(ring, tail);
  }
  if (count > 0) {
    atomic_store_explicit(&ring->head->cqe_tail, tail, memory_order_release);
  }
  pthread_mutex_unlock(&ring->reap_lock);
  return count;
}

/* Takes back wake-ups of completions that we hold already, so that the next sleep is one. */
static int absorb(struct lmp_ring *ring, int max) {
  int n = 0;
  while (n < max && sem_trywait(ring->completed) == 0) {
    n++;
  }
  return n;
}

/* Reaps and, since room for completions may be what the daemon waits for, tells it. */
static int reap_and_tell(struct lmp_ring *ring, struct hf3fs_cqe *out, int max) {
  int n = reap(ring, out, max);
  if (n > 0) {
    absorb(ring, n);
    int rc = post_submit(ring);
    if (rc < 0) {
      lmp_log(LMP_WARN, "cannot post the submit semaphore; observed=%s", strerror(-rc));
    }
  }
  return n;
}

bool lmp_has_completion(const struct lmp_ring *ring) {
  return atomic_load_explicit(&ring->head->cqe_head, memory_order_relaxed) !=
         atomic_load_explicit(&ring->head->cqe_tail, memory_order_relaxed);
}

/* Polls for a completion: whether one came. Whoever else has work for this core goes first, after
 * the time that an answer takes which needs no device. */
static bool spin(struct lmp_ring *ring, int64_t until_ns) {
  do {
    for (int i = 0; i < PAUSES_BEFORE_YIELD; i++) {
      if (lmp_has_completion(ring)) {
        return true;
      }
      __builtin_ia32_pause();
    }
    sched_yield();
  } while (now_ns(CLOCK_MONOTONIC) < until_ns);
  return lmp_has_completion(ring);
}

/* A time, or what is left of the limit on the real-time clock. */
static int64_t shortened(int64_t ns, const int64_t *limit_ns) {
  int64_t left = limit_ns == NULL ? ns : *limit_ns - now_ns(CLOCK_REALTIME);
  return left < ns ? left : ns;
}

/* Sleeps until a completion is announced, a step is over, or limit_ns on the real-time clock. The
 * step runs on the monotonic clock, so that a clock set back does not prolong it. */
static void sleep_step(struct lmp_ring *ring, const int64_t *limit_ns) {
  int64_t step = shortened(ring->wait_step_ns, limit_ns);
  if (step > 0) {
    struct timespec until = timespec_of(now_ns(CLOCK_MONOTONIC) + step);
    sem_clockwait(ring->completed, CLOCK_MONOTONIC, &until);
  }
}

/* Polls if the last wait was short, else or then sleeps. */
static void await_completion(struct lmp_ring *ring, const int64_t *limit_ns) {
  int64_t begun = now_ns(CLOCK_MONOTONIC);
  if (ring->spin_ns > 0 && atomic_load_explicit(&ring->spins, memory_order_relaxed) &&
      spin(ring, begun + shortened(ring->spin_ns, limit_ns))) {
    return;
  }
  sleep_step(ring, limit_ns);
  bool was_short = now_ns(CLOCK_MONOTONIC) - begun < 2 * ring->spin_ns;
  atomic_store_explicit(&ring->spins, was_short, memory_order_relaxed);
}

/* Without a time limit the caller would wait forever for a daemon that died; -ENOTCONN tells. */
static int check_alive(struct lmp_ring *ring, int64_t *next_check_ns) {
  int64_t now = now_ns(CLOCK_MONOTONIC);
  if (ring->mount == NULL || now < *next_check_ns) {
    return 0;
  }
  bool first = *next_check_ns == 0;
  *next_check_ns = now + ALIVE_CHECK_NS;
  return first || lmp_mount_alive(ring->mount) ? 0 : -ENOTCONN;
}

static int wait_for(struct lmp_ring *ring, struct hf3fs_cqe *cqes, int max, int min,
                    const int64_t *limit_ns) {
  int got = 0;
  int64_t next_check_ns = 0;
  for (;;) {
    int n = reap_and_tell(ring, cqes + got, max - got);
    if (n < 0) {
      return got > 0 ? got : n;
    }
    got += n;
    if (got >= min || (limit_ns != NULL && now_ns(CLOCK_REALTIME) >= *limit_ns)) {
      return got;
    }
    int rc = limit_ns == NULL ? check_alive(ring, &next_check_ns) : 0;
    if (rc < 0) {
      return got > 0 ? got : rc;
    }
    await_completion(ring, limit_ns);
  }
}

int hf3fs_wait_for_ios(const struct hf3fs_ior *ior, struct hf3fs_cqe *cqes, int cqec,
                       int min_results, const struct timespec *abs_timeout) {
  if (ior == NULL || ior->iorh == NULL || cqes == NULL || cqec <= 0) {
    return -EINVAL;
  }
  int min = min_results < cqec ? min_results : cqec;
  if (abs_timeout == NULL) {
    return wait_for(ior->iorh, cqes, cqec, min, NULL);
  }
  if (abs_timeout->tv_nsec < 0 || abs_timeout->tv_nsec >= NS_PER_S) {
    return -EINVAL;
  }
  /* Far beyond any clock is as good as the end of the scale. */
  int64_t limit_ns = INT64_MAX;
  if (abs_timeout->tv_sec < INT64_MAX / NS_PER_S) {
    limit_ns = abs_timeout->tv_sec < 0
                   ? 0
                   : abs_timeout->tv_sec * NS_PER_S + abs_timeout->tv_nsec;
  }
  return wait_for(ior->iorh, cqes, cqec, min, &limit_ns);
}
