/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"

/* Behind hf3fs_iov.iovh of a created or opened iov. A wrapped one has none: nothing is ours. */
struct lmp_iov {
  struct lmp_mount *mount; /* of a created iov; NULL for an opened one */
  pid_t owner;             /* I2 */
  bool shm_linked;
  char shm_name[NAME_MAX + 2];
  char key[LMP_KEY_MAX];
};

struct lmp_mount *lmp_iov_mount(const struct hf3fs_iov *iov) {
  return ((const struct lmp_iov *)iov->iovh)->mount;
}

/* Fills the fields a caller may read; leaves the handle empty so that destroy is harmless. */
static int init_iov(struct hf3fs_iov *iov, const char *mount_point, size_t size, size_t block_size,
                    int numa) {
  if (iov == NULL) {
    return -EINVAL;
  }
  memset(iov, 0, sizeof *iov);
  int rc = lmp_mount_point_copy(iov->mount_point, mount_point);
  if (rc < 0) {
    return rc;
  }
  if (size == 0 || size > PTRDIFF_MAX || block_size > size) {
    lmp_log(LMP_ERROR, "impossible iov; observed size=%zu block_size=%zu, limit: 0 < size, "
            "block_size <= size; remedy: pass other sizes", size, block_size);
    return -EINVAL;
  }
  iov->size = size;
  iov->block_size = block_size;
  iov->numa = numa;
  return 0;
}

/* A hint: where there is no such node, or no NUMA at all, the memory serves as well. */
static void prefer_node(void *base, size_t size, int numa) {
  unsigned long mask[16] = {0};
  const size_t bits = sizeof(unsigned long) * CHAR_BIT;
  if (numa < 0 || (size_t)numa >= sizeof mask * CHAR_BIT) {
    return;
  }
  mask[(size_t)numa / bits] = 1ul << ((size_t)numa % bits);
  if (syscall(SYS_mbind, base, size, MPOL_PREFERRED, mask, sizeof mask * CHAR_BIT, 0) != 0) {
    lmp_log(LMP_INFO, "no memory policy for node %d; observed=%s", numa, strerror(errno));
  }
}

static void *map_shared(int fd, size_t size) {
  void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return base == MAP_FAILED ? NULL : base;
}

/* Pages are claimed here, so that a full /dev/shm is an error now and not a SIGBUS later. */
static int claim_pages(int fd, size_t size) {
  int rc;
  do {
    rc = posix_fallocate(fd, 0, (off_t)size);
  } while (rc == EINTR);
  return -rc;
}

/* Creates and maps the shared memory: 0, or -EIO with nothing left behind (I1). */
static int create_shm(const char *name, size_t size, int numa, uint8_t **out) {
  int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) {
    lmp_log(LMP_ERROR, "cannot create shared memory %s; observed=%s; remedy: check /dev/shm", name,
            strerror(errno));
    return -EIO;
  }
  int rc = ftruncate(fd, (off_t)size) != 0 ? -errno : 0;
  void *base = NULL;
  if (rc == 0 && (base = map_shared(fd, size)) == NULL) {
    rc = -errno;
  }
  if (rc == 0) {
    prefer_node(base, size, numa);
    rc = claim_pages(fd, size);
  }
  close(fd);
  if (rc == 0) {
    *out = base;
    return 0;
  }
  lmp_log(LMP_ERROR, "cannot allocate shared memory; observed=%s, wanted=%zu bytes; remedy: ask "
          "for less or enlarge /dev/shm (containers: --shm-size)", strerror(-rc), size);
  if (base != NULL) {
    munmap(base, size);
  }
  shm_unlink(name);
  return -EIO;
}

static void unlink_shm(struct lmp_iov *h) {
  if (h->shm_linked && shm_unlink(h->shm_name) != 0 && errno != ENOENT) {
    lmp_log(LMP_WARN, "cannot unlink shared memory %s; observed=%s", h->shm_name, strerror(errno));
  }
  h->shm_linked = false;
}

static int register_shm(const struct lmp_iov *h) {
  char target[sizeof LMP_SHM_DIR + sizeof h->shm_name];
  snprintf(target, sizeof target, LMP_SHM_DIR "%s", h->shm_name + 1);
  if (symlinkat(target, lmp_mount_dir(h->mount), h->key) == 0) {
    return 0;
  }
  int rc = -errno;
  lmp_log(LMP_ERROR, "the daemon refused %s; observed=%s; remedy: see its log", h->key,
          strerror(-rc));
  return rc;
}

static int create_registered(struct hf3fs_iov *iov, struct lmp_iov *h,
                             const struct lmp_ring_attrs *ring) {
  uint8_t id[LMP_ID_BYTES];
  /* Two ids: who can list /dev/shm does not learn what to put into a ring. */
  int rc = lmp_random_id(id);
  if (rc < 0) {
    return rc;
  }
  lmp_shm_name(h->shm_name, id);
  rc = lmp_random_id(id);
  if (rc < 0) {
    return rc;
  }
  memcpy(iov->id, id, sizeof id);
  lmp_key(h->key, id, iov->block_size, ring);

  rc = create_shm(h->shm_name, iov->size, iov->numa, &iov->base);
  if (rc < 0) {
    return rc;
  }
  h->shm_linked = true;
  rc = register_shm(h);
  if (rc < 0 || ring != NULL) {
    unlink_shm(h); /* the daemon mapped a ring before it answered; I1 if it refused */
  }
  if (rc < 0) {
    munmap(iov->base, iov->size);
    iov->base = NULL;
  }
  return rc;
}

