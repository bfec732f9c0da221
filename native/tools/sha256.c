/* SPDX-License-Identifier: Apache-2.0
 *
 * FIPS 180-4, sections 4.1.2 (functions), 4.2.2 (constants), 5.1.1 (padding), 6.2 (computation).
 */
#include "sha256.h"

#include <stdatomic.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

static const uint32_t K[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotr(uint32_t x, int n) { return (x >> n) | (x << (32 - n)); }
static uint32_t choose(uint32_t x, uint32_t y, uint32_t z) { return (x & y) ^ (~x & z); }
static uint32_t majority(uint32_t x, uint32_t y, uint32_t z) { return (x & y) ^ (x & z) ^ (y & z); }
static uint32_t big0(uint32_t x) { return rotr(x, 2) ^ rotr(x, 13) ^ rotr(x, 22); }
static uint32_t big1(uint32_t x) { return rotr(x, 6) ^ rotr(x, 11) ^ rotr(x, 25); }
static uint32_t small0(uint32_t x) { return rotr(x, 7) ^ rotr(x, 18) ^ (x >> 3); }
static uint32_t small1(uint32_t x) { return rotr(x, 17) ^ rotr(x, 19) ^ (x >> 10); }

static uint32_t load_be32(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void store_be32(uint8_t *p, uint32_t x) {
  for (int i = 0; i < 4; i++) {
    p[i] = (uint8_t)(x >> (24 - 8 * i));
  }
}

/* One round. Instead of moving eight words along, the caller names them one place further on. */
#define ROUND(a, b, c, d, e, f, g, h, t)                                 \
  do {                                                                   \
    uint32_t t1 = (h) + big1(e) + choose(e, f, g) + K[t] + w[(t) & 15];  \
    (d) += t1;                                                           \
    (h) = t1 + big0(a) + majority(a, b, c);                              \
  } while (0)

/* The schedule in place: word t of 16 becomes word t + 16. */
static void extend(uint32_t w[16]) {
  for (int t = 0; t < 16; t++) {
    w[t] += small1(w[(t + 14) & 15]) + w[(t + 9) & 15] + small0(w[(t + 1) & 15]);
  }
}

static void compress_portable(uint32_t state[8], const uint8_t *data, size_t blocks) {
  uint32_t w[16];
  for (; blocks > 0; blocks--, data += SHA256_BLOCK_BYTES) {
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int t = 0; t < 16; t++) {
      w[t] = load_be32(data + 4 * t);
    }
    for (int t = 0; t < 64; t += 8) {
      if (t > 0 && t % 16 == 0) {
        extend(w);
      }
      ROUND(a, b, c, d, e, f, g, h, t);
      ROUND(h, a, b, c, d, e, f, g, t + 1);
      ROUND(g, h, a, b, c, d, e, f, t + 2);
      ROUND(f, g, h, a, b, c, d, e, t + 3);
      ROUND(e, f, g, h, a, b, c, d, t + 4);
      ROUND(d, e, f, g, h, a, b, c, t + 5);
      ROUND(c, d, e, f, g, h, a, b, t + 6);
      ROUND(b, c, d, e, f, g, h, a, t + 7);
    }
    const uint32_t out[8] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; i++) {
      state[i] += out[i];
    }
  }
}

#if defined(__x86_64__)

/* The instructions keep the state as (A B E F) and (C D G H), highest word first, and take four
 * schedule words with their constants added, two rounds at a time. */
