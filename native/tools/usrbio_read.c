/* SPDX-License-Identifier: Apache-2.0
 *
 * lampyris-usrbio-read: reads files through one ring and says how fast that was.
 *
 * Sequential: every file from start to end, `depth` blocks outstanding, optionally hashed in file
 * order while later blocks are on their way. Random: whole blocks at random places of all files,
 * `depth` outstanding, for a time; latency from preparing to reaping.
 *
 * Exit codes: 0 done, 1 failed, 2 wrong usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hf3fs_usrbio.h"
#include "sha256.h"

#define EXIT_USAGE 2
#define MIB (1024.0 * 1024.0)
#define DEPTH_MAX 65536
#define BLOCK_MAX ((size_t)1 << 30)
#define SECONDS_MAX 86400.0
/* A daemon that completes nothing for that long is given up. */
#define STALL_SECONDS_MAX 60

static const char usage_text[] =
    "usage: lampyris-usrbio-read [option]... FILE...\n"
    "Reads files of a Lampyris mount through a USRBIO ring.\n"
    "\n"
    "  --depth N      I/Os outstanding (default 32, at most 65536)\n"
    "  --block SIZE   bytes of one I/O, such as 4KiB or 1MiB (default 1MiB, at most 1GiB)\n"
    "  --sha256       also print the SHA-256 of every file\n"
    "  --random       read blocks at random places of the files instead\n"
    "  --seconds S    for that long (default 5; with --random)\n"
    "  --seed N       of the random places (default: from the clock; is printed)\n"
    "  --json         print one JSON object\n"
    "  --help         print this\n";

struct options {
  int depth;
  size_t block;
  bool sha256;
  bool random;
  bool json;
  double seconds;
  uint64_t seed;
  char **paths;
  int count;
};

struct file {
  const char *path;
  int fd;
  bool registered;
  uint64_t size;
  double seconds;
  char sha256[SHA256_HEX_CHARS];
};

struct slot {
  uint64_t started_ns;
  uint64_t expected;
  bool done;
};

struct session {
  const struct options *opt;
  struct file *files;
  int depth; /* what is of use: never more than blocks in the largest file */
  struct hf3fs_iov iov;
  struct hf3fs_ior ior;
  struct slot *slots; /* slot i owns bytes i * block .. of the iov */
  struct hf3fs_cqe *cqes;
};

/* Latency in ns, in buckets of 1/64 of a power of two. */
#define BUCKETS ((64 - 6) * 64 + 64)
struct histogram {
  uint64_t count;
  uint64_t max;
  uint64_t buckets[BUCKETS];
};

static int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int fail(const char *format, ...) {
  va_list args;
  va_start(args, format);
  fputs("lampyris-usrbio-read: ", stderr);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
  return 1;
}

