/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

#define RANGES_MAX 1000 /* of one ioctl; more ranges take several */

struct hardlink_arg {
  uint64_t parent;
  char name[255];
};

struct punchhole_arg {
  int32_t n;
  uint64_t flags;
  uint64_t start[RANGES_MAX];
  uint64_t end[RANGES_MAX];
};

#define IOC_GET_MAGIC _IOR('h', 2, uint32_t)
#define IOC_HARDLINK _IOW('h', 12, struct hardlink_arg)
#define IOC_PUNCH_HOLE _IOW('h', 13, struct punchhole_arg)

_Static_assert(sizeof(struct hardlink_arg) == 264, "the size is part of the ioctl's number");
_Static_assert(sizeof(struct punchhole_arg) == 16016, "the size is part of the ioctl's number");
_Static_assert(sizeof(struct punchhole_arg) < 1 << 14, "an ioctl's number has 14 bits for it");

bool hf3fs_is_hf3fs(int fd) {
  uint32_t magic = 0;
  int saved_errno = errno;
  bool is = ioctl(fd, IOC_GET_MAGIC, &magic) == 0 && magic == HF3FS_SUPER_MAGIC;
  errno = saved_errno;
  return is;
}

/* Splits a path into its directory, which it opens, and the name in it: a descriptor or -errno. */
static int open_parent(const char *path, const char **name) {
  char dir[PATH_MAX];
  size_t length = strnlen(path, PATH_MAX);
  if (length == 0 || length >= PATH_MAX) {
    return length == 0 ? -ENOENT : -ENAMETOOLONG;
  }
  const char *slash = strrchr(path, '/');
  *name = slash == NULL ? path : slash + 1;
  size_t n = slash == NULL ? 0 : (size_t)(slash - path);
  memcpy(dir, path, n);
  dir[n] = '\0';
  const char *at = slash == NULL ? "." : n == 0 ? "/" : dir;
  int fd = open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

static int link_into(int target, int parent, const char *name) {
  struct hardlink_arg arg = {.parent = 0};
  struct stat t;
  struct stat p;
  size_t length = strlen(name);
  if (length == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
    return EINVAL;
  }
  if (length >= sizeof arg.name) {
    return ENAMETOOLONG;
  }
  if (fstat(target, &t) != 0 || fstat(parent, &p) != 0) {
    return errno;
  }
  if (t.st_dev != p.st_dev) {
    return EXDEV;
  }
  arg.parent = p.st_ino;
  memcpy(arg.name, name, length);
  return ioctl(target, IOC_HARDLINK, &arg) == 0 ? 0 : errno;
}

int hf3fs_hardlink(const char *target, const char *link_name) {
  if (target == NULL || link_name == NULL) {
    return EINVAL;
  }
  int fd = open(target, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  if (fd < 0) {
    return errno;
  }
  const char *name = NULL;
  int parent = open_parent(link_name, &name);
  int rc = parent < 0 ? -parent : hf3fs_is_hf3fs(fd) ? link_into(fd, parent, name) : EBADF;
  if (parent >= 0) {
    close(parent);
  }
  close(fd);
  return rc;
}

int hf3fs_punchhole(int fd, int n, const size_t *start, const size_t *end, size_t flags) {
  if (n < 0 || (n > 0 && (start == NULL || end == NULL))) {
    return EINVAL;
  }
  if (!hf3fs_is_hf3fs(fd)) {
    return EBADF;
  }
  struct punchhole_arg *arg = calloc(1, sizeof *arg);
  if (arg == NULL) {
    return ENOMEM;
  }
  int rc = 0;
  for (int done = 0; done < n && rc == 0; done += RANGES_MAX) {
    size_t count = (size_t)(n - done < RANGES_MAX ? n - done : RANGES_MAX);
    arg->n = (int32_t)count;
    arg->flags = flags;
    memcpy(arg->start, start + done, count * sizeof *start);
    memcpy(arg->end, end + done, count * sizeof *end);
    rc = ioctl(fd, IOC_PUNCH_HOLE, arg) == 0 ? 0 : errno;
  }
  free(arg);
  return rc;
}
