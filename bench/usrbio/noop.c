/*
 * What the way through a ring costs without any data: reads behind the end of an empty file, which end with 0 bytes, next
 * to io_uring's NOP, in turns of the same run.
 *
 *   trip: one at a time: prepare, submit, wait
 *   pipe: 256 under way, prepared, submitted and reaped as they come, 32 at most in a call
 *
 * usage: noop FILE SECONDS
 * prints for each of ring and nop: "trip-p50 SIDE NS", "trip-p99 SIDE NS", "pipe SIDE OPERATIONS_PER_SECOND"
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "hf3fs_usrbio.h"

#define UNDER_WAY 256
#define IN_A_CALL 32
#define SAMPLES (1 << 20)

static uint32_t *samples;

static void die(const char *what, int error) {
  fprintf(stderr, "noop: %s; observed=%s; remedy: check the mount\n", what, strerror(error));
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* --- Two ways to do nothing: begins some, waits for at least one, says how many ended ------------ */

struct way {
  const char *name;
  void (*begin)(int count);
  int (*await)(void);
};

static struct hf3fs_iov iov;
static struct hf3fs_ior ior;
static int file;

static void ring_begin(int count) {
  for (int i = 0; i < count; i++) {
    int rc = hf3fs_prep_io(&ior, &iov, true, iov.base, file, 0, 1, NULL);
    if (rc < 0)
      die("cannot prepare", -rc);
  }
  int rc = hf3fs_submit_ios(&ior);
  if (rc != 0)
    die("cannot submit", -rc);
}

static int ring_await(void) {
  struct hf3fs_cqe cqes[IN_A_CALL];
  int n = hf3fs_wait_for_ios(&ior, cqes, IN_A_CALL, 1, NULL);
  if (n <= 0)
    die("cannot wait", -n);
  for (int i = 0; i < n; i++)
    if (cqes[i].result != 0)
      die("not nothing was read", cqes[i].result < 0 ? (int)-cqes[i].result : EIO);
  return n;
}

static struct {
  int fd;
  struct io_uring_params params;
  uint8_t *rings;
  struct io_uring_sqe *sqes;
  unsigned unsubmitted;
} kernel;

static _Atomic uint32_t *word(uint32_t at) {
  return (_Atomic uint32_t *)(void *)(kernel.rings + at);
}

static void nop_begin(int count) {
  uint32_t mask = *word(kernel.params.sq_off.ring_mask);
  uint32_t tail = atomic_load_explicit(word(kernel.params.sq_off.tail), memory_order_relaxed);
  for (int i = 0; i < count; i++, tail++) {
    kernel.sqes[tail & mask] = (struct io_uring_sqe){.opcode = IORING_OP_NOP};
    ((uint32_t *)(void *)(kernel.rings + kernel.params.sq_off.array))[tail & mask] = tail & mask;
  }
  atomic_store_explicit(word(kernel.params.sq_off.tail), tail, memory_order_release);
  kernel.unsubmitted += (unsigned)count;
}

static int nop_await(void) {
  uint32_t head = atomic_load_explicit(word(kernel.params.cq_off.head), memory_order_relaxed);
  uint32_t tail = atomic_load_explicit(word(kernel.params.cq_off.tail), memory_order_acquire);
  if (kernel.unsubmitted > 0 || head == tail) {
    long rc = syscall(SYS_io_uring_enter, kernel.fd, kernel.unsubmitted, 1, IORING_ENTER_GETEVENTS, NULL, 0);
    if (rc < 0)
      die("cannot enter io_uring", errno);
    kernel.unsubmitted -= (unsigned)rc;
    tail = atomic_load_explicit(word(kernel.params.cq_off.tail), memory_order_acquire);
  }
  uint32_t n = tail - head < IN_A_CALL ? tail - head : IN_A_CALL;
  atomic_store_explicit(word(kernel.params.cq_off.head), head + n, memory_order_release);
  return (int)n;
}

