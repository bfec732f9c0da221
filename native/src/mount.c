/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

/* --- The directory of registrations --------------------------------------------------------- */

struct lmp_mount {
  struct lmp_mount *next;
  pid_t opener; /* I4: a descriptor inherited over fork would tell of the parent's death, not ours */
  _Atomic int dir;
  char mount_point[];
};

/* The one list that must be process-wide: the daemon counts directory descriptors per process. */
static pthread_mutex_t mounts_lock = PTHREAD_MUTEX_INITIALIZER;
static struct lmp_mount *mounts;
static pthread_once_t mounts_once = PTHREAD_ONCE_INIT;

static void lock_mounts(void) { pthread_mutex_lock(&mounts_lock); }
static void unlock_mounts(void) { pthread_mutex_unlock(&mounts_lock); }
static void watch_forks(void) { pthread_atfork(lock_mounts, unlock_mounts, unlock_mounts); }

void lmp_mount_init(void) { pthread_once(&mounts_once, watch_forks); }

static int join_path(char out[PATH_MAX], const char *a, const char *b) {
  int n = snprintf(out, PATH_MAX, "%s/%s", a, b);
  return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int lmp_mount_point_copy(char out[256], const char *mount_point) {
  if (mount_point == NULL || *mount_point == '\0') {
    return -EINVAL;
  }
  size_t length = strnlen(mount_point, 256);
  if (length >= 256) {
    lmp_log(LMP_ERROR, "mount point is too long; observed>=%zu, limit=255; remedy: mount on a "
            "shorter path", length);
    return -EINVAL;
  }
  memset(out, 0, 256);
  memcpy(out, mount_point, length);
  return 0;
}

static int open_iovs(const char *mount_point) {
  char path[PATH_MAX];
  int rc = join_path(path, mount_point, LMP_IOVS_DIR);
  if (rc < 0) {
    return rc;
  }
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

/* Whether two descriptors lead to one directory; *dead tells that the first has no daemon. */
static bool same_directory(int kept, int fresh, bool *dead) {
  struct stat a;
  struct stat b;
  *dead = fstat(kept, &a) != 0;
  return !*dead && fstat(fresh, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Takes over fd. A restarted daemon has another directory at the same path: the dead one's
 * descriptor is closed, a living one's is kept, since what it stands for may still be in use. */
static int remember_mount(const char *mount_point, int fd, struct lmp_mount **out) {
  pid_t self = getpid();
  for (struct lmp_mount *m = mounts; m != NULL; m = m->next) {
    int kept = lmp_mount_dir(m);
    if (kept < 0 || m->opener != self || strcmp(m->mount_point, mount_point) != 0) {
      continue;
    }
    bool dead;
    if (same_directory(kept, fd, &dead)) {
      close(fd);
      *out = m;
      return 0;
    }
    if (dead) {
      atomic_store_explicit(&m->dir, -1, memory_order_relaxed);
      close(kept);
    }
  }
  size_t length = strlen(mount_point) + 1;
  struct lmp_mount *m = malloc(sizeof *m + length);
  if (m == NULL) {
    close(fd);
    return -ENOMEM;
  }
  m->opener = self;
  atomic_init(&m->dir, fd);
  memcpy(m->mount_point, mount_point, length);
  m->next = mounts;
  mounts = m;
  *out = m;
  return 0;
}

int lmp_mount_open(const char *mount_point, struct lmp_mount **out) {
  lmp_mount_init();
  int fd = open_iovs(mount_point);
  if (fd < 0) {
    lmp_log(LMP_ERROR, "cannot open %s/" LMP_IOVS_DIR "; observed=%s; remedy: name the mount point "
            "of a running file system (hf3fs_extract_mount_point finds it)", mount_point,
            strerror(-fd));
    return fd;
  }
  lock_mounts();
  int rc = remember_mount(mount_point, fd, out);
  unlock_mounts();
  return rc;
}

int lmp_mount_dir(const struct lmp_mount *mount) {
  return atomic_load_explicit(&mount->dir, memory_order_relaxed);
}

bool lmp_mount_alive(const struct lmp_mount *mount) {
  struct stat st;
  int dir = lmp_mount_dir(mount);
  return dir >= 0 && (fstat(dir, &st) == 0 || (errno != ENOTCONN && errno != EBADF));
}

/* --- Submit semaphores ---------------------------------------------------------------------- */

int lmp_submit_sem_open(const char *mount_point, int priority, sem_t **out) {
  static const char prefix[] = LMP_SHM_DIR "sem.";
  char path[PATH_MAX];
  char dir[PATH_MAX];
  char target[PATH_MAX];
  int rc = join_path(dir, mount_point, LMP_IOVS_DIR);
  rc = rc < 0 ? rc : join_path(path, dir, lmp_submit_name(priority));
  if (rc < 0) {
    return rc;
  }
  ssize_t n = readlink(path, target, sizeof target - 1);
  if (n < 0) {
    rc = -errno;
    lmp_log(LMP_ERROR, "cannot read %s; observed=%s; remedy: check the mount", path, strerror(-rc));
    return rc;
  }
  target[n] = '\0';
  /* Only a semaphore directly inside /dev/shm: sem_open takes a name, so nothing else can be. */
  char *name = target + sizeof prefix - 2;
  if (strncmp(target, prefix, sizeof prefix - 1) != 0 || name[1] == '\0' ||
      strchr(name + 1, '/') != NULL) {
    lmp_log(LMP_ERROR, "%s leads to a strange place; observed=%s, limit=%s<name>; remedy: check "
            "what is mounted", path, target, prefix);
    return -EIO;
  }
  name[0] = '/';
  sem_t *sem = sem_open(name, 0);
  if (sem == SEM_FAILED) {
    rc = -errno;
    lmp_log(LMP_ERROR, "cannot open semaphore %s; observed=%s; remedy: share /dev/shm with the "
            "daemon (containers: --ipc=host or a bind mount)", name, strerror(-rc));
    return rc;
  }
  *out = sem;
  return 0;
}

/* --- Which mount a path is on ---------------------------------------------------------------- */

void lmp_unescape(char *text) {
  char *out = text;
  for (const char *in = text; *in != '\0';) {
    if (in[0] == '\\' && in[1] >= '0' && in[1] <= '3' && in[2] >= '0' && in[2] <= '7' &&
        in[3] >= '0' && in[3] <= '7') {
      *out++ = (char)(((in[1] - '0') << 6) | ((in[2] - '0') << 3) | (in[3] - '0'));
      in += 4;
    } else {
      *out++ = *in++;
    }
  }
  *out = '\0';
}

/* Splits a line "id parent dev root MOUNTPOINT options [optional]... - FSTYPE source super". */
static bool parse_mountinfo(char *line, char **mount_point, char **fs_type) {
  char *rest = line;
  char *field = NULL;
  for (int i = 0; i < 5; i++) {
    field = strsep(&rest, " ");
    if (field == NULL) {
      return false;
    }
  }
  char *dash = rest == NULL ? NULL : strstr(rest, " - ");
  if (dash == NULL) {
    return false;
  }
  char *type = dash + 3;
  *fs_type = strsep(&type, " ");
  *mount_point = field;
  lmp_unescape(field);
  return true;
}

/* Length of prefix if path is prefix or lies below it, else 0. "/" counts 1. */
static size_t covers(const char *prefix, const char *path) {
  size_t n = strlen(prefix);
  if (strcmp(prefix, "/") == 0) {
    return 1;
  }
  return strncmp(prefix, path, n) == 0 && (path[n] == '\0' || path[n] == '/') ? n : 0;
}

/* Looks up the innermost mount of at most `limit` characters over path; with several at one place
 * the last listed is the visible one. True with its place in `found` when it is of our type. */
static bool find_mount(FILE *table, const char *path, size_t limit, bool any_type,
                       char found[PATH_MAX]) {
  char *line = NULL;
  size_t line_size = 0;
  size_t best = 0;
  bool best_is_ours = false;
  rewind(table);
  while (getline(&line, &line_size, table) > 0) {
    char *mount_point;
    char *fs_type;
    if (!parse_mountinfo(line, &mount_point, &fs_type)) {
      continue;
    }
    size_t n = covers(mount_point, path);
    if (n != 0 && n >= best && n <= limit && strlen(mount_point) < PATH_MAX) {
      best = n;
      best_is_ours = any_type || strcmp(fs_type, "fuse.hf3fs") == 0;
      memcpy(found, mount_point, strlen(mount_point) + 1);
    }
  }
  free(line);
  return best_is_ours;
}

static bool has_virtual_directory(const char *mount_point) {
  char path[PATH_MAX];
  struct stat st;
  return join_path(path, strcmp(mount_point, "/") == 0 ? "" : mount_point, LMP_VIRT_DIR) == 0 &&
         stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The real path of the nearest ancestor that exists: a file about to be created is on it too. */
static bool resolve(const char *path, char out[PATH_MAX]) {
  char copy[PATH_MAX];
  size_t n = strnlen(path, PATH_MAX);
  if (n == 0 || n >= PATH_MAX) {
    return false;
  }
  memcpy(copy, path, n + 1);
  while (realpath(copy, out) == NULL) {
    if (errno != ENOENT) {
      return false;
    }
    char *slash = strrchr(copy, '/');
    if (slash == NULL) {
      return realpath(".", out) != NULL;
    }
    slash[slash == copy ? 1 : 0] = '\0';
  }
  return true;
}

static bool type_check_is_off(void) {
  const char *text = getenv("HF3FS_USRBIO_DONT_CHECKFS_FOR_MP");
  return text != NULL && strcmp(text, "yes") == 0;
}

int hf3fs_extract_mount_point(char *hf3fs_mount_point, int size, const char *path) {
  char real[PATH_MAX];
  char found[PATH_MAX];
  if (path == NULL || !resolve(path, real)) {
    return -1;
  }
  FILE *table = fopen("/proc/self/mountinfo", "re");
  if (table == NULL) {
    return -1;
  }
  bool any_type = type_check_is_off();
  int result = -1;
  /* A bind mount of a deeper directory, or of 3fs-virt itself, is of the type but has no virtual
   * directory: then the mount around it is the answer. A foreign file system in between is not. */
  for (size_t limit = PATH_MAX; limit > 0 && find_mount(table, real, limit, any_type, found);) {
    size_t length = strlen(found);
    if (has_virtual_directory(found)) {
      result = (int)length + 1;
      if (hf3fs_mount_point != NULL && result <= size) {
        memcpy(hf3fs_mount_point, found, length + 1);
      }
      break;
    }
    limit = length - 1;
  }
  fclose(table);
  return result;
}
