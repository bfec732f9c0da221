/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon's side of registration, as the contract words it, so that whole programs run in a
 * test without a mount. Written from the grammar, not from the library:
 *
 *   <32 hex> [.b<block>] [.r<depth> | .w<depth>] [.ph | .pl | .pn] [.t<ms>] [.f<binary>]
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support.h"

struct registration {
  bool used;
  char key[256];
  uint8_t id[16];
  uint8_t *base;
  size_t size;
  size_t block_size;
  bool is_ring;
  int io_depth;
  int timeout_ms;
  struct ring_server server;
};

#define REGISTRATIONS_MAX 64
static struct registration table[REGISTRATIONS_MAX];
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
_Atomic bool corrupt_reads;

static bool parse_decimal(const char *text, long long min, long long max, long long *out) {
  char *end;
  errno = 0;
  *out = strtoll(text, &end, 10);
  return errno == 0 && end != text && *end == '\0' && *out >= min && *out <= max;
}

static bool parse_attribute(struct registration *r, const char *text) {
  long long value = 0;
  switch (text[0]) {
    case 'b':
      if (!parse_decimal(text + 1, 1, INT64_MAX, &value)) {
        return false;
      }
      r->block_size = (size_t)value;
      return true;
    case 'r':
    case 'w':
      r->is_ring = true;
      r->server.for_read = text[0] == 'r';
      if (!parse_decimal(text + 1, INT32_MIN, INT32_MAX, &value)) {
        return false;
      }
      r->io_depth = (int)value;
      return true;
    case 'p':
      return r->is_ring && text[1] != '\0' && strchr("hln", text[1]) != NULL && text[2] == '\0';
    case 't':
      if (!r->is_ring || !parse_decimal(text + 1, 0, INT32_MAX, &value)) {
        return false;
      }
      r->timeout_ms = (int)value;
      return true;
    case 'f':
      for (const char *p = text + 1; *p != '\0'; p++) {
        if (*p != '0' && *p != '1') {
          return false;
        }
        r->server.flags = r->server.flags << 1 | (uint64_t)(*p - '0');
      }
      return r->is_ring && text[1] != '\0';
    default:
      return false;
  }
}

static bool parse_key(struct registration *r, const char *key) {
  char copy[256];
  snprintf(copy, sizeof copy, "%s", key);
  char *rest = copy;
  const char *id = strsep(&rest, ".");
  if (strlen(id) != 32 || strspn(id, "0123456789abcdefABCDEF") != 32) {
    return false;
  }
  for (int i = 0; i < 16; i++) {
    const char digits[3] = {id[2 * i], id[2 * i + 1], '\0'};
    r->id[i] = (uint8_t)strtoul(digits, NULL, 16);
  }
  for (const char *a; (a = strsep(&rest, ".")) != NULL;) {
    if (!parse_attribute(r, a)) {
      return false;
    }
  }
  return true;
}

/* --- Files --------------------------------------------------------------------------------------- */

static bool leads_to(int fd, uint64_t ino) {
  struct stat st;
  return fstat(fd, &st) == 0 && st.st_ino == ino && S_ISREG(st.st_mode);
}

/* Opens a file of this process anew by its inode. */
static int open_inode(uint64_t ino) {
  int found = -1;
  DIR *dir = opendir("/proc/self/fd");
  CHECK(dir != NULL);
  for (struct dirent *e; found < 0 && (e = readdir(dir)) != NULL;) {
    int fd = atoi(e->d_name);
    if (isdigit((unsigned char)e->d_name[0]) && leads_to(fd, ino)) {
      char path[64];
      snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
      found = open(path, O_RDWR | O_CLOEXEC);
      if (found >= 0 && !leads_to(found, ino)) { /* the number changed hands meanwhile */
        close(found);
        found = -1;
      }
    }
  }
  closedir(dir);
  return found;
}

static int64_t transfer(const struct ring_server *s, int fd, uint8_t *memory, size_t length,
                        off_t at) {
  size_t done = 0;
  if (s->for_read && (s->flags & HF3FS_IOR_FORBID_READ_HOLES) != 0 &&
      lseek(fd, at, SEEK_HOLE) < at + (off_t)length) {
    return -ENODATA;
  }
  while (done < length) {
    off_t now = at + (off_t)done;
    /* Not pread: tests of the preload library have that go through rings. */
    ssize_t n = s->for_read ? syscall(SYS_pread64, fd, memory + done, length - done, now)
                            : pwrite(fd, memory + done, length - done, now);
    if (n <= 0) {
      return n < 0 ? -errno : (int64_t)done;
    }
    done += (size_t)n;
  }
  return (int64_t)done;
}

