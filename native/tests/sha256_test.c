/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 against the vectors of FIPS 180-4 and NIST's CAVP, in both implementations.
 */
#include "sha256.h"

#include <string.h>

#include "support.h"

static void check(bool portable, const void *data, size_t bytes, size_t step, const char *expected) {
  struct sha256 sha;
  uint8_t digest[SHA256_BYTES];
  char text[SHA256_HEX_CHARS];
  sha256_init(&sha);
  sha.portable = portable;
  for (size_t at = 0; at < bytes; at += step) {
    sha256_update(&sha, (const char *)data + at, bytes - at < step ? bytes - at : step);
  }
  sha256_final(&sha, digest);
  sha256_hex(digest, text);
  if (strcmp(text, expected) != 0) {
    fprintf(stderr, "observed=%s, expected=%s, %zu bytes, step %zu\n", text, expected, bytes, step);
    exit(1);
  }
}

int main(void) {
  static const char two[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  static const char four[] =
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr"
      "lmnopqrsmnopqrstnopqrstu";
  enum { MILLION = 1000000 };
  char *a = malloc(MILLION);
  CHECK(a != NULL);
  memset(a, 'a', MILLION);
  for (int portable = 0; portable <= 1; portable++) {
    for (size_t step = 1; step < 200; step += 13) {
      check(portable, "", 0, step,
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
      check(portable, "abc", 3, step,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
      check(portable, two, 56, step,
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
      check(portable, four, 112, step,
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
      check(portable, a, MILLION, step * 5003,
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
  }
  free(a);
  printf("SHA instructions: %s\n", sha256_is_accelerated() ? "yes" : "no");
  return 0;
}
