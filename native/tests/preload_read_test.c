/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads through the preload library are those of the kernel: bytes, ends, holes, offsets.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "preload_support.h"

static struct fake_mount mnt;
static uint8_t *memory;

static void aFileReadInPiecesIsTheFile(size_t piece) {
  int fd = preload_open(&mnt, "f", O_RDONLY);
  int64_t before = atomic_load(&bytes_served);
  uint64_t at = 0;
  for (ssize_t n; (n = read(fd, memory, piece)) != 0; at += (uint64_t)n) {
    CHECK_EQ(n, FILE_BYTES - at < piece ? FILE_BYTES - at : piece);
    check_bytes(memory, (size_t)n, at);
    CHECK_EQ(lseek(fd, 0, SEEK_CUR), at + (uint64_t)n);
  }
  CHECK_EQ(at, FILE_BYTES);
  /* All of it, and no byte twice. */
  CHECK_EQ(atomic_load(&bytes_served) - before, FILE_BYTES);
  close(fd);
}

static void readsAtPlacesFindThem(void) {
  int fd = preload_open(&mnt, "f", O_RDONLY);
  uint64_t state = 1;
  for (int i = 0; i < 200; i++) {
    state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    uint64_t at = (state >> 20) % FILE_BYTES;
    size_t length = BLOCK_BYTES + (state >> 40) % (1 << 20);
    size_t left = FILE_BYTES - at < length ? FILE_BYTES - at : length;
    CHECK_EQ(pread(fd, memory, length, (off_t)at), left);
    check_bytes(memory, left, at);
  }
  CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
  CHECK_EQ(pread(fd, memory, BLOCK_BYTES, FILE_BYTES), 0);
  CHECK_EQ(pread(fd, memory, BLOCK_BYTES, FILE_BYTES + 12345), 0);
  errno = 0;
  CHECK_EQ(pread(fd, memory, BLOCK_BYTES, -1), -1);
  CHECK_EQ(errno, EINVAL);
  CHECK_EQ(read(fd, memory, 0), 0);
  close(fd);
}

static void vectorsAreFilledInOrder(void) {
  int fd = preload_open(&mnt, "f", O_RDONLY);
  struct iovec iov[] = {{memory, 10}, {memory + 4096, 0}, {memory + 8192, 700001},
                        {memory + 800000, 3}};
  for (uint64_t at = 0; at < 4 * 700014; at += 700014) {
    CHECK_EQ(readv(fd, iov, 4), 700014);
    check_bytes(memory, 10, at);
    check_bytes(memory + 8192, 700001, at + 10);
    check_bytes(memory + 800000, 3, at + 700011);
  }
  CHECK_EQ(preadv(fd, iov, 4, 333), 700014);
  check_bytes(memory + 8192, 700001, 343);
  CHECK_EQ(preadv2(fd, iov, 4, -1, 0), 700014);
  check_bytes(memory, 10, 4 * 700014);
  CHECK_EQ(lseek(fd, 0, SEEK_CUR), 5 * 700014);
  close(fd);
}

static void holesAreZeros(void) {
  int fd = mount_file(&mnt, "holes", O_CREAT | O_RDWR);
  CHECK_EQ(ftruncate(fd, 8 << 20), 0);
  CHECK_EQ(pwrite(fd, "x", 1, 5 << 20), 1);
  memset(memory, 7, 6 << 20);
  CHECK_EQ(read(fd, memory, 6 << 20), 6 << 20);
  for (int i = 0; i < 6 << 20; i++) {
    CHECK_EQ(memory[i], i == 5 << 20 ? 'x' : 0);
  }
  close(fd);
}

static void modesAreTheKernels(void) {
  int fd = preload_open(&mnt, "f", O_WRONLY);
  errno = 0;
  CHECK_EQ(read(fd, memory, 1 << 20), -1);
  CHECK_EQ(errno, EBADF);
  close(fd);
  errno = 0;
  CHECK_EQ(read(fd, memory, 1 << 20), -1);
  CHECK_EQ(errno, EBADF);
}

/* A number that means another file now, closed and opened behind our back. */
static void numbersMayChangeHands(void) {
  int fd = preload_open(&mnt, "f", O_RDONLY);
  CHECK_EQ(read(fd, memory, 1 << 20), 1 << 20);
  int pipes[2];
  CHECK_EQ(pipe(pipes), 0);
  FILE *stream = fdopen(fd, "r");
  CHECK(stream != NULL);
  fclose(stream);
  CHECK_EQ(fcntl(pipes[0], F_DUPFD, fd), fd);
  CHECK_EQ(write(pipes[1], "pipe", 4), 4);
  CHECK_EQ(read(fd, memory, 1 << 20), 4);
  CHECK(memcmp(memory, "pipe", 4) == 0);
  close(fd);
  close(pipes[0]);
  close(pipes[1]);
}

static void test(void) {
  memory = preload_buffer();
  static const size_t pieces[] = {BLOCK_BYTES, 128 << 10, 100001, 1 << 20, 4 << 20, FILE_BYTES + 1};
  for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
    aFileReadInPiecesIsTheFile(pieces[i]);
  }
  readsAtPlacesFindThem();
  vectorsAreFilledInOrder();
  holesAreZeros();
  modesAreTheKernels();
  numbersMayChangeHands();
  CHECK_EQ(mount_registrations(&mnt, NULL), 2); /* one thread, one ring and its buffer */
  free(memory);
}

int main(void) {
  preload_begin(&mnt, "f");
  CHECK_EQ(preload_run(test), 0);
  return 0;
}