static uint64_t now_ns(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static double mib_per_s(uint64_t bytes, double seconds) {
  return seconds > 0 ? (double)bytes / MIB / seconds : 0;
}

/* --- Options ----------------------------------------------------------------------------------- */

static bool parse_number(const char *text, uint64_t max, uint64_t *out) {
  char *end;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  *out = value;
  return errno == 0 && end != text && *end == '\0' && text[0] != '-' && value <= max;
}

/* 4096, 4K, 4KiB, 1M, 1MiB, 1G, 1GiB: powers of 1024. */
static bool parse_size(const char *text, uint64_t max, uint64_t *out) {
  static const char units[] = "KMG";
  char *end;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (errno != 0 || end == text || text[0] == '-') {
    return false;
  }
  const char *unit = *end == '\0' ? NULL : strchr(units, *end);
  if (unit != NULL) {
    int shift = 10 * (int)(unit - units + 1);
    if (value > UINT64_MAX >> shift) {
      return false;
    }
    value <<= shift;
    end += strcmp(end + 1, "iB") == 0 ? 3 : 1;
  }
  *out = value;
  return *end == '\0' && value >= 1 && value <= max;
}

static bool parse_seconds(const char *text, double *out) {
  char *end;
  *out = strtod(text, &end);
  return end != text && *end == '\0' && *out > 0 && *out <= SECONDS_MAX;
}

static int usage_error(const char *what, const char *observed, const char *limit) {
  fail("%s; observed=%s, limit: %s; remedy: see --help", what, observed, limit);
  return EXIT_USAGE;
}

enum { OPT_DEPTH = 1, OPT_BLOCK, OPT_SHA256, OPT_RANDOM, OPT_SECONDS, OPT_SEED, OPT_JSON, OPT_HELP };

static int apply_option(int option, const char *arg, struct options *opt) {
  uint64_t value;
  switch (option) {
    case OPT_DEPTH:
      if (!parse_number(arg, DEPTH_MAX, &value) || value == 0) {
        return usage_error("wrong --depth", arg, "1..65536");
      }
      opt->depth = (int)value;
      return 0;
    case OPT_BLOCK:
      if (!parse_size(arg, BLOCK_MAX, &value)) {
        return usage_error("wrong --block", arg, "1..1GiB, such as 4096, 4KiB or 1MiB");
      }
      opt->block = value;
      return 0;
    case OPT_SECONDS:
      return parse_seconds(arg, &opt->seconds)
                 ? 0
                 : usage_error("wrong --seconds", arg, "more than 0, at most 86400");
    case OPT_SEED:
      return parse_number(arg, UINT64_MAX, &opt->seed)
                 ? 0
                 : usage_error("wrong --seed", arg, "0..18446744073709551615");
    case OPT_SHA256: opt->sha256 = true; return 0;
    case OPT_RANDOM: opt->random = true; return 0;
    case OPT_JSON: opt->json = true; return 0;
    default: return EXIT_USAGE; /* getopt has said what */
  }
}

/* 0 to go on, -1 when help was asked for, else the exit code. */
static int parse_options(int argc, char **argv, struct options *opt) {
  static const struct option options[] = {
      {"depth", required_argument, NULL, OPT_DEPTH},
      {"block", required_argument, NULL, OPT_BLOCK},
      {"sha256", no_argument, NULL, OPT_SHA256},
      {"random", no_argument, NULL, OPT_RANDOM},
      {"seconds", required_argument, NULL, OPT_SECONDS},
      {"seed", required_argument, NULL, OPT_SEED},
      {"json", no_argument, NULL, OPT_JSON},
      {"help", no_argument, NULL, OPT_HELP},
      {NULL, 0, NULL, 0},
  };
  *opt = (struct options){.depth = 32, .block = 1 << 20, .seconds = 5, .seed = now_ns()};
  bool seconds_given = false;
  optind = 0;
  for (int o; (o = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
    if (o == OPT_HELP || o == 'h') {
      fputs(usage_text, stdout);
      return -1;
    }
    seconds_given |= o == OPT_SECONDS;
    int rc = apply_option(o, optarg, opt);
    if (rc != 0) {
      return rc;
    }
  }
  opt->paths = argv + optind;
  opt->count = argc - optind;
  if (opt->count == 0) {
    return usage_error("no file to read", "none", "at least one FILE");
  }
  if (opt->random && opt->sha256) {
    return usage_error("--random and --sha256 exclude each other", "both", "one of them");
  }
  if (seconds_given && !opt->random) {
    return usage_error("--seconds needs --random", "--seconds alone", "with --random");
  }
  return 0;
}

/* --- Files and the ring ------------------------------------------------------------------------ */

static int open_file(struct file *f, char mount[256], bool first) {
  char found[256];
  struct stat st;
  f->fd = open(f->path, O_RDONLY | O_CLOEXEC);
  if (f->fd < 0 || fstat(f->fd, &st) != 0) {
    return fail("cannot open %s; observed=%s; remedy: check the path", f->path, strerror(errno));
  }
  if (!S_ISREG(st.st_mode)) {
    return fail("cannot read %s; observed: not a regular file; remedy: name files", f->path);
  }
  f->size = (uint64_t)st.st_size;
  int n = hf3fs_extract_mount_point(found, sizeof found, f->path);
  if (n < 0 || n > (int)sizeof found) {
    return fail("%s is not on a Lampyris mount; observed: no fuse.hf3fs mount with 3fs-virt above "
                "it; remedy: name files under the mount point", f->path);
  }
  if (first) {
    memcpy(mount, found, sizeof found);
  } else if (strcmp(mount, found) != 0) {
    return fail("files on several mounts; observed=%s and %s, limit=one mount; remedy: one call "
                "per mount", mount, found);
  }
  int rc = hf3fs_reg_fd(f->fd, 0);
  if (rc > 0) {
    return fail("cannot register %s; observed=%s; remedy: check the mount", f->path, strerror(rc));
  }
  f->registered = true;
  return 0;
}

static int open_files(struct session *s, char mount[256]) {
  for (int i = 0; i < s->opt->count; i++) {
    s->files[i] = (struct file){.path = s->opt->paths[i], .fd = -1};
  }
  for (int i = 0; i < s->opt->count; i++) {
    int rc = open_file(&s->files[i], mount, i == 0);
    if (rc != 0) {
      return rc;
    }
  }
  return 0;
}

static int useful_depth(const struct session *s) {
  uint64_t blocks_max = 1;
  for (int i = 0; i < s->opt->count; i++) {
    uint64_t blocks = (s->files[i].size + s->opt->block - 1) / s->opt->block;
    blocks_max = blocks > blocks_max ? blocks : blocks_max;
  }
  return s->opt->random || blocks_max > (uint64_t)s->opt->depth ? s->opt->depth : (int)blocks_max;
}

static int open_ring(struct session *s, const char *mount) {
  s->depth = useful_depth(s);
  size_t depth = (size_t)s->depth;
  s->slots = calloc(depth, sizeof *s->slots);
  s->cqes = calloc(depth, sizeof *s->cqes);
  if (s->slots == NULL || s->cqes == NULL) {
    return fail("out of memory; remedy: a smaller --depth");
  }
  int rc = hf3fs_iovcreate(&s->iov, mount, depth * s->opt->block, 0, -1);
  if (rc < 0) {
    return fail("cannot create a buffer of %zu bytes; observed=%s; remedy: smaller --depth or "
                "--block, a larger /dev/shm, check the mount", depth * s->opt->block,
                strerror(-rc));
  }
  rc = hf3fs_iorcreate(&s->ior, mount, s->depth, true, 0, -1);
  if (rc < 0) {
    return fail("cannot create a ring of %d entries; observed=%s; remedy: check the mount and "
                "the daemon's log", s->depth, strerror(-rc));
  }
  return 0;
}

static int open_session(struct session *s, const struct options *opt) {
  char mount[256];
  memset(s, 0, sizeof *s);
  s->opt = opt;
  s->files = calloc((size_t)opt->count, sizeof *s->files);
  if (s->files == NULL) {
    return fail("out of memory; remedy: fewer files");
  }
  int rc = open_files(s, mount);
  return rc != 0 ? rc : open_ring(s, mount);
}

static void close_session(struct session *s) {
  if (s->ior.iorh != NULL) {
    hf3fs_iordestroy(&s->ior);
  }
  if (s->iov.iovh != NULL) {
    hf3fs_iovdestroy(&s->iov);
  }
  for (int i = 0; s->files != NULL && i < s->opt->count; i++) {
    if (s->files[i].registered) {
      hf3fs_dereg_fd(s->files[i].fd);
    }
    if (s->files[i].fd >= 0) {
      close(s->files[i].fd);
    }
  }
  free(s->files);
  free(s->slots);
  free(s->cqes);
}

static uint8_t *slot_memory(const struct session *s, int slot) {
  return s->iov.base + (size_t)slot * s->opt->block;
}

/* A daemon may free entries in order: then the ring stays full behind a slow I/O although others
 * were reaped. That is no error, so it has a code of its own. */
#define RING_FULL (-1)

/* 0, RING_FULL, or 1 after saying what failed. */
static int start_read(struct session *s, const struct file *f, int slot, uint64_t offset,
                      uint64_t length) {
  s->slots[slot] = (struct slot){.started_ns = now_ns(), .expected = length};
  int rc = hf3fs_prep_io(&s->ior, &s->iov, true, slot_memory(s, slot), f->fd, offset, length,
                         &s->slots[slot]);
  if (rc == -EAGAIN) {
    return RING_FULL;
  }
  return rc >= 0 ? 0
                 : fail("cannot prepare a read of %s at %llu; observed=%s", f->path,
                        (unsigned long long)offset, strerror(-rc));
}

static int submit(struct session *s) {
  int rc = hf3fs_submit_ios(&s->ior);
  return rc == 0 ? 0 : fail("cannot submit; observed=%s; remedy: check /dev/shm", strerror(-rc));
}

/* At least `min` completions into s->cqes: their number, or -1 after saying why not. */
static int reap(struct session *s, int min) {
  for (int waited = 0; waited < STALL_SECONDS_MAX; waited++) {
    struct timespec limit;
    struct stat st;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 1;
    int n = hf3fs_wait_for_ios(&s->ior, s->cqes, s->depth, min, &limit);
    if (n < 0) {
      fail("cannot wait for completions; observed=%s; remedy: check the daemon", strerror(-n));
      return -1;
    }
    if (n >= min || n > 0) {
      return n;
    }
    if (fstat(s->files[0].fd, &st) != 0 && errno == ENOTCONN) {
      fail("the daemon behind the mount is gone; observed=%s; remedy: start it", strerror(errno));
      return -1;
    }
  }
  fail("no completion; observed=%d s, limit=%d s; remedy: check the daemon's log",
       STALL_SECONDS_MAX, STALL_SECONDS_MAX);
  return -1;
}

static int check_result(const struct hf3fs_cqe *cqe, const char *path) {
  const struct slot *slot = cqe->userdata;
  if (cqe->result < 0) {
    return fail("cannot read %s; observed=%s", path, strerror((int)-cqe->result));
  }
  if ((uint64_t)cqe->result != slot->expected) {
    return fail("short read of %s; observed=%lld bytes, expected=%llu; remedy: does someone "
                "truncate it?", path, (long long)cqe->result, (unsigned long long)slot->expected);
  }
  return 0;
}

/* --- Sequential -------------------------------------------------------------------------------- */

struct scan {
  struct file *file;
  uint64_t blocks;
  uint64_t next;  /* to be started */
  uint64_t front; /* to be finished: all before it are hashed, and their slots free again */
  struct sha256 sha;
};

static uint64_t block_length(const struct session *s, const struct scan *scan, uint64_t index) {
  uint64_t left = scan->file->size - index * s->opt->block;
  return left < s->opt->block ? left : s->opt->block;
}

static int start_blocks(struct session *s, struct scan *scan) {
  const uint64_t depth = (uint64_t)s->depth;
  bool any = false;
  while (scan->next < scan->blocks && scan->next - scan->front < depth) {
    int rc = start_read(s, scan->file, (int)(scan->next % depth), scan->next * s->opt->block,
                        block_length(s, scan, scan->next));
    if (rc == RING_FULL && scan->next > scan->front) {
      break; /* go on when something completes */
    }
    if (rc > 0) {
      return rc;
    }
    if (rc == RING_FULL) {
      sched_yield(); /* nothing is outstanding, so nothing would wake us */
      continue;
    }
    scan->next++;
    any = true;
  }
  return any ? submit(s) : 0;
}

static int mark_done(struct session *s, const struct scan *scan, int min) {
  int n = reap(s, min);
  for (int i = 0; i < n; i++) {
    int rc = check_result(&s->cqes[i], scan->file->path);
    if (rc != 0) {
      return rc;
    }
    /* The pointer came from us as const; the slots are ours to change. */
    s->slots[(const struct slot *)s->cqes[i].userdata - s->slots].done = true;
  }
  return n < 0 ? 1 : 0;
}

static bool front_is_done(const struct session *s, const struct scan *scan) {
  return scan->front < scan->next && s->slots[scan->front % (uint64_t)s->depth].done;
}

/* One block, so that its slot is started again before the next is hashed. */
static void finish_front(const struct session *s, struct scan *scan) {
  if (s->opt->sha256) {
    sha256_update(&scan->sha, slot_memory(s, (int)(scan->front % (uint64_t)s->depth)),
                  block_length(s, scan, scan->front));
  }
  scan->front++;
}

static int read_file(struct session *s, struct file *f) {
  uint64_t started = now_ns();
  struct scan scan = {.file = f, .blocks = (f->size + s->opt->block - 1) / s->opt->block};
  sha256_init(&scan.sha);
  while (scan.front < scan.blocks) {
    int rc = start_blocks(s, &scan);
    if (rc == 0) {
      rc = mark_done(s, &scan, front_is_done(s, &scan) ? 0 : 1);
    }
    if (rc != 0) {
      return rc;
    }
    if (front_is_done(s, &scan)) {
      finish_front(s, &scan);
    }
  }
  if (s->opt->sha256) {
    uint8_t digest[SHA256_BYTES];
    sha256_final(&scan.sha, digest);
    sha256_hex(digest, f->sha256);
  }
  f->seconds = (double)(now_ns() - started) / 1e9;
  return 0;
}

static void print_json_string(const char *text) {
  putchar('"');
  for (const char *p = text; *p != '\0'; p++) {
    unsigned char c = (unsigned char)*p;
    if (c == '"' || c == '\\') {
      printf("\\%c", c);
    } else if (c < 0x20) {
      printf("\\u%04x", c);
    } else {
      putchar(c);
    }
  }
  putchar('"');
}

static void print_sequential_json(const struct session *s) {
  uint64_t bytes = 0;
  double seconds = 0;
  printf("{\"mode\":\"sequential\",\"block_bytes\":%zu,\"depth\":%d,\"files\":[", s->opt->block,
         s->opt->depth);
  for (int i = 0; i < s->opt->count; i++) {
    const struct file *f = &s->files[i];
    printf("%s{\"path\":", i == 0 ? "" : ",");
    print_json_string(f->path);
    printf(",\"bytes\":%llu,\"seconds\":%.6f,\"mib_per_s\":%.1f", (unsigned long long)f->size,
           f->seconds, mib_per_s(f->size, f->seconds));
    printf(s->opt->sha256 ? ",\"sha256\":\"%s\"}" : "%s}", f->sha256);
    bytes += f->size;
    seconds += f->seconds;
  }
  printf("],\"bytes\":%llu,\"seconds\":%.6f,\"mib_per_s\":%.1f}\n", (unsigned long long)bytes,
         seconds, mib_per_s(bytes, seconds));
}

static int run_sequential(struct session *s) {
  for (int i = 0; i < s->opt->count; i++) {
    struct file *f = &s->files[i];
    int rc = read_file(s, f);
    if (rc != 0) {
      return rc;
    }
    if (!s->opt->json) {
      printf("%s %llu %.6f %.1f%s%s\n", f->path, (unsigned long long)f->size, f->seconds,
             mib_per_s(f->size, f->seconds), s->opt->sha256 ? " " : "", f->sha256);
      fflush(stdout);
    }
  }
  if (s->opt->json) {
    print_sequential_json(s);
  }
  return 0;
}

/* --- Random ------------------------------------------------------------------------------------ */

static void record(struct histogram *h, uint64_t value) {
  int shift = value < 64 ? 0 : 63 - __builtin_clzll(value) - 6;
  h->buckets[(uint64_t)shift * 64 + (value >> shift)]++;
  h->count++;
  h->max = value > h->max ? value : h->max;
}

/* The middle of the bucket in which the value of that rank lies, in µs. */
static double percentile_us(const struct histogram *h, double share) {
  uint64_t rank = (uint64_t)(share * (double)h->count + 0.5);
  uint64_t seen = 0;
  rank = rank == 0 ? 1 : rank;
  for (size_t b = 0; b < BUCKETS; b++) {
    seen += h->buckets[b];
    if (seen >= rank) {
      int shift = b < 128 ? 0 : (int)(b / 64) - 1;
      double middle = (double)((b - (size_t)shift * 64) << shift) + (double)(1ull << shift) / 2;
      return (middle < (double)h->max ? middle : (double)h->max) / 1e3;
    }
  }
  return (double)h->max / 1e3;
}

/* SplitMix64: a counter stepped by the golden ratio, mixed. */
static uint64_t next_random(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

struct bench {
  uint64_t *ends; /* ends[i]: whole blocks in files 0 .. i */
  uint64_t random;
  int *idle; /* slots that are not in the ring */
  int idle_count;
  struct histogram latency;
  double seconds;
};

static int start_random(struct session *s, struct bench *b, int slot) {
  uint64_t total = b->ends[s->opt->count - 1];
  uint64_t block = next_random(&b->random) % total;
  int low = 0;
  for (int high = s->opt->count - 1; low < high;) {
    int middle = low + (high - low) / 2;
    if (b->ends[middle] > block) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  uint64_t in_file = block - (low == 0 ? 0 : b->ends[low - 1]);
  return start_read(s, &s->files[low], slot, in_file * s->opt->block, s->opt->block);
}

/* Starts a read in every idle slot, until the ring is full. */
static int start_idle(struct session *s, struct bench *b) {
  int started = 0;
  while (b->idle_count > 0) {
    int rc = start_random(s, b, b->idle[b->idle_count - 1]);
    if (rc == RING_FULL && b->idle_count == s->depth) {
      sched_yield(); /* nothing is outstanding, so nothing would wake us */
      continue;
    }
    if (rc == RING_FULL) {
      break;
    }
    if (rc != 0) {
      return rc;
    }
    b->idle_count--;
    started++;
  }
  return started > 0 ? submit(s) : 0;
}

static int finish_reads(struct session *s, struct bench *b) {
  int n = reap(s, 1);
  uint64_t now = now_ns();
  for (int i = 0; i < n; i++) {
    const struct slot *slot = s->cqes[i].userdata;
    int rc = check_result(&s->cqes[i], "one of the files");
    if (rc != 0) {
      return rc;
    }
    record(&b->latency, now - slot->started_ns);
    b->idle[b->idle_count++] = (int)(slot - s->slots);
  }
  return n < 0 ? 1 : 0;
}

static int run_bench(struct session *s, struct bench *b) {
  uint64_t started = now_ns();
  uint64_t end = started + (uint64_t)(s->opt->seconds * 1e9);
  int rc = 0;
  for (int i = 0; i < s->depth; i++) {
    b->idle[b->idle_count++] = i;
  }
  while (rc == 0 && now_ns() < end) {
    rc = start_idle(s, b);
    rc = rc == 0 ? finish_reads(s, b) : rc;
  }
  while (rc == 0 && b->idle_count < s->depth) {
    rc = finish_reads(s, b);
  }
  b->seconds = (double)(now_ns() - started) / 1e9;
  return rc;
}

static void print_random(const struct session *s, const struct bench *b) {
  const struct histogram *h = &b->latency;
  double iops = (double)h->count / b->seconds;
  double rate = mib_per_s(h->count * s->opt->block, b->seconds);
  double p50 = percentile_us(h, 0.5);
  double p99 = percentile_us(h, 0.99);
  double p999 = percentile_us(h, 0.999);
  double max = (double)h->max / 1e3;
  if (s->opt->json) {
    printf("{\"mode\":\"random\",\"block_bytes\":%zu,\"depth\":%d,\"seed\":%llu,\"ios\":%llu,"
           "\"bytes\":%llu,\"seconds\":%.6f,\"iops\":%.1f,\"mib_per_s\":%.1f,\"latency_us\":"
           "{\"p50\":%.1f,\"p99\":%.1f,\"p99_9\":%.1f,\"max\":%.1f}}\n",
           s->opt->block, s->opt->depth, (unsigned long long)s->opt->seed,
           (unsigned long long)h->count, (unsigned long long)(h->count * s->opt->block),
           b->seconds, iops, rate, p50, p99, p999, max);
    return;
  }
  printf("%llu reads of %zu bytes in %.3f s, depth %d, seed=%llu\n", (unsigned long long)h->count,
         s->opt->block, b->seconds, s->opt->depth, (unsigned long long)s->opt->seed);
  printf("%.1f IOPS, %.1f MiB/s, latency us: p50 %.1f, p99 %.1f, p99.9 %.1f, max %.1f\n", iops,
         rate, p50, p99, p999, max);
}

static int run_random(struct session *s) {
  struct bench *b = calloc(1, sizeof *b);
  uint64_t *ends = calloc((size_t)s->opt->count, sizeof *ends);
  int *idle = calloc((size_t)s->depth, sizeof *idle);
  int rc = 0;
  uint64_t total = 0;
  if (b == NULL || ends == NULL || idle == NULL) {
    rc = fail("out of memory");
  }
  for (int i = 0; rc == 0 && i < s->opt->count; i++) {
    total += s->files[i].size / s->opt->block;
    ends[i] = total;
  }
  if (rc == 0 && total == 0) {
    rc = fail("no file holds a whole block; observed: all are shorter than %zu bytes; remedy: a "
              "smaller --block or larger files", s->opt->block);
  }
  if (rc == 0) {
    b->ends = ends;
    b->idle = idle;
    b->random = s->opt->seed;
    rc = run_bench(s, b);
  }
  if (rc == 0) {
    print_random(s, b);
  }
  free(idle);
  free(ends);
  free(b);
  return rc;
}

int main(int argc, char **argv) {
  struct options opt;
  int rc = parse_options(argc, argv, &opt);
  if (rc != 0) {
    return rc < 0 ? 0 : rc;
  }
  struct session session;
  rc = open_session(&session, &opt);
  if (rc == 0) {
    rc = opt.random ? run_random(&session) : run_sequential(&session);
  }
  close_session(&session);
  if (fflush(stdout) != 0 && rc == 0) {
    rc = fail("cannot write the result; observed=%s", strerror(errno));
  }
  return rc;
}
