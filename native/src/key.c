/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "internal.h"

int lmp_random_id(uint8_t id[LMP_ID_BYTES]) {
  size_t have = 0;
  while (have < LMP_ID_BYTES) {
    ssize_t n = getrandom(id + have, LMP_ID_BYTES - have, 0);
    if (n < 0) {
      if (errno == EINTR) {
        continue;
      }
      return -errno;
    }
    have += (size_t)n;
  }
  id[6] = (uint8_t)((id[6] & 0x0f) | 0x40);
  id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
  return 0;
}

static char *put_hex(char *out, const uint8_t *bytes, size_t count) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < count; i++) {
    *out++ = digits[bytes[i] >> 4];
    *out++ = digits[bytes[i] & 15];
  }
  return out;
}

void lmp_shm_name(char out[LMP_SHM_NAME_MAX], const uint8_t id[LMP_ID_BYTES]) {
  static const uint8_t groups[] = {4, 2, 2, 2, 6};
  static const char prefix[] = "/hf3fs-iov-";
  _Static_assert(sizeof prefix - 1 + 36 + 1 <= LMP_SHM_NAME_MAX, "the longest name fits");
  memcpy(out, prefix, sizeof prefix);
  char *p = out + sizeof prefix - 1;
  for (size_t g = 0; g < sizeof groups; g++) {
    if (g > 0) {
      *p++ = '-';
    }
    p = put_hex(p, id, groups[g]);
    id += groups[g];
  }
  *p = '\0';
}

/* snprintf at the end of a key; LMP_KEY_MAX is a bound over all of them. */
#define APPEND(...) p += (size_t)snprintf(p, (size_t)(out + LMP_KEY_MAX - p), __VA_ARGS__)

void lmp_key(char out[LMP_KEY_MAX], const uint8_t id[LMP_ID_BYTES], size_t block_size,
             const struct lmp_ring_attrs *ring) {
  char *p = put_hex(out, id, LMP_ID_BYTES);
  *p = '\0';
  if (block_size != 0) {
    APPEND(".b%zu", block_size);
  }
  if (ring == NULL) {
    return;
  }
  APPEND(".%c%d", ring->for_read ? 'r' : 'w', ring->io_depth);
  if (ring->priority != 0) {
    APPEND(".p%c", ring->priority < 0 ? 'h' : 'l');
  }
  APPEND(".t%d", ring->timeout_ms);
  if (ring->flags != 0) {
    *p++ = '.';
    *p++ = 'f';
    for (int bit = 63 - __builtin_clzll(ring->flags); bit >= 0; bit--) {
      *p++ = (ring->flags >> bit) & 1 ? '1' : '0';
    }
    *p = '\0';
  }
}

const char *lmp_submit_name(int priority) {
  if (priority == 0) {
    return "submit-ios";
  }
  return priority < 0 ? "submit-ios.ph" : "submit-ios.pl";
}