static const struct way ways[] = {{"ring", ring_begin, ring_await}, {"nop", nop_begin, nop_await}};

/* --- Setting up --------------------------------------------------------------------------------- */

static void open_ring(const char *path) {
  char mount[256];
  file = open(path, O_RDONLY);
  if (file < 0)
    die("cannot open the file", errno);
  int rc = hf3fs_extract_mount_point(mount, sizeof mount, path);
  if (rc < 0)
    die("no file of a mount", EINVAL);
  rc = hf3fs_reg_fd(file, 0);
  if (rc > 0)
    die("cannot register the file", rc);
  rc = hf3fs_iovcreate(&iov, mount, 4096, 0, -1);
  if (rc < 0)
    die("cannot create a buffer", -rc);
  rc = hf3fs_iorcreate(&ior, mount, UNDER_WAY, true, 0, -1);
  if (rc < 0)
    die("cannot create a ring", -rc);
}

static void open_kernel(void) {
  kernel.fd = (int)syscall(SYS_io_uring_setup, UNDER_WAY, &kernel.params);
  if (kernel.fd < 0)
    die("no io_uring", errno);
  const struct io_uring_params *p = &kernel.params;
  size_t sq = p->sq_off.array + p->sq_entries * sizeof(uint32_t);
  size_t cq = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
  kernel.rings = mmap(NULL, sq > cq ? sq : cq, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, kernel.fd,
                      IORING_OFF_SQ_RING);
  kernel.sqes = mmap(NULL, p->sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_POPULATE, kernel.fd, IORING_OFF_SQES);
  if (kernel.rings == MAP_FAILED || kernel.sqes == MAP_FAILED || !(p->features & IORING_FEAT_SINGLE_MMAP))
    die("cannot map io_uring", errno);
}

/* --- Measuring ---------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static size_t trips(const struct way *way, uint64_t until) {
  size_t count = 0;
  uint64_t begun = now_ns();
  while (count < SAMPLES && begun < until) {
    way->begin(1);
    way->await();
    uint64_t ended = now_ns();
    samples[count++] = (uint32_t)(ended - begun);
    begun = ended;
  }
  return count;
}

static uint64_t piped(const struct way *way, uint64_t until) {
  uint64_t done = 0;
  int under_way = 0;
  while (under_way + IN_A_CALL <= UNDER_WAY) {
    way->begin(IN_A_CALL);
    under_way += IN_A_CALL;
  }
  while (now_ns() < until) {
    int n = way->await();
    done += (uint64_t)n;
    way->begin(n);
  }
  while (under_way > 0)
    under_way -= way->await();
  return done;
}

int main(int argc, char **argv) {
  if (argc != 3) {
    fputs("usage: noop FILE SECONDS\n", stderr);
    return 2;
  }
  uint64_t measured_ns = (uint64_t)(atof(argv[2]) * 1e9);
  samples = calloc(SAMPLES, sizeof *samples);
  if (samples == NULL)
    die("no memory", ENOMEM);
  open_ring(argv[1]);
  open_kernel();
  for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
    const struct way *way = &ways[w];
    /* What comes first warms up: caches here, compiled code there. */
    trips(way, now_ns() + measured_ns / 4);
    size_t n = trips(way, now_ns() + measured_ns);
    qsort(samples, n, sizeof *samples, by_size);
    printf("trip-p50 %s %u\ntrip-p99 %s %u\n", way->name, samples[n / 2], way->name, samples[n * 99 / 100]);
    piped(way, now_ns() + measured_ns / 4);
    uint64_t begun = now_ns();
    uint64_t done = piped(way, begun + measured_ns);
    printf("pipe %s %.0f\n", way->name, (double)done * 1e9 / (double)(now_ns() - begun));
  }
  hf3fs_iordestroy(&ior);
  hf3fs_iovdestroy(&iov);
  hf3fs_dereg_fd(file);
  close(file);
  free(samples);
  return 0;
}
