/* SPDX-License-Identifier: Apache-2.0 */
#include "preload_support.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct fake_mount *the_mount;

int __wrap_pl_find_mount_point(uint32_t major, uint32_t minor, char out[256]);

/* A directory is in no table of mounts. */
int __wrap_pl_find_mount_point(uint32_t major, uint32_t minor, char out[256]) {
  (void)major;
  (void)minor;
  snprintf(out, 256, "%s", the_mount->path);
  return 0;
}

static uint64_t word_at(uint64_t offset) { return offset * UINT64_C(0x9e3779b97f4a7c15) + 1; }

enum { BOARD_WORDS = 1 << 14 };
static _Atomic uint32_t *board;
static char board_path[128];
static pid_t board_owner;

static void remove_board(void) {
  if (getpid() == board_owner) {
    unlink(board_path);
  }
}

static void make_board(const struct fake_mount *m) {
  char link[256];
  snprintf(board_path, sizeof board_path, "/dev/shm/lmp-test-changes-%d", (int)getpid());
  int fd = open(board_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  CHECK(fd >= 0);
  board_owner = getpid();
  atexit(remove_board);
  CHECK_EQ(ftruncate(fd, BOARD_WORDS * 4), 0);
  board = mmap(NULL, BOARD_WORDS * 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  CHECK(board != MAP_FAILED);
  close(fd);
  snprintf(link, sizeof link, "%s/changes", m->iovs);
  CHECK_EQ(symlink(board_path, link), 0);
}

/* The place by the page of ChangeBoard: the upper bits of a product. */
void tell_change(uint64_t ino) {
  atomic_fetch_add(&board[(ino * UINT64_C(0x9e3779b97f4a7c15)) / (UINT64_MAX / BOARD_WORDS + 1)], 1);
}

void preload_begin(struct fake_mount *m, const char *name) {
  alarm(120); /* who waits for ever fails */
  mount_make(m);
  the_mount = m;
  make_board(m); /* before the daemon takes symlinks for registrations */
  daemon_start();
  uint8_t *block = malloc(BLOCK_BYTES);
  int fd = mount_file(m, name, O_CREAT | O_RDWR);
  CHECK(block != NULL);
  for (uint64_t at = 0; at < FILE_BYTES; at += BLOCK_BYTES) {
    for (uint64_t i = 0; i < BLOCK_BYTES; i += 8) {
      uint64_t word = word_at(at + i);
      memcpy(block + i, &word, 8);
    }
    CHECK_EQ(write(fd, block, BLOCK_BYTES), BLOCK_BYTES);
  }
  close(fd);
  free(block);
}

int preload_open(const struct fake_mount *m, const char *name, int flags) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", m->path, name);
  int fd = open(path, flags | O_CLOEXEC);
  CHECK(fd >= 0);
  return fd;
}

void check_bytes(const uint8_t *memory, size_t length, uint64_t offset) {
  for (size_t i = 0; i < length; i++) {
    uint64_t at = offset + i;
    uint64_t word = word_at(at & ~UINT64_C(7));
    if (at % 8 == 0 && length - i >= 8 && memcmp(memory + i, &word, 8) == 0) {
      i += 7;
      continue;
    }
    if (memory[i] != (uint8_t)(word >> (8 * (at & 7)))) {
      fprintf(stderr, "wrong byte at offset %llu of the file\n", (unsigned long long)at);
      exit(1);
    }
  }
}

uint8_t *preload_buffer(void) {
  uint8_t *memory = aligned_alloc(4096, FILE_BYTES + 4096);
  CHECK(memory != NULL);
  return memory;
}

static void *run_body(void *arg) {
  void (*const *body)(void) = arg;
  (*body)();
  return NULL;
}

int preload_run(void (*body)(void)) {
  pthread_t thread;
  CHECK_EQ(pthread_create(&thread, NULL, run_body, &body), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  return mount_registrations(the_mount, NULL);
}
