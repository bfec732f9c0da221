/* SPDX-License-Identifier: Apache-2.0
 *
 * A thread's ring, and windows: pieces of files in its iov, under way or there.
 *
 *     read(2) ──► the windows that it lacks, and some ahead; one post
 *             ◄── windows, in order, copied as they come; older ones only if the board agrees
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "preload.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

enum {
  WINDOWS = 16,
  WINDOW_BYTES = 512 << 10,
  AHEAD_MAX = 7, /* of one file: two files side by side find room */
  STREAMS = 4,
  ENTRIES = 64,
  PAGE = 4096,
  THREADS_MAX = 32, /* each has 8 MiB of shared memory */
  PATIENCE_S = 60,  /* longer than the daemon's own limit of an operation */
};

enum window_state { FREE, UNDER_WAY, THERE };

struct window {
  uint64_t ino;
  uint64_t start;
  uint32_t length;
  uint32_t changes; /* what the board said before it was asked for */
  int64_t result;
  uint64_t call; /* in which it was asked for */
  enum window_state state;
  bool dropped; /* nobody wants it any more, but the daemon still writes there */
};

struct stream {
  uint64_t ino;
  uint64_t expected; /* where the next read begins if it goes on */
  uint64_t last_call;
  unsigned streak;
};

/* Lives in pages that a fork wipes (P5): state 0 is a thread without a ring. */
struct thread {
  enum { NONE, READY, FAILED } state;
  volatile bool busy;
  struct pl_mount *mount;
  struct hf3fs_iov iov;
  struct hf3fs_ior ior;
  uint64_t call;
  bool posted; /* nothing was prepared since the last post */
  struct window windows[WINDOWS];
  struct stream streams[STREAMS];
};

static __thread struct thread *self __attribute__((tls_model("initial-exec")));
static pthread_key_t thread_key;
static _Atomic int threads;

/* --- A thread's ring -------------------------------------------------------------------------- */

static void release(void *arg) {
  struct thread *t = arg;
  self = NULL;
  if (t->state == READY) {
    t->busy = true;
    hf3fs_iordestroy(&t->ior);
    hf3fs_iovdestroy(&t->iov);
    atomic_fetch_sub(&threads, 1);
  }
  munmap(t, sizeof *t);
}

/* A child has its parent's count, but none of its rings. */
static void forget_threads(void) {
  atomic_store(&threads, 0);
  pl_mounts_forked();
}

void pl_stream_init(void) {
  pthread_key_create(&thread_key, release);
  pthread_atfork(NULL, NULL, forget_threads);
  lmp_mount_init();
}

