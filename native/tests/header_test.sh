#!/bin/sh
# The public header is enough by itself, in C99, C11 and C17, under both of its names, without a warning.
set -eu
: "${CC:?}"
for include in hf3fs_usrbio.h hf3fs/hf3fs_usrbio.h; do
  for standard in c99 c11 c17; do
    printf '#include <%s>\nint main(void) { return sizeof(struct hf3fs_ior) == 600 ? 0 : 1; }\n' "$include" |
      $CC -std=$standard -Wall -Wextra -Wpedantic -Werror -Iinclude -fsyntax-only -x c - ||
      { echo "$include does not compile as $standard"; exit 1; }
  done
done