static const struct registration *find_buffer(const uint8_t *id) {
  for (int i = 0; i < REGISTRATIONS_MAX; i++) {
    if (table[i].used && !table[i].is_ring && memcmp(table[i].id, id, 16) == 0) {
      return &table[i];
    }
  }
  return NULL;
}

static int64_t daemon_io(const struct ring_server *s, const uint8_t *args) {
  uint64_t offset = u64(args + 16);
  uint64_t length = u64(args + 40);
  pthread_mutex_lock(&table_lock);
  const struct registration *r = find_buffer(args);
  bool refused = r == NULL || offset > r->size || length > r->size - offset ||
                 (r->block_size != 0 &&
                  offset / r->block_size != (offset + length - 1) / r->block_size);
  uint8_t *memory = refused ? NULL : r->base + offset;
  pthread_mutex_unlock(&table_lock);
  int fd = refused ? -1 : open_inode(u64(args + 24));
  if (fd < 0) {
    return refused ? -EINVAL : -ENOENT;
  }
  int64_t result = transfer(s, fd, memory, length, (off_t)u64(args + 32));
  if (s->for_read && result > 0 && atomic_load(&corrupt_reads)) {
    memory[result / 2] ^= 1;
  }
  close(fd);
  return result;
}

/* --- Registration -------------------------------------------------------------------------------- */

static int map_target(struct registration *r, const char *target) {
  struct stat st;
  if (strncmp(target, "/dev/shm/", 9) != 0 || strchr(target + 9, '/') != NULL) {
    return EINVAL;
  }
  int fd = open(target, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0) {
    close(fd);
    return EACCES;
  }
  r->size = (size_t)st.st_size;
  r->base = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  return r->base == MAP_FAILED ? EACCES : 0;
}

static int start_ring(struct registration *r) {
  long long slots = ((long long)r->size - 4096 - 16 - 32) / 96;
  if (slots < 2 || r->io_depth > slots - 1) {
    return EINVAL;
  }
  struct ring_server *s = &r->server;
  s->base = r->base;
  s->slots = (int32_t)slots;
  s->io = daemon_io;
  s->batch_max = r->io_depth < 0 ? -r->io_depth : r->io_depth;
  atomic_store(&s->batch_min, r->io_depth > 0 ? r->io_depth : 0);
  server_init_semaphore(s);
  server_run(s);
  return 0;
}

static int add(struct registration *r, const char *target, const char *key) {
  memset(r, 0, sizeof *r);
  if (!parse_key(r, key)) {
    return EINVAL;
  }
  int rc = map_target(r, target);
  if (rc != 0) {
    return rc;
  }
  rc = r->block_size > r->size ? EINVAL : r->is_ring ? start_ring(r) : 0;
  if (rc != 0) {
    munmap(r->base, r->size);
    return rc;
  }
  snprintf(r->key, sizeof r->key, "%s", key);
  r->used = true;
  return 0;
}

static int daemon_register(const char *target, const char *path) {
  const char *slash = strrchr(path, '/');
  const char *key = slash == NULL ? path : slash + 1;
  int rc = EMFILE;
  pthread_mutex_lock(&table_lock);
  for (int i = 0; i < REGISTRATIONS_MAX; i++) {
    if (!table[i].used) {
      rc = add(&table[i], target, key);
      break;
    }
  }
  pthread_mutex_unlock(&table_lock);
  return rc;
}

static void daemon_deregister(const char *key) {
  for (int i = 0; i < REGISTRATIONS_MAX; i++) {
    struct registration *r = &table[i];
    if (r->used && strcmp(r->key, key) == 0) {
      if (r->is_ring) {
        server_stop(&r->server); /* without the lock: it may be in daemon_io */
      }
      pthread_mutex_lock(&table_lock);
      munmap(r->base, r->size);
      r->used = false;
      pthread_mutex_unlock(&table_lock);
      return;
    }
  }
}

void daemon_start(void) {
  on_register = daemon_register;
  on_deregister = daemon_deregister;
}