int lmp_iov_create(struct hf3fs_iov *iov, const char *mount_point, size_t size, size_t block_size,
                   int numa, const struct lmp_ring_attrs *ring) {
  int rc = init_iov(iov, mount_point, size, block_size, numa);
  if (rc < 0) {
    return rc;
  }
  struct lmp_iov *h = calloc(1, sizeof *h);
  if (h == NULL) {
    return -ENOMEM;
  }
  h->owner = getpid();
  rc = lmp_mount_open(mount_point, &h->mount);
  if (rc == 0) {
    rc = create_registered(iov, h, ring);
  }
  if (rc < 0) {
    free(h);
    return rc;
  }
  iov->iovh = h;
  return 0;
}

int hf3fs_iovcreate(struct hf3fs_iov *iov, const char *hf3fs_mount_point, size_t size,
                    size_t block_size, int numa) {
  return lmp_iov_create(iov, hf3fs_mount_point, size, block_size, numa, NULL);
}

/* The name for shm_open of what a registration leads to: 0 or -errno. */
static int registered_shm(const char *mount_point, const char *key, char name[NAME_MAX + 2]) {
  char link[PATH_MAX];
  char target[PATH_MAX];
  int n = snprintf(link, sizeof link, "%s/" LMP_IOVS_DIR "/%s", mount_point, key);
  if (n < 0 || (size_t)n >= sizeof link) {
    return -ENAMETOOLONG;
  }
  if (realpath(link, target) == NULL) {
    return -errno;
  }
  size_t prefix = strlen(LMP_SHM_DIR);
  const char *file = target + prefix;
  if (strncmp(target, LMP_SHM_DIR, prefix) != 0 || strchr(file, '/') != NULL ||
      strlen(file) > NAME_MAX) {
    lmp_log(LMP_ERROR, "%s leads out of " LMP_SHM_DIR "; observed=%s", key, target);
    return -EINVAL;
  }
  name[0] = '/';
  memcpy(name + 1, file, strlen(file) + 1);
  return 0;
}

static int open_shm(const char *name, size_t size, uint8_t **out) {
  int fd = shm_open(name, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) {
    lmp_log(LMP_ERROR, "cannot open shared memory %s; observed=%s", name, strerror(errno));
    return -EIO;
  }
  struct stat st;
  void *base = NULL;
  if (fstat(fd, &st) == 0 && (size_t)st.st_size >= size) {
    base = map_shared(fd, size);
  } else {
    lmp_log(LMP_ERROR, "shared memory %s is smaller than wanted; wanted=%zu", name, size);
  }
  close(fd);
  *out = base;
  return base == NULL ? -EIO : 0;
}

int hf3fs_iovopen(struct hf3fs_iov *iov, const uint8_t id[16], const char *hf3fs_mount_point,
                  size_t size, size_t block_size, int numa) {
  int rc = init_iov(iov, hf3fs_mount_point, size, block_size, numa);
  if (rc < 0 || id == NULL) {
    return -EINVAL;
  }
  struct lmp_iov *h = calloc(1, sizeof *h);
  if (h == NULL) {
    return -ENOMEM;
  }
  lmp_key(h->key, id, block_size, NULL);
  rc = registered_shm(hf3fs_mount_point, h->key, h->shm_name);
  if (rc == 0) {
    rc = open_shm(h->shm_name, size, &iov->base);
  }
  if (rc < 0) {
    free(h);
    return rc;
  }
  memcpy(iov->id, id, sizeof iov->id);
  h->owner = getpid();
  h->shm_linked = true;
  prefer_node(iov->base, size, numa);
  iov->iovh = h;
  return 0;
}

int hf3fs_iovwrap(struct hf3fs_iov *iov, void *base, const uint8_t id[16],
                  const char *hf3fs_mount_point, size_t size, size_t block_size, int numa) {
  int rc = init_iov(iov, hf3fs_mount_point, size, block_size, numa);
  if (rc < 0 || base == NULL || id == NULL) {
    return -EINVAL;
  }
  iov->base = base;
  memcpy(iov->id, id, sizeof iov->id);
  return 0;
}

void hf3fs_iovunlink(struct hf3fs_iov *iov) {
  if (iov == NULL || iov->iovh == NULL) {
    lmp_log(LMP_WARN, "iovunlink of an iov that was not created here does nothing");
    return;
  }
  unlink_shm(iov->iovh);
}

void hf3fs_iovdestroy(struct hf3fs_iov *iov) {
  if (iov == NULL || iov->iovh == NULL) {
    lmp_log(LMP_WARN, "iovdestroy of an iov that was not created here does nothing; remedy: "
            "release what was wrapped where it was made");
    return;
  }
  struct lmp_iov *h = iov->iovh;
  if (h->mount != NULL && h->owner == getpid()) { /* I2 */
    int dir = lmp_mount_dir(h->mount);
    if (dir >= 0 && unlinkat(dir, h->key, 0) != 0) {
      lmp_log(LMP_WARN, "cannot deregister %s; observed=%s", h->key, strerror(errno));
    }
    unlink_shm(h);
  }
  munmap(iov->base, iov->size);
  iov->base = NULL;
  iov->iovh = NULL;
  free(h);
}
