/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 (FIPS 180-4). Uses the x86 SHA instructions where the processor has them.
 */
#ifndef LMP_SHA256_H
#define LMP_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32
#define SHA256_BLOCK_BYTES 64
#define SHA256_HEX_CHARS (2 * SHA256_BYTES + 1)

struct sha256 {
  uint32_t state[8];
  uint64_t total_bytes;
  uint8_t partial[SHA256_BLOCK_BYTES];
  bool portable; /* never use special instructions */
};

void sha256_init(struct sha256 *sha);
void sha256_update(struct sha256 *sha, const void *data, size_t bytes);
void sha256_final(struct sha256 *sha, uint8_t digest[SHA256_BYTES]);
void sha256_hex(const uint8_t digest[SHA256_BYTES], char text[SHA256_HEX_CHARS]);
/* Whether this processor has the SHA instructions. */
bool sha256_is_accelerated(void);

#endif