__attribute__((target("sha,sse4.1,ssse3"))) static void compress_shani(uint32_t state[8],
                                                                       const uint8_t *data,
                                                                       size_t blocks) {
  const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i abef = _mm_set_epi32((int)state[0], (int)state[1], (int)state[4], (int)state[5]);
  __m128i cdgh = _mm_set_epi32((int)state[2], (int)state[3], (int)state[6], (int)state[7]);
  for (; blocks > 0; blocks--, data += SHA256_BLOCK_BYTES) {
    const __m128i abef_before = abef;
    const __m128i cdgh_before = cdgh;
    __m128i w[4]; /* words 4g-16 .. 4g-1 of the schedule, by g mod 4 */
    for (int i = 0; i < 4; i++) {
      const __m128i *at = (const __m128i *)(const void *)(data + 16 * i);
      w[i] = _mm_shuffle_epi8(_mm_loadu_si128(at), swap);
    }
#pragma GCC unroll 16
    for (int g = 0; g < 16; g++) {
      __m128i now = w[g & 3];
      const __m128i *k = (const __m128i *)(const void *)(K + 4 * g);
      __m128i wk = _mm_add_epi32(now, _mm_load_si128(k));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, wk);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(wk, 0x0e));
      if (g < 12) {
        /* W[t] = W[t-16] + s0(W[t-15]), then + W[t-7], then + s1(W[t-2]) */
        __m128i next = _mm_sha256msg1_epu32(now, w[(g + 1) & 3]);
        next = _mm_add_epi32(next, _mm_alignr_epi8(w[(g + 3) & 3], w[(g + 2) & 3], 4));
        w[g & 3] = _mm_sha256msg2_epu32(next, w[(g + 3) & 3]);
      }
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }
  uint32_t out[8];
  _mm_storeu_si128((__m128i *)(void *)out, abef);
  _mm_storeu_si128((__m128i *)(void *)(out + 4), cdgh);
  const uint32_t result[8] = {out[3], out[2], out[7], out[6], out[1], out[0], out[5], out[4]};
  memcpy(state, result, sizeof result);
}

static bool detect(void) {
  unsigned a, b, c, d;
  bool sse41 = __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_SSE4_1) != 0 && (c & bit_SSSE3) != 0;
  return sse41 && __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & (1u << 29)) != 0;
}

bool sha256_is_accelerated(void) {
  static _Atomic int known; /* 0 not yet, 1 no, 2 yes */
  int value = atomic_load_explicit(&known, memory_order_relaxed);
  if (value == 0) {
    value = detect() ? 2 : 1;
    atomic_store_explicit(&known, value, memory_order_relaxed);
  }
  return value == 2;
}

static void compress(struct sha256 *sha, const uint8_t *data, size_t blocks) {
  if (!sha->portable && sha256_is_accelerated()) {
    compress_shani(sha->state, data, blocks);
  } else {
    compress_portable(sha->state, data, blocks);
  }
}

#else

bool sha256_is_accelerated(void) { return false; }

static void compress(struct sha256 *sha, const uint8_t *data, size_t blocks) {
  compress_portable(sha->state, data, blocks);
}

#endif

void sha256_init(struct sha256 *sha) {
  static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  memset(sha, 0, sizeof *sha);
  memcpy(sha->state, initial, sizeof initial);
}

void sha256_update(struct sha256 *sha, const void *data, size_t bytes) {
  const uint8_t *p = data;
  size_t have = sha->total_bytes % SHA256_BLOCK_BYTES;
  sha->total_bytes += bytes;
  if (have > 0) {
    size_t n = SHA256_BLOCK_BYTES - have < bytes ? SHA256_BLOCK_BYTES - have : bytes;
    memcpy(sha->partial + have, p, n);
    p += n;
    bytes -= n;
    if (have + n < SHA256_BLOCK_BYTES) {
      return;
    }
    compress(sha, sha->partial, 1);
  }
  size_t blocks = bytes / SHA256_BLOCK_BYTES;
  compress(sha, p, blocks);
  size_t rest = bytes % SHA256_BLOCK_BYTES;
  if (rest > 0) {
    memcpy(sha->partial, p + blocks * SHA256_BLOCK_BYTES, rest);
  }
}

void sha256_final(struct sha256 *sha, uint8_t digest[SHA256_BYTES]) {
  uint8_t end[2 * SHA256_BLOCK_BYTES] = {0};
  size_t have = sha->total_bytes % SHA256_BLOCK_BYTES;
  size_t blocks = have + 1 + 8 <= SHA256_BLOCK_BYTES ? 1 : 2;
  uint64_t bits = sha->total_bytes * 8;
  memcpy(end, sha->partial, have);
  end[have] = 0x80;
  store_be32(end + blocks * SHA256_BLOCK_BYTES - 8, (uint32_t)(bits >> 32));
  store_be32(end + blocks * SHA256_BLOCK_BYTES - 4, (uint32_t)bits);
  compress(sha, end, blocks);
  for (int i = 0; i < 8; i++) {
    store_be32(digest + 4 * i, sha->state[i]);
  }
}

void sha256_hex(const uint8_t digest[SHA256_BYTES], char text[SHA256_HEX_CHARS]) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < SHA256_BYTES; i++) {
    text[2 * i] = digits[digest[i] >> 4];
    text[2 * i + 1] = digits[digest[i] & 15];
  }
  text[2 * SHA256_BYTES] = '\0';
}
