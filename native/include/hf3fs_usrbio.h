/* SPDX-License-Identifier: Apache-2.0
 *
 * USRBIO: asynchronous file I/O through rings in shared memory, without the kernel in the data path.
 *
 * A program creates a data buffer (an iov) and a ring (an ior) on a mount, registers its file
 * descriptors, prepares I/Os between the buffer and the files, and reaps their completions:
 *
 *     struct hf3fs_iov iov;  hf3fs_iovcreate(&iov, "/mnt/data", 64 << 20, 0, -1);
 *     struct hf3fs_ior ior;  hf3fs_iorcreate(&ior, "/mnt/data", 128, true, 0, -1);
 *     hf3fs_reg_fd(fd, 0);
 *     hf3fs_prep_io(&ior, &iov, true, iov.base, fd, 0, 1 << 20, tag);
 *     hf3fs_submit_ios(&ior);
 *     hf3fs_wait_for_ios(&ior, cqes, 128, 1, NULL);
 *
 * The names, types and sizes below are an ABI shared with existing clients: append, never change.
 * Every function has a manual page (section 3).
 */
#ifndef HF3FS_USRBIO_H
#define HF3FS_USRBIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

struct timespec; /* which <time.h> keeps to itself under a strict -std=c99 */

/* What the mount answers to the "magic number" ioctl. */
#define HF3FS_SUPER_MAGIC 0x8f3f5fff

/* Flags of a ring: read bytes that no one has committed yet; report a hole as -ENODATA. */
#define HF3FS_IOR_ALLOW_READ_UNCOMMITTED 1
#define HF3FS_IOR_FORBID_READ_HOLES 2

typedef void *hf3fs_iov_handle;
typedef void *hf3fs_ior_handle;

/* A data buffer shared with the daemon. The caller owns the struct; its fields are read-only. */
struct hf3fs_iov {
  uint8_t *base;
  hf3fs_iov_handle iovh;

  char id[16];
  char mount_point[256];
  size_t size;
  size_t block_size; /* 0, or no I/O may cross a multiple of this many bytes of the buffer */
  int numa;
};

/* A ring of I/Os in one direction. The caller owns the struct; its fields are read-only. */
struct hf3fs_ior {
  struct hf3fs_iov iov; /* the memory of the ring itself */
  hf3fs_ior_handle iorh;

  char mount_point[256];
  bool for_read;
  /* > 0: process exactly that many I/Os at a time, so keep feeding;
   *   0: process everything that is prepared;
   * < 0: process what is prepared, at most -io_depth at a time. */
  int io_depth;
  int priority; /* < 0 high, 0 normal, > 0 low */
  int timeout;  /* ms that the daemon may wait to fill a batch */
  uint64_t flags;
};

/* One completion. */
struct hf3fs_cqe {
  int32_t index; /* what hf3fs_prep_io returned */
  int32_t reserved;
  int64_t result; /* bytes transferred, or -errno */
  const void *userdata;
};

bool hf3fs_is_hf3fs(int fd);

/* Length of the mount point's name + 1, copied only if that is <= size; -1 if path is elsewhere. */
int hf3fs_extract_mount_point(char *hf3fs_mount_point, int size, const char *path);

/* Buffers: 0 or -errno. numa >= 0 prefers that node, < 0 is no preference. */
int hf3fs_iovcreate(struct hf3fs_iov *iov, const char *hf3fs_mount_point, size_t size,
                    size_t block_size, int numa);
int hf3fs_iovopen(struct hf3fs_iov *iov, const uint8_t id[16], const char *hf3fs_mount_point,
                  size_t size, size_t block_size, int numa);
void hf3fs_iovunlink(struct hf3fs_iov *iov);
void hf3fs_iovdestroy(struct hf3fs_iov *iov);
int hf3fs_iovwrap(struct hf3fs_iov *iov, void *base, const uint8_t id[16],
                  const char *hf3fs_mount_point, size_t size, size_t block_size, int numa);

/* Bytes of shared memory that a ring of that many entries needs. */
size_t hf3fs_ior_size(int entries);

/* Rings: 0 or -errno. */
int hf3fs_iorcreate(struct hf3fs_ior *ior, const char *hf3fs_mount_point, int entries,
                    bool for_read, int io_depth, int numa);
int hf3fs_iorcreate2(struct hf3fs_ior *ior, const char *hf3fs_mount_point, int entries,
                     bool for_read, int io_depth, int priority, int numa);
int hf3fs_iorcreate3(struct hf3fs_ior *ior, const char *hf3fs_mount_point, int entries,
                     bool for_read, int io_depth, int priority, int timeout, int numa);
int hf3fs_iorcreate4(struct hf3fs_ior *ior, const char *hf3fs_mount_point, int entries,
                     bool for_read, int io_depth, int timeout, int numa, uint64_t flags);
/* A ring in memory that the caller already registered under 3fs-virt/iovs. */
int hf3fs_iorwrap(struct hf3fs_ior *ior, void *buf, const char *hf3fs_mount_point, size_t size,
                  bool for_read, int io_depth, int priority, int timeout, uint64_t flags);
void hf3fs_iordestroy(struct hf3fs_ior *ior);

/* A handle <= 0 for hf3fs_prep_io (the fd itself works there too), or a positive errno. */
int hf3fs_reg_fd(int fd, uint64_t flags);
void hf3fs_dereg_fd(int fd);

/* The number of entries that the ring was created with. */
int hf3fs_io_entries(const struct hf3fs_ior *ior);

/* Index >= 0 of the prepared I/O, or -errno. One thread at a time may prepare on a ring. */
int hf3fs_prep_io(const struct hf3fs_ior *ior, const struct hf3fs_iov *iov, bool read, void *ptr,
                  int fd, size_t off, uint64_t len, const void *userdata);
/* Tell the daemon that I/Os are prepared (it may have started already): 0 or -errno. */
int hf3fs_submit_ios(const struct hf3fs_ior *ior);
/* Number of completions stored in cqes, or -errno. abs_timeout is CLOCK_REALTIME; NULL is never. */
int hf3fs_wait_for_ios(const struct hf3fs_ior *ior, struct hf3fs_cqe *cqes, int cqec,
                       int min_results, const struct timespec *abs_timeout);

/* 0 or a positive errno. */
int hf3fs_hardlink(const char *target, const char *link_name);
int hf3fs_punchhole(int fd, int n, const size_t *start, const size_t *end, size_t flags);

#ifdef __cplusplus
}
#endif

#endif
