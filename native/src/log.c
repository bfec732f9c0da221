/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "internal.h"

static const char *const level_names[] = {"DEBUG", "INFO", "WARN", "ERROR", "OFF"};

static enum lmp_level level_from_environment(void) {
  const char *text = getenv("HF3FS_USRBIO_LIB_LOG");
  if (text == NULL) {
    return LMP_WARN;
  }
  /* The first three letters tell the levels apart, in the short forms too (DBG, ERR, INF). */
  if (strncasecmp(text, "DBG", 3) == 0 || strncasecmp(text, "DEB", 3) == 0) {
    return LMP_DEBUG;
  }
  for (int level = LMP_INFO; level <= LMP_OFF; level++) {
    if (strncasecmp(text, level_names[level], 3) == 0) {
      return (enum lmp_level)level;
    }
  }
  return strncasecmp(text, "FATAL", 5) == 0 ? LMP_OFF : LMP_WARN;
}

void lmp_log(enum lmp_level level, const char *format, ...) {
  static _Atomic int threshold = -1;
  int saved_errno = errno;
  int limit = atomic_load_explicit(&threshold, memory_order_relaxed);
  if (limit < 0) {
    limit = (int)level_from_environment();
    atomic_store_explicit(&threshold, limit, memory_order_relaxed);
  }
  if ((int)level >= limit) {
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    fprintf(stderr, "hf3fs_usrbio: %s: %s\n", level_names[level], line);
  }
  errno = saved_errno;
}
