/* SPDX-License-Identifier: Apache-2.0
 *
 * /proc/self/mountinfo, line by line: it can be long, and there is no malloc.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload.h"

struct lines {
  int fd;
  size_t have;
  size_t at;
  char buffer[4096];
};

/* The next line, cut to the room there is; -1 at the end. */
static int next_line(struct lines *in, char *line, size_t room) {
  size_t n = 0;
  for (;;) {
    if (in->at == in->have) {
      ssize_t got = syscall(SYS_read, in->fd, in->buffer, sizeof in->buffer);
      if (got <= 0) {
        return -1;
      }
      in->have = (size_t)got;
      in->at = 0;
    }
    char c = in->buffer[in->at++];
    if (c == '\n') {
      line[n] = '\0';
      return 0;
    }
    if (n + 1 < room) {
      line[n++] = c;
    }
  }
}

/* "id parent MAJOR:MINOR ROOT MOUNTPOINT ... - fuse.hf3fs ..." with the root of the file system. */
static bool is_mount_of(char *line, uint32_t major, uint32_t minor, char **mount_point) {
  char *rest = line;
  char *fields[5];
  for (int i = 0; i < 5; i++) {
    fields[i] = strsep(&rest, " ");
    if (fields[i] == NULL || rest == NULL) {
      return false;
    }
  }
  char *colon;
  unsigned long a = strtoul(fields[2], &colon, 10);
  unsigned long b = *colon == ':' ? strtoul(colon + 1, NULL, 10) : 0;
  *mount_point = fields[4];
  return *colon == ':' && a == major && b == minor && strcmp(fields[3], "/") == 0 &&
         strstr(rest, "- fuse.hf3fs ") != NULL;
}

int pl_find_mount_point(uint32_t major, uint32_t minor, char out[256]) {
  struct lines in = {.have = 0, .at = 0};
  char line[1024];
  char *mount_point;
  int rc = -ENOENT;
  in.fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/mountinfo", O_RDONLY | O_CLOEXEC, 0);
  if (in.fd < 0) {
    return -errno;
  }
  while (rc < 0 && next_line(&in, line, sizeof line) == 0) {
    if (is_mount_of(line, major, minor, &mount_point)) {
      lmp_unescape(mount_point);
      rc = lmp_mount_point_copy(out, mount_point);
    }
  }
  syscall(SYS_close, in.fd);
  return rc;
}