static struct thread *thread_memory(void) {
  if (self != NULL) {
    return self;
  }
  struct thread *t = mmap(NULL, sizeof *t, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (t == MAP_FAILED) {
    return NULL;
  }
  if (madvise(t, sizeof *t, MADV_WIPEONFORK) != 0 || pthread_setspecific(thread_key, t) != 0) {
    munmap(t, sizeof *t);
    return NULL;
  }
  self = t;
  return t;
}

static int make_ring(struct thread *t, struct pl_mount *mount) {
  int rc = pl_mount_board(mount);
  if (rc < 0) {
    return rc;
  }
  rc = hf3fs_iovcreate(&t->iov, mount->mount_point, (size_t)WINDOWS * WINDOW_BYTES, 0, -1);
  if (rc < 0) {
    return rc;
  }
  hf3fs_iovunlink(&t->iov); /* the daemon has it: nothing is left when we are killed */
  rc = hf3fs_iorcreate(&t->ior, mount->mount_point, ENTRIES, true, 0, -1);
  if (rc < 0) {
    hf3fs_iovdestroy(&t->iov);
    return rc;
  }
  /* A child must not even map them: what the daemon fills is ours. */
  madvise(t->iov.base, t->iov.size, MADV_DONTFORK);
  madvise(t->ior.iov.base, t->ior.iov.size, MADV_DONTFORK);
  pl_mount_keep(mount, lmp_mount_dir(lmp_iov_mount(&t->iov)));
  return 0;
}

static void open_ring(struct thread *t, struct pl_mount *mount) {
  t->state = FAILED;
  if (atomic_fetch_add(&threads, 1) >= THREADS_MAX) {
    atomic_fetch_sub(&threads, 1);
    pl_log("this thread's reads go by the kernel; observed=%d threads with rings; limit=%d; "
           "remedy: read from fewer threads", THREADS_MAX, THREADS_MAX);
    return;
  }
  int rc = make_ring(t, mount);
  if (rc < 0) {
    atomic_fetch_sub(&threads, 1);
    pl_mount_give_up(mount, "no ring", -rc);
    return;
  }
  t->mount = mount;
  t->state = READY;
}

/* --- Windows ---------------------------------------------------------------------------------- */

static uint64_t end_of(const struct window *w) { return w->start + w->length; }

static uint8_t *memory_of(const struct thread *t, const struct window *w) {
  return t->iov.base + (size_t)(w - t->windows) * WINDOW_BYTES;
}

static void drop(struct window *w) {
  if (w->state == UNDER_WAY) {
    w->dropped = true;
  } else {
    w->state = FREE;
  }
}

static struct window *covering(struct thread *t, uint64_t ino, uint64_t at) {
  for (int i = 0; i < WINDOWS; i++) {
    struct window *w = &t->windows[i];
    if (w->state != FREE && !w->dropped && w->ino == ino && w->start <= at && at < end_of(w)) {
      return w;
    }
  }
  return NULL;
}

/* A place for a new window: a free one, or what has waited longest; never what this call asked for
 * or what the daemon writes to. */
static struct window *take_window(struct thread *t) {
  struct window *oldest = NULL;
  for (int i = 0; i < WINDOWS; i++) {
    struct window *w = &t->windows[i];
    if (w->state == FREE) {
      return w;
    }
    if (w->state == THERE && w->call != t->call && (oldest == NULL || w->call < oldest->call)) {
      oldest = w;
    }
  }
  return oldest;
}

static bool fetch(struct thread *t, uint64_t ino, uint64_t start, uint32_t length) {
  struct window *w = take_window(t);
  if (w == NULL) {
    return false;
  }
  uint32_t changes = pl_changes(t->mount, ino);
  if (lmp_prep(&t->ior, &t->iov, true, memory_of(t, w), ino, start, length, w) < 0) {
    return false;
  }
  *w = (struct window){.ino = ino,
                       .start = start,
                       .length = length,
                       .changes = changes,
                       .call = t->call,
                       .state = UNDER_WAY};
  t->posted = false;
  return true;
}

static void post(struct thread *t) {
  if (!t->posted) {
    hf3fs_submit_ios(&t->ior);
    t->posted = true;
  }
}

static void take_completion(struct thread *t, const struct hf3fs_cqe *cqe) {
  size_t index = ((uintptr_t)cqe->userdata - (uintptr_t)t->windows) / sizeof t->windows[0];
  if (index < WINDOWS) {
    struct window *w = &t->windows[index];
    w->result = cqe->result;
    w->state = w->dropped ? FREE : THERE;
    w->dropped = false;
  }
}

static int take_completions(struct thread *t, int min, const struct timespec *limit) {
  struct hf3fs_cqe cqes[WINDOWS];
  int n = hf3fs_wait_for_ios(&t->ior, cqes, WINDOWS, min, limit);
  for (int i = 0; i < n; i++) {
    take_completion(t, &cqes[i]);
  }
  return n;
}

/* Takes what came since the last call. */
static void drain(struct thread *t) {
  static const struct timespec past;
  while (lmp_has_completion(t->ior.iorh) && take_completions(t, 0, &past) > 0) {
  }
}

/* Waits for at least one completion; false when none will come any more. */
static bool reap(struct thread *t) {
  post(t);
  for (int waited_s = 0; waited_s < PATIENCE_S; waited_s++) {
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec++;
    int n = take_completions(t, 1, &limit);
    if (n > 0) {
      return true;
    }
    if (n < 0 || !pl_mount_usable(t->mount) || !pl_mount_alive(t->mount)) {
      break;
    }
  }
  pl_mount_give_up(t->mount, "no completions: the daemon is gone", ENOTCONN);
  return false;
}

/* --- Reading ---------------------------------------------------------------------------------- */

/* Takes note of a read; how many windows are to be kept under way ahead of it. */
static unsigned note(struct thread *t, uint64_t ino, uint64_t offset, struct stream **out) {
  struct stream *oldest = &t->streams[0];
  for (int i = 0; i < STREAMS; i++) {
    struct stream *s = &t->streams[i];
    if (s->ino == ino) {
      oldest = s;
      break;
    }
    oldest = s->last_call < oldest->last_call ? s : oldest;
  }
  if (oldest->ino != ino) {
    *oldest = (struct stream){.ino = ino};
  }
  oldest->streak = offset == oldest->expected ? oldest->streak + 1 : 0;
  oldest->last_call = t->call;
  *out = oldest;
  return oldest->streak == 0 ? 0 : oldest->streak >= 3 ? AHEAD_MAX : 1u << oldest->streak;
}

/* Asks for what is missing between two places, window by window; true when all is asked for. */
static void cover(struct thread *t, uint64_t ino, uint64_t from, uint64_t to, bool whole) {
  while (from < to) {
    const struct window *w = covering(t, ino, from);
    if (w != NULL) {
      from = end_of(w);
      continue;
    }
    uint64_t start = from & ~(uint64_t)(PAGE - 1);
    uint64_t end = (start / WINDOW_BYTES + 1) * WINDOW_BYTES;
    uint64_t wanted = (to + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    end = whole || end < wanted ? end : wanted;
    if (!fetch(t, ino, start, (uint32_t)(end - start))) {
      return;
    }
    from = end;
  }
}

/* Forgets what was fetched of a file before this call. */
static void drop_older(struct thread *t, uint64_t ino) {
  for (int i = 0; i < WINDOWS; i++) {
    struct window *w = &t->windows[i];
    if (w->state != FREE && w->ino == ino && w->call != t->call) {
      drop(w);
    }
  }
}

/* Where a read's bytes go. */
struct cursor {
  const struct iovec *iov;
  int left;  /* vectors */
  size_t at; /* in the first of them */
};

/* Copies, but for memory that is not there or not to be written: how many bytes went. */
static size_t copy_out(struct cursor *to, const uint8_t *from, size_t length) {
  size_t done = 0;
  while (done < length && to->left > 0) {
    size_t room = to->iov->iov_len - to->at;
    size_t n = length - done < room ? length - done : room;
    if (n > 0) {
      uint8_t *into = (uint8_t *)to->iov->iov_base + to->at;
      uintptr_t first = (uintptr_t)into & ~(uintptr_t)(PAGE - 1);
      uintptr_t last = ((uintptr_t)into + n + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
      if (madvise((void *)first, last - first, MADV_POPULATE_WRITE) == 0) {
        memcpy(into, from + done, n);
      } else {
        struct iovec source = {.iov_base = (void *)(uintptr_t)(from + done), .iov_len = n};
        struct iovec target = {.iov_base = into, .iov_len = n};
        ssize_t went = process_vm_writev(getpid(), &source, 1, &target, 1, 0);
        if (went != (ssize_t)n) {
          return done + (went > 0 ? (size_t)went : 0);
        }
      }
    }
    done += n;
    to->at += n;
    if (to->at == to->iov->iov_len) {
      to->iov++;
      to->left--;
      to->at = 0;
    }
  }
  return done;
}

static bool is_any_under_way(const struct thread *t) {
  for (int i = 0; i < WINDOWS; i++) {
    if (t->windows[i].state == UNDER_WAY) {
      return true;
    }
  }
  return false;
}

/* Waits until a window is there and known to be of now: 0, -EAGAIN to look again, or PL_KERNEL. */
static int settle(struct thread *t, struct window *w) {
  if (w->call != t->call && pl_changes(t->mount, w->ino) != w->changes) {
    drop_older(t, w->ino); /* P4 */
    return -EAGAIN;
  }
  while (w->state == UNDER_WAY) {
    if (!reap(t)) {
      return PL_KERNEL;
    }
  }
  if (w->result < 0) {
    drop(w);
    return PL_KERNEL;
  }
  return 0;
}

static ssize_t read_windows(struct thread *t, const struct statx *st, struct cursor *to,
                            size_t length, uint64_t offset) {
  struct stream *s;
  uint64_t ino = st->stx_ino;
  uint64_t end = offset + length;
  unsigned ahead = note(t, ino, offset, &s);
  /* A hint: the kernel's size may be old, and then the rest is fetched when it is asked for. */
  uint64_t ahead_limit = st->stx_size > end ? st->stx_size : end;
  size_t done = 0;
  while (done < length) {
    uint64_t at = offset + done;
    uint64_t reach = at + (uint64_t)AHEAD_MAX * WINDOW_BYTES;
    uint64_t want = end < reach ? end : reach;
    cover(t, ino, at, want, ahead > 0);
    if (ahead > 0) {
      uint64_t far = end + (uint64_t)ahead * WINDOW_BYTES;
      far = far < reach ? far : reach;
      cover(t, ino, want, far < ahead_limit ? far : ahead_limit, true);
    }
    post(t);
    struct window *w = covering(t, ino, at);
    if (w == NULL) {
      /* Nowhere to put it: what is under way and not wanted any more makes room. */
      if (is_any_under_way(t) && reap(t)) {
        continue;
      }
      return done > 0 ? (ssize_t)done : PL_KERNEL;
    }
    int rc = settle(t, w);
    if (rc == -EAGAIN) {
      continue;
    }
    uint64_t there = rc == 0 ? w->start + (uint64_t)w->result : 0;
    if (rc < 0 || there <= at) {
      if (rc == 0) {
        drop(w); /* the end of the file: ask again next time */
      }
      s->expected = at;
      return done > 0 || rc == 0 ? (ssize_t)done : rc;
    }
    size_t n = there - at < length - done ? (size_t)(there - at) : length - done;
    size_t went = copy_out(to, memory_of(t, w) + (at - w->start), n);
    done += went;
    if (went < n) {
      s->expected = offset + done;
      return done > 0 ? (ssize_t)done : -EFAULT;
    }
    if (offset + done >= there) {
      bool short_window = there < end_of(w);
      drop(w);
      if (short_window) {
        break;
      }
    }
  }
  s->expected = offset + done;
  return (ssize_t)done;
}

ssize_t pl_read(struct pl_mount *mount, const struct statx *st, const struct iovec *iov, int count,
                size_t length, uint64_t offset) {
  struct thread *t = thread_memory();
  if (t == NULL || t->busy) {
    return PL_KERNEL;
  }
  t->busy = true; /* P5 */
  atomic_signal_fence(memory_order_seq_cst);
  if (t->state == NONE) {
    open_ring(t, mount);
  }
  ssize_t n = PL_KERNEL;
  if (t->state == READY && t->mount == mount && pl_mount_usable(mount)) {
    struct cursor to = {.iov = iov, .left = count};
    drain(t);
    t->call++;
    n = read_windows(t, st, &to, length, offset);
  }
  atomic_signal_fence(memory_order_seq_cst);
  t->busy = false;
  return n;
}
