/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

#define WAIT_STEP_MS_DEFAULT 1
/* To sleep and be woken takes about as long; the daemon polls for as long before it sleeps. */
#define SPIN_US_DEFAULT 20

size_t hf3fs_ior_size(int entries) {
  size_t slots = entries < 0 ? 1 : (size_t)entries + 1;
  return sizeof(struct lmp_ring_head) + slots * LMP_RING_ENTRY_BYTES + sizeof(sem_t) +
         LMP_RING_TRAILER_BYTES;
}

int lmp_ring_entries(size_t size) {
  size_t fixed = hf3fs_ior_size(0);
  if (size < fixed + LMP_RING_ENTRY_BYTES) {
    return 0;
  }
  size_t entries = (size - fixed) / LMP_RING_ENTRY_BYTES;
  return entries >= INT_MAX ? INT_MAX - 1 : (int)entries;
}

long lmp_setting(const char *name, long min, long max, long otherwise) {
  const char *text = getenv(name);
  if (text == NULL) {
    return otherwise;
  }
  char *end;
  long value = strtol(text, &end, 10);
  if (end == text || *end != '\0' || value < min || value > max) {
    lmp_log(LMP_WARN, "%s is not usable; observed=%s, limit=%ld..%ld; remedy: %ld is used", name,
            text, min, max, otherwise);
    return otherwise;
  }
  return value;
}

/* Who polls keeps the core from the daemon if there is no other. */
static int64_t spin_ns(void) {
  long us = lmp_setting("LAMPYRIS_USRBIO_SPIN_US", 0, 1000000, SPIN_US_DEFAULT);
  return sysconf(_SC_NPROCESSORS_ONLN) > 1 ? us * 1000 : 0;
}

static void place(struct lmp_ring *ring, uint8_t *base, int32_t slots) {
  size_t e = (size_t)slots;
  ring->slots = slots;
  ring->head = (void *)base;
  ring->args = (void *)(base + sizeof(struct lmp_ring_head));
  ring->cqes = (void *)(ring->args + e);
  ring->sqes = (void *)(ring->cqes + e);
  ring->completed = (void *)(ring->sqes + e);
}

/* The handle over the memory of a ring: 0 or -errno with nothing left behind (I1). */
static int open_ring(struct hf3fs_ior *ior, uint8_t *base, int entries, bool wrapped) {
  sem_t *submit;
  int rc = lmp_submit_sem_open(ior->mount_point, ior->priority, &submit);
  if (rc < 0) {
    return rc;
  }
  int32_t slots = entries + 1;
  size_t words = ((size_t)slots + 63) / 64;
  struct lmp_ring *ring = calloc(1, sizeof *ring + words * sizeof ring->free_map[0]);
  if (ring == NULL) {
    sem_close(submit);
    return -ENOMEM;
  }
  place(ring, base, slots);
  ring->submit = submit;
  ring->wrapped = wrapped;
  ring->mount = wrapped ? NULL : lmp_iov_mount(&ior->iov);
  ring->wait_step_ns =
      lmp_setting("HF3FS_USRBIO_WAIT_JITTER_MS", 1, 60000, WAIT_STEP_MS_DEFAULT) * INT64_C(1000000);
  ring->spin_ns = spin_ns();
  atomic_init(&ring->spins, true);
  ring->free_words = words;
  pthread_mutex_init(&ring->reap_lock, NULL);
  for (size_t w = 0; w < words; w++) {
    size_t bits = (size_t)slots - w * 64;
    atomic_init(&ring->free_map[w], bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1);
  }
  ior->iorh = ring;
  return 0;
}

static int init_ior(struct hf3fs_ior *ior, const char *mount_point,
                    const struct lmp_ring_attrs *attrs) {
  if (ior == NULL) {
    return -EINVAL;
  }
  memset(ior, 0, sizeof *ior);
  int rc = lmp_mount_point_copy(ior->mount_point, mount_point);
  if (rc < 0 || attrs->timeout_ms < 0) {
    return -EINVAL;
  }
  ior->for_read = attrs->for_read;
  ior->io_depth = attrs->io_depth;
  ior->priority = attrs->priority;
  ior->timeout = attrs->timeout_ms;
  ior->flags = attrs->flags;
  return 0;
}

