/* SPDX-License-Identifier: Apache-2.0
 *
 * liblampyris_preload.so: read(2) and its relatives on files of a mount, through rings.
 *
 *   calls.c   the calls that programs make, in place of libc's
 *   mounts.c  which devices are mounts with rings; mountinfo.c finds where they are mounted
 *   stream.c  a thread's ring, what it has read ahead, and reading from both
 *   host.c    log, memory and semaphores for code that may run in a signal handler
 *
 * Everything but reads is the kernel's: it opens, writes, seeks, duplicates, maps, and it keeps the
 * offset of every open file. So whatever is not taken over here is right without our knowing.
 *
 * Invariants
 *   P1  A read that is not served here whole and right is done by the kernel; the caller sees no
 *       error of a ring.
 *   P2  A descriptor's number says nothing: device, inode and mode are asked for at each read, for
 *       descriptors change hands behind our back (fclose, raw system calls).
 *   P3  The kernel's file offset is the only one. It moves after the bytes are there, by what was
 *       read; whoever finds that somebody else moved it meanwhile reads again what is now his.
 *   P4  What was fetched before a read began is given out only when the daemon's board of changes
 *       (ChangeBoard in the package usrbio) says, during that read, that the file has not changed
 *       since before it was asked for. So a read sees every write through this mount that had
 *       returned before it began, whoever wrote.
 *   P5  A ring is its thread's and its process's. A forked child finds no ring, because the memory
 *       that holds it is wiped; a signal handler that interrupts its use goes to the kernel.
 *   P6  Nothing here waits for a lock or calls malloc when a program reads.
 *   P7  What failed once (no shared memory, registration refused, daemon gone) is not tried again
 *       on that mount by this process.
 */
#ifndef LMP_PRELOAD_H
#define LMP_PRELOAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "internal.h"

/* --- calls.c -------------------------------------------------------------------------------- */

/* libc's own, past this library. */
struct real_calls {
  ssize_t (*read)(int fd, void *buf, size_t count);
  ssize_t (*pread)(int fd, void *buf, size_t count, off_t offset);
  ssize_t (*readv)(int fd, const struct iovec *iov, int count);
  ssize_t (*preadv)(int fd, const struct iovec *iov, int count, off_t offset);
  ssize_t (*preadv2)(int fd, const struct iovec *iov, int count, off_t offset, int flags);
  int (*close)(int fd);
  int (*close_range)(unsigned first, unsigned last, int flags);
  int (*dup2)(int from, int to);
  int (*dup3)(int from, int to, int flags);
};

/* --- mounts.c ------------------------------------------------------------------------------- */


#define PL_BOARD_BITS 14
#define PL_BOARD_BYTES ((size_t)4 << PL_BOARD_BITS)

struct pl_mount {
  _Atomic int state;
  uint32_t major;
  uint32_t minor;
  char mount_point[256];
  const _Atomic uint32_t *_Atomic board; /* PL_BOARD_WORDS words; NULL before the first ring */
  _Atomic int dir;      /* the descriptor that stands for us in the daemon; -1 when there is none */
  _Atomic uint64_t dir_ino;
};

/* The mount that a regular file is on, or NULL when its data goes by the kernel. */
struct pl_mount *pl_mount_of(int fd, const struct statx *st);
/* From now on the kernel serves this mount (P7). */
void pl_mount_give_up(struct pl_mount *mount, const char *why, int error);
bool pl_mount_usable(const struct pl_mount *mount);
/* Maps the board of changes: 0 or -errno. */
int pl_mount_board(struct pl_mount *mount);
/* The count of changes of an inode, and of those that share its word. */
uint32_t pl_changes(const struct pl_mount *mount, uint64_t ino);
/* Remembers the descriptor that a program must not close. */
void pl_mount_keep(struct pl_mount *mount, int dir);
/* Whether that descriptor still leads where it did, and its daemon lives. */
bool pl_mount_alive(const struct pl_mount *mount);
/* The smallest kept descriptor >= from, or -1. */
int pl_kept_from(int from);
/* In a forked child: lets go of the parent's, whose release is to tell of the parent's death. */
void pl_mounts_forked(void);
/* A program replaces a kept descriptor. */
void pl_kept_lost(int fd);

/* --- mountinfo.c ---------------------------------------------------------------------------- */

/* Where a device is mounted, from /proc/self/mountinfo: 0 or -errno. */
int pl_find_mount_point(uint32_t major, uint32_t minor, char out[256]);

/* --- stream.c ------------------------------------------------------------------------------- */

/* Not served: let the kernel do it. */
#define PL_KERNEL (-4096)

/* Reads through this thread's ring: bytes (0: nothing is there), -EFAULT, or PL_KERNEL. */
ssize_t pl_read(struct pl_mount *mount, const struct statx *st, const struct iovec *iov, int count,
                size_t length, uint64_t offset);
void pl_stream_init(void);

/* --- host.c --------------------------------------------------------------------------------- */

/* One line into the file that LAMPYRIS_PRELOAD_LOG names, if it does; keeps errno. */
void pl_log(const char *format, ...) __attribute__((format(printf, 1, 2)));
void pl_log_init(void);
/* Adds to what the last line of the log says. */
void pl_count(size_t bytes);

#endif
