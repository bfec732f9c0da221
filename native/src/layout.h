/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory of a ring, as client and daemon share it (x86-64, little endian). E = entries + 1:
 * one slot of each queue stays empty so that full and empty differ.
 *
 *     offset      content
 *     0 4 8 12    sqeHead, sqeTail, cqeHead, cqeTail: int32 in 0 .. E-1
 *     16          args[E]  56 bytes each: what an I/O is, by slot
 *     16 + 56 E   cqe[E]   24 bytes each: completions, in the order they happened
 *     16 + 80 E   sqe[E]   16 bytes each: slots, in the order they were prepared
 *     16 + 96 E   sem_t    32 bytes: completion semaphore, initialised by the daemon
 *
 * Who writes: the client sqeHead, cqeTail, args, sqe; the daemon sqeTail, cqeHead, cqe. A head is
 * stored with release after what it covers and loaded with acquire; tails likewise.
 */
#ifndef LMP_LAYOUT_H
#define LMP_LAYOUT_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "hf3fs_usrbio.h"

struct lmp_ring_head {
  _Atomic int32_t sqe_head;
  _Atomic int32_t sqe_tail;
  _Atomic int32_t cqe_head;
  _Atomic int32_t cqe_tail;
};

struct lmp_args {
  uint8_t buf_id[16];
  uint64_t buf_off;
  uint64_t file_ino;
  uint64_t file_off;
  uint64_t io_len;
  const void *userdata;
};

struct lmp_sqe {
  int32_t index;
  int32_t reserved;
  const void *userdata;
};

#define LMP_RING_ENTRY_BYTES \
  (sizeof(struct lmp_args) + sizeof(struct hf3fs_cqe) + sizeof(struct lmp_sqe))
/* Slack that every ring carries behind its semaphore. */
#define LMP_RING_TRAILER_BYTES 4096u

_Static_assert(sizeof(void *) == 8 && sizeof(size_t) == 8, "the ABI is that of a 64-bit machine");
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "indices are shared between processes");
_Static_assert(sizeof(_Atomic int32_t) == 4, "indices are plain words");

_Static_assert(sizeof(struct hf3fs_iov) == 312, "ABI");
_Static_assert(offsetof(struct hf3fs_iov, base) == 0, "ABI");
_Static_assert(offsetof(struct hf3fs_iov, iovh) == 8, "ABI");
_Static_assert(offsetof(struct hf3fs_iov, id) == 16, "ABI");
_Static_assert(offsetof(struct hf3fs_iov, mount_point) == 32, "ABI");
_Static_assert(offsetof(struct hf3fs_iov, size) == 288, "ABI");
_Static_assert(offsetof(struct hf3fs_iov, block_size) == 296, "ABI");
_Static_assert(offsetof(struct hf3fs_iov, numa) == 304, "ABI");

_Static_assert(sizeof(struct hf3fs_ior) == 600, "ABI");
_Static_assert(offsetof(struct hf3fs_ior, iov) == 0, "ABI");
_Static_assert(offsetof(struct hf3fs_ior, iorh) == 312, "ABI");
_Static_assert(offsetof(struct hf3fs_ior, mount_point) == 320, "ABI");
_Static_assert(offsetof(struct hf3fs_ior, for_read) == 576, "ABI");
_Static_assert(offsetof(struct hf3fs_ior, io_depth) == 580, "ABI");
_Static_assert(offsetof(struct hf3fs_ior, priority) == 584, "ABI");
_Static_assert(offsetof(struct hf3fs_ior, timeout) == 588, "ABI");
_Static_assert(offsetof(struct hf3fs_ior, flags) == 592, "ABI");

_Static_assert(sizeof(struct hf3fs_cqe) == 24, "shared memory");
_Static_assert(offsetof(struct hf3fs_cqe, index) == 0, "shared memory");
_Static_assert(offsetof(struct hf3fs_cqe, reserved) == 4, "shared memory");
_Static_assert(offsetof(struct hf3fs_cqe, result) == 8, "shared memory");
_Static_assert(offsetof(struct hf3fs_cqe, userdata) == 16, "shared memory");

_Static_assert(sizeof(struct lmp_ring_head) == 16, "shared memory");
_Static_assert(offsetof(struct lmp_ring_head, sqe_head) == 0, "shared memory");
_Static_assert(offsetof(struct lmp_ring_head, sqe_tail) == 4, "shared memory");
_Static_assert(offsetof(struct lmp_ring_head, cqe_head) == 8, "shared memory");
_Static_assert(offsetof(struct lmp_ring_head, cqe_tail) == 12, "shared memory");

_Static_assert(sizeof(struct lmp_args) == 56, "shared memory");
_Static_assert(offsetof(struct lmp_args, buf_id) == 0, "shared memory");
_Static_assert(offsetof(struct lmp_args, buf_off) == 16, "shared memory");
_Static_assert(offsetof(struct lmp_args, file_ino) == 24, "shared memory");
_Static_assert(offsetof(struct lmp_args, file_off) == 32, "shared memory");
_Static_assert(offsetof(struct lmp_args, io_len) == 40, "shared memory");
_Static_assert(offsetof(struct lmp_args, userdata) == 48, "shared memory");

_Static_assert(sizeof(struct lmp_sqe) == 16, "shared memory");
_Static_assert(offsetof(struct lmp_sqe, index) == 0, "shared memory");
_Static_assert(offsetof(struct lmp_sqe, userdata) == 8, "shared memory");

_Static_assert(sizeof(sem_t) == 32, "shared memory");
_Static_assert(LMP_RING_ENTRY_BYTES == 96, "shared memory");

#endif