static int create(struct hf3fs_ior *ior, const char *mount_point, int entries, int numa,
                  const struct lmp_ring_attrs *attrs) {
  int rc = init_ior(ior, mount_point, attrs);
  if (rc < 0) {
    return rc;
  }
  if (entries < 1 || entries > INT_MAX - 1 || attrs->io_depth > entries) {
    lmp_log(LMP_ERROR, "impossible ring; observed entries=%d io_depth=%d, limit: entries >= 1, "
            "io_depth <= entries; remedy: pass other numbers", entries, attrs->io_depth);
    return -EINVAL;
  }
  rc = lmp_iov_create(&ior->iov, mount_point, hf3fs_ior_size(entries), 0, numa, attrs);
  if (rc < 0) {
    return rc;
  }
  rc = open_ring(ior, ior->iov.base, entries, false);
  if (rc < 0) {
    hf3fs_iovdestroy(&ior->iov);
  }
  return rc;
}

int hf3fs_iorcreate(struct hf3fs_ior *ior, const char *hf3fs_mount_point, int entries,
                    bool for_read, int io_depth, int numa) {
  struct lmp_ring_attrs attrs = {.for_read = for_read, .io_depth = io_depth};
  return create(ior, hf3fs_mount_point, entries, numa, &attrs);
}

int hf3fs_iorcreate2(struct hf3fs_ior *ior, const char *hf3fs_mount_point, int entries,
                     bool for_read, int io_depth, int priority, int numa) {
  struct lmp_ring_attrs attrs = {
      .for_read = for_read, .io_depth = io_depth, .priority = priority};
  return create(ior, hf3fs_mount_point, entries, numa, &attrs);
}

int hf3fs_iorcreate3(struct hf3fs_ior *ior, const char *hf3fs_mount_point, int entries,
                     bool for_read, int io_depth, int priority, int timeout, int numa) {
  struct lmp_ring_attrs attrs = {.for_read = for_read,
                                 .io_depth = io_depth,
                                 .priority = priority,
                                 .timeout_ms = timeout};
  return create(ior, hf3fs_mount_point, entries, numa, &attrs);
}

int hf3fs_iorcreate4(struct hf3fs_ior *ior, const char *hf3fs_mount_point, int entries,
                     bool for_read, int io_depth, int timeout, int numa, uint64_t flags) {
  struct lmp_ring_attrs attrs = {
      .for_read = for_read, .io_depth = io_depth, .timeout_ms = timeout, .flags = flags};
  return create(ior, hf3fs_mount_point, entries, numa, &attrs);
}

int hf3fs_iorwrap(struct hf3fs_ior *ior, void *buf, const char *hf3fs_mount_point, size_t size,
                  bool for_read, int io_depth, int priority, int timeout, uint64_t flags) {
  struct lmp_ring_attrs attrs = {.for_read = for_read,
                                 .io_depth = io_depth,
                                 .priority = priority,
                                 .timeout_ms = timeout,
                                 .flags = flags};
  int rc = init_ior(ior, hf3fs_mount_point, &attrs);
  int entries = lmp_ring_entries(size);
  if (rc < 0 || buf == NULL || (uintptr_t)buf % _Alignof(struct lmp_args) != 0 || entries == 0) {
    return -EINVAL;
  }
  ior->iov.base = buf;
  ior->iov.size = size;
  memcpy(ior->iov.mount_point, ior->mount_point, sizeof ior->mount_point);
  rc = open_ring(ior, buf, entries, true);
  if (rc < 0) {
    ior->iov.base = NULL;
  }
  return rc;
}

void hf3fs_iordestroy(struct hf3fs_ior *ior) {
  if (ior == NULL || ior->iorh == NULL) {
    return;
  }
  struct lmp_ring *ring = ior->iorh;
  ior->iorh = NULL;
  if (ring->wrapped) {
    ior->iov.base = NULL;
  } else {
    hf3fs_iovdestroy(&ior->iov);
  }
  sem_close(ring->submit);
  pthread_mutex_destroy(&ring->reap_lock);
  free(ring);
}

int hf3fs_io_entries(const struct hf3fs_ior *ior) {
  if (ior == NULL || ior->iorh == NULL) {
    return -EINVAL;
  }
  return ((const struct lmp_ring *)ior->iorh)->slots - 1;
}
