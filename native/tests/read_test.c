/* SPDX-License-Identifier: Apache-2.0
 *
 * lampyris-usrbio-read against the daemon of these tests.
 */
#include <unistd.h>

#include "support.h"

int read_main(int argc, char **argv);
#define main read_main
#include "usrbio_read.c"
#undef main

int __wrap_hf3fs_extract_mount_point(char *out, int size, const char *path);

static struct fake_mount mnt;
static char small[128]; /* 10 bytes */
static char large[128]; /* 5 MiB + 321 bytes */
static char empty[128];
static char large_sha[SHA256_HEX_CHARS];
static char output[8192];

/* A plain directory is no mount. */
int __wrap_hf3fs_extract_mount_point(char *out, int size, const char *path) {
  if (strncmp(path, mnt.path, strlen(mnt.path)) != 0) {
    return -1;
  }
  snprintf(out, (size_t)size, "%s", mnt.path);
  return (int)strlen(mnt.path) + 1;
}

static void make_file(char path[128], const char *name, size_t bytes, char sha[SHA256_HEX_CHARS]) {
  struct sha256 hash;
  uint8_t digest[SHA256_BYTES];
  uint64_t state = bytes;
  int fd = mount_file(&mnt, name, O_CREAT | O_RDWR);
  sha256_init(&hash);
  for (size_t at = 0; at < bytes;) {
    uint64_t words[512];
    size_t n = bytes - at < sizeof words ? bytes - at : sizeof words;
    for (int i = 0; i < 512; i++) {
      words[i] = next_random(&state);
    }
    CHECK_EQ(write(fd, words, n), n);
    sha256_update(&hash, words, n);
    at += n;
  }
  close(fd);
  sha256_final(&hash, digest);
  sha256_hex(digest, sha);
  snprintf(path, 128, "%s/%s", mnt.path, name);
}

/* Runs the program with these arguments, its output in `output`: the exit code. */
static int run(const char *const *args) {
  char *argv[16] = {NULL};
  char name[] = "lampyris-usrbio-read";
  int argc = 0;
  argv[argc++] = name;
  for (; args[argc - 1] != NULL; argc++) {
    argv[argc] = strdup(args[argc - 1]);
    CHECK(argv[argc] != NULL);
  }
  char *original[16];
  memcpy(original, argv, sizeof argv); /* getopt permutes */
  fflush(stdout);
  int saved = dup(1);
  FILE *capture = tmpfile();
  CHECK(saved >= 0 && capture != NULL);
  CHECK_EQ(dup2(fileno(capture), 1), 1);
  int rc = read_main(argc, argv);
  fflush(stdout);
  CHECK_EQ(dup2(saved, 1), 1);
  close(saved);
  rewind(capture);
  size_t n = fread(output, 1, sizeof output - 1, capture);
  output[n] = '\0';
  fclose(capture);
  for (int i = 1; i < argc; i++) {
    free(original[i]);
  }
  CHECK_EQ(mount_registrations(&mnt, NULL), 0);
  return rc;
}

#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

static void wrongUsageIsCode2(void) {
  static const char *const none[] = {NULL};
  CHECK_EQ(run(none), 2);
  CHECK_EQ(RUN("--depth", "0", large), 2);
  CHECK_EQ(RUN("--depth", "-1", large), 2);
  CHECK_EQ(RUN("--depth", "65537", large), 2);
  CHECK_EQ(RUN("--depth", "x", large), 2);
  CHECK_EQ(RUN("--block", "0", large), 2);
  CHECK_EQ(RUN("--block", "2GiB", large), 2);
  CHECK_EQ(RUN("--block", "4Kib", large), 2);
  CHECK_EQ(RUN("--block", "4X", large), 2);
  CHECK_EQ(RUN("--block", "99999999999999999999", large), 2);
  CHECK_EQ(RUN("--block", "18014398509481984K", large), 2);
  CHECK_EQ(RUN("--random", "--seconds", "0", large), 2);
  CHECK_EQ(RUN("--random", "--seconds", "nan", large), 2);
  CHECK_EQ(RUN("--random", "--seed", "-3", large), 2);
  CHECK_EQ(RUN("--random", "--sha256", large), 2);
  CHECK_EQ(RUN("--seconds", "1", large), 2);
  CHECK_EQ(RUN("--unknown", large), 2);
  CHECK_EQ(RUN("--depth"), 2);
  CHECK_EQ(strlen(output), 0);
  CHECK_EQ(RUN("--help"), 0);
  CHECK(strstr(output, "--depth") != NULL);
}

