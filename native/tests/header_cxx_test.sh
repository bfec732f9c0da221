#!/bin/sh
# The public header compiles as C++, and a C++ program links with the library.
set -eu
: "${LAMPYRIS_NATIVE_OUT:?}"
if ! command -v "${CXX:=c++}" >/dev/null 2>&1; then
  echo "no C++ compiler; observed=$CXX; remedy: install g++"
  exit 77
fi
program=$(mktemp)
trap 'rm -f "$program"' EXIT
for include in hf3fs_usrbio.h hf3fs/hf3fs_usrbio.h; do
  for standard in c++11 c++17; do
    # shellcheck disable=SC2086
    printf '#include <%s>\nint main() { return hf3fs_ior_size(0) == 16 + 32 + 96 + 4096 ? 0 : 1; }\n' "$include" |
      $CXX -std=$standard -Wall -Wextra -Wpedantic -Werror ${SANITIZE:-} -Iinclude -x c++ - -x none \
        "$LAMPYRIS_NATIVE_OUT/libhf3fs_api_shared.so" -o "$program" ||
      { echo "$include does not compile as $standard"; exit 1; }
    LD_LIBRARY_PATH=$LAMPYRIS_NATIVE_OUT "$program" || { echo "a $standard program failed"; exit 1; }
  done
done
