/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of the library know of each other.
 *
 *   key.c    the names of registrations
 *   mount.c  which mount a path is on; the directory of registrations; its semaphores
 *   iov.c    shared memory and its registration
 *   ior.c    creating and destroying rings
 *   io.c     prepare, submit, wait
 *   fd.c     registered file descriptors
 *   ctl.c    what goes by ioctl
 *
 * Invariants
 *   I1  A failed call leaves nothing behind: no shared memory, no mapping, no symlink, no handle.
 *   I2  Only the process that made a registration unlinks it; a forked child that destroys an
 *       inherited iov or ring gives up its own mapping only.
 *   I3  A slot is free, or claimed by one prepared I/O whose completion was not reaped.
 *   I4  For every mount on which this process registered something, one directory descriptor that
 *       this process opened stays open: its release tells the daemon that the process is gone.
 *
 * Threading: creating and destroying from any thread; per ring one thread prepares while others
 * reap. Locks protect the tables of mounts and of descriptors (held across fork) and the reaping
 * side of a ring; the free list of slots is lock-free.
 */
#ifndef LMP_INTERNAL_H
#define LMP_INTERNAL_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Everything else is hidden (-fvisibility=hidden); the version script lists the same names. */
#pragma GCC visibility push(default)
#include "hf3fs_usrbio.h"
#pragma GCC visibility pop

#include "layout.h"

#define LMP_VIRT_DIR "3fs-virt"
#define LMP_IOVS_DIR LMP_VIRT_DIR "/iovs"
#define LMP_SHM_DIR "/dev/shm/"

/* --- key.c --------------------------------------------------------------------------------- */

#define LMP_ID_BYTES 16
#define LMP_KEY_MAX 192      /* 32 + ".b" 20 + ".r" 11 + ".ph" + ".t" 10 + ".f" 64 + NUL, rounded up */
#define LMP_SHM_NAME_MAX 64  /* "/hf3fs-iov-" 36 + NUL, rounded up */
#define LMP_SUBMIT_NAME_MAX 16

struct lmp_ring_attrs {
  bool for_read;
  int io_depth;
  int priority;
  int timeout_ms;
  uint64_t flags;
};

/* Fills id with a random (version 4) UUID: 0 or -errno. */
int lmp_random_id(uint8_t id[LMP_ID_BYTES]);
/* "/hf3fs-iov-<uuid with hyphens>" */
void lmp_shm_name(char out[LMP_SHM_NAME_MAX], const uint8_t id[LMP_ID_BYTES]);
/* The name of a registration; ring is NULL for a data buffer. */
void lmp_key(char out[LMP_KEY_MAX], const uint8_t id[LMP_ID_BYTES], size_t block_size,
             const struct lmp_ring_attrs *ring);
/* "submit-ios", "submit-ios.ph" or "submit-ios.pl" */
const char *lmp_submit_name(int priority);

/* --- mount.c ------------------------------------------------------------------------------- */

struct lmp_mount; /* lives as long as the process */

/* The directory of registrations of a mount, opened by this process: 0 or -errno. */
int lmp_mount_open(const char *mount_point, struct lmp_mount **out);
/* Its descriptor, or -1 once the daemon behind it was found dead and replaced. */
int lmp_mount_dir(const struct lmp_mount *mount);
/* False when the daemon that served this directory is gone. May ask the daemon. */
bool lmp_mount_alive(const struct lmp_mount *mount);
/* Opens the submit semaphore for a priority: 0 or -errno. */
int lmp_submit_sem_open(const char *mount_point, int priority, sem_t **out);
/* Undoes the \ooo escapes of /proc/self/mountinfo in place. */
void lmp_unescape(char *text);
/* From now on forks leave the table of mounts whole; the first lmp_mount_open does it, too. */
void lmp_mount_init(void);
/* Copies a mount point into a 256-byte field: 0, or -EINVAL when NULL, empty or too long. */
int lmp_mount_point_copy(char out[256], const char *mount_point);

/* --- iov.c --------------------------------------------------------------------------------- */

/* iovcreate, for a ring when ring is not NULL. */
int lmp_iov_create(struct hf3fs_iov *iov, const char *mount_point, size_t size, size_t block_size,
                   int numa, const struct lmp_ring_attrs *ring);
/* The mount that an iov of lmp_iov_create was registered on. */
struct lmp_mount *lmp_iov_mount(const struct hf3fs_iov *iov);

/* --- ior.c, io.c --------------------------------------------------------------------------- */

/* Behind hf3fs_ior.iorh. */
struct lmp_ring {
  int32_t slots; /* E */
  struct lmp_ring_head *head;
  struct lmp_args *args;
  struct hf3fs_cqe *cqes;
  struct lmp_sqe *sqes;
  sem_t *completed;

  sem_t *submit;
  struct lmp_mount *mount; /* NULL for a wrapped ring */
  bool wrapped;
  int64_t wait_step_ns;
  int64_t spin_ns;    /* how long a wait polls before it sleeps */
  _Atomic bool spins; /* the last wait was short enough for that */

  pthread_mutex_t reap_lock; /* owns cqe_tail */
  size_t free_words;
  size_t free_hint;           /* owned by the preparing thread */
  _Atomic uint64_t free_map[]; /* bit set: the slot is free */
};

/* A number from the environment; what is none of that range is told to the log. */
long lmp_setting(const char *name, long min, long max, long otherwise);
/* Whether one is there that nobody has reaped: a hint, for reaping looks again. */
bool lmp_has_completion(const struct lmp_ring *ring);
/* Entries that fit into that many bytes; 0 when not even one does. */
int lmp_ring_entries(size_t size);
/* hf3fs_prep_io for an inode that this process holds open, registered or not. */
int lmp_prep(const struct hf3fs_ior *ior, const struct hf3fs_iov *iov, bool read, void *ptr,
             uint64_t ino, uint64_t off, uint64_t len, const void *userdata);

/* --- fd.c ---------------------------------------------------------------------------------- */

/* The inode of a registered descriptor or handle: 0, -EINVAL, -EBADF or -EACCES. */
int lmp_fd_inode(int fd, bool read, uint64_t *ino);

/* --- log.c --------------------------------------------------------------------------------- */

enum lmp_level { LMP_DEBUG, LMP_INFO, LMP_WARN, LMP_ERROR, LMP_OFF };

/* One line on stderr if HF3FS_USRBIO_LIB_LOG (default WARN) lets it through; keeps errno. */
void lmp_log(enum lmp_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