static void whatCannotBeReadIsCode1(void) {
  CHECK_EQ(RUN("/nowhere"), 1);
  CHECK_EQ(RUN("/etc/passwd"), 1);
  CHECK_EQ(RUN(mnt.path), 1);
  CHECK_EQ(RUN(large, "/etc/passwd"), 1);
  CHECK_EQ(RUN("--random", small), 1); /* holds no block */
  CHECK_EQ(strlen(output), 0);
}

static void theHashIsThatOfTheContent(const char *depth, const char *block) {
  char expected[512];
  CHECK_EQ(RUN("--depth", depth, "--block", block, "--sha256", large, empty), 0);
  snprintf(expected, sizeof expected, "%s 5243201 ", large);
  CHECK(strncmp(output, expected, strlen(expected)) == 0);
  CHECK(strstr(output, large_sha) != NULL);
  CHECK(strstr(output, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") != NULL);
}

static void jsonIsOneObject(void) {
  char expected[512];
  CHECK_EQ(RUN("--json", "--sha256", "--block", "64KiB", large, small), 0);
  CHECK(strncmp(output, "{\"mode\":\"sequential\",\"block_bytes\":65536,\"depth\":32,", 51) == 0);
  snprintf(expected, sizeof expected, "{\"path\":\"%s\",\"bytes\":5243201,", large);
  CHECK(strstr(output, expected) != NULL);
  snprintf(expected, sizeof expected, "\"sha256\":\"%s\"}", large_sha);
  CHECK(strstr(output, expected) != NULL);
  CHECK(strstr(output, "],\"bytes\":5243211,") != NULL);
  CHECK(strcmp(output + strlen(output) - 2, "}\n") == 0);
}

static void randomReadsAreCountedAndTimed(void) {
  CHECK_EQ(RUN("--random", "--seconds", "0.3", "--block", "4KiB", "--seed", "7", large, small), 0);
  CHECK(strstr(output, "seed=7") != NULL && strstr(output, "p99.9 ") != NULL);
  CHECK_EQ(RUN("--random", "--seconds", "0.3", "--block", "4KiB", "--depth", "300", "--json", large),
           0);
  const char *ios = strstr(output, "\"ios\":");
  CHECK(ios != NULL && atoi(ios + 6) >= 300);
  CHECK(strstr(output, "\"p99_9\":") != NULL);
}

static void percentilesAreThoseOfTheValues(void) {
  static struct histogram h;
  for (uint64_t i = 1; i <= 100000; i++) {
    record(&h, i * 1000);
  }
  CHECK(percentile_us(&h, 0.5) > 49000 && percentile_us(&h, 0.5) < 51000);
  CHECK(percentile_us(&h, 0.99) > 97500 && percentile_us(&h, 0.99) < 100000);
  CHECK(percentile_us(&h, 1) <= 100000);
  static struct histogram ends;
  record(&ends, 0);
  record(&ends, UINT64_MAX);
  CHECK(percentile_us(&ends, 0.5) < 0.001);
  CHECK(percentile_us(&ends, 1) > 1e15);
}

int main(void) {
  char sha[SHA256_HEX_CHARS];
  mount_make(&mnt);
  make_file(large, "large \"one\"", 5 * 1048576 + 321, large_sha);
  make_file(small, "small", 10, sha);
  make_file(empty, "empty", 0, sha);
  wrongUsageIsCode2();
  daemon_start();
  whatCannotBeReadIsCode1();
  theHashIsThatOfTheContent("1", "1MiB");
  for (int i = 0; i < 10; i++) {
    theHashIsThatOfTheContent("2", "4096");
  }
  theHashIsThatOfTheContent("4", "4096");
  theHashIsThatOfTheContent("32", "100001");
  theHashIsThatOfTheContent("32", "1G");
  percentilesAreThoseOfTheValues();
  randomReadsAreCountedAndTimed();
  char plain[128];
  snprintf(plain, sizeof plain, "%s/large", mnt.path);
  CHECK_EQ(rename(large, plain), 0);
  memcpy(large, plain, sizeof large);
  jsonIsOneObject();
  return 0;
}
