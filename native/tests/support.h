/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests share: checks, a directory that looks like a mount, the calls wrapped by the
 * linker, and a ring server that knows the layout from the specification only.
 */
#ifndef LMP_TEST_SUPPORT_H
#define LMP_TEST_SUPPORT_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

#include "hf3fs_usrbio.h"

#define SKIP 77

#define CHECK(condition)                                                              \
  do {                                                                                \
    if (!(condition)) {                                                               \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);         \
      exit(1);                                                                        \
    }                                                                                 \
  } while (0)

#define CHECK_EQ(observed, expected)                                                       \
  do {                                                                                     \
    long long observed_ = (long long)(observed);                                           \
    long long expected_ = (long long)(expected);                                           \
    if (observed_ != expected_) {                                                          \
      fprintf(stderr, "%s:%d: %s; observed=%lld, expected=%lld\n", __FILE__, __LINE__,     \
              #observed, observed_, expected_);                                            \
      exit(1);                                                                             \
    }                                                                                      \
  } while (0)

/* A plain directory with 3fs-virt/iovs and three real semaphores; removed at exit. */
struct fake_mount {
  char path[64];
  char iovs[96];
  char sem_names[3][64];
};
void mount_make(struct fake_mount *m);
/* The posts that the submit semaphore of a priority holds. */
int mount_submits(const struct fake_mount *m, int priority);
/* Names in iovs other than the semaphores; the last one is copied to key if key is not NULL. */
int mount_registrations(const struct fake_mount *m, char key[256]);

/* A file whose descriptors the wrapped ioctl takes for files of the mount. */
int mount_file(const struct fake_mount *m, const char *name, int open_flags);

/* When set, sees every symlink and unlink in 3fs-virt/iovs first: 0, or an errno to refuse it. */
extern int (*on_register)(const char *target, const char *key);
extern void (*on_deregister)(const char *key);

/* When set, answers every other ioctl on a file of the mount: 0, or an errno. */
extern int (*on_ioctl)(int fd, unsigned long request, const void *arg);

/* Makes the next call of that kind fail with this errno (0: no more). */
extern _Atomic int fail_symlinkat;
extern _Atomic int fail_fallocate;
/* The name that the last shm_open was called with. */
extern char last_shm_name[128];

struct timespec in_ms(int ms);
int64_t monotonic_ms(void);

/* Serves one ring from a thread, as the daemon does: reads sqes, does the I/O on real files with
 * pread and pwrite, pushes cqes, posts the semaphore. */
struct ring_server {
  pthread_t thread;
  uint8_t *base;
  int32_t slots;
  bool for_read;
  /* Does the I/O that 56 bytes of arguments describe: bytes, or -errno. */
  int64_t (*io)(const struct ring_server *s, const uint8_t *args);
  const struct hf3fs_iov *iov; /* of the default io: the one buffer, */
  int fd;                      /* and the one file */
  uint64_t flags;
  int batch_max; /* 0: no limit */
  _Atomic bool stop;
  _Atomic bool paused;
  _Atomic int batch_min; /* waits until that many are prepared */
  _Atomic bool shuffled; /* completes a batch in reverse order */
  _Atomic int64_t served;
};
/* Bytes that all servers together have moved. */
extern _Atomic int64_t bytes_served;
/* Initialises the semaphore of a ring, as the daemon does at registration. */
void ring_init_semaphore(const struct hf3fs_ior *ior, int entries);
void server_start(struct ring_server *s, const struct hf3fs_ior *ior, int entries,
                  const struct hf3fs_iov *iov);
void server_stop(struct ring_server *s);
/* The two halves of server_start, for a ring mapped elsewhere. */
void server_init_semaphore(struct ring_server *s);
void server_run(struct ring_server *s);
uint64_t u64(const uint8_t *p);

/* daemon.c: stands for the daemon of a whole mount in this process. Parses and checks
 * registrations, maps their memory, serves every ring; finds files among this process's own. */
void daemon_start(void);
/* Makes the daemon flip a bit in everything it reads. */
extern _Atomic bool corrupt_reads;

#endif
