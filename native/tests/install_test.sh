#!/bin/sh
# What `make install` leaves is what a client builds against: by pkg-config with the shared library, and with the
# static library alone. The programs run.
set -eu
: "${LAMPYRIS_NATIVE_OUT:?}" "${CC:?}"
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
prefix=/opt/lampyris
root=$tree$prefix

${MAKE:-make} --silent install OUT="$LAMPYRIS_NATIVE_OUT" DESTDIR="$tree" PREFIX="$prefix"

cat >"$tree/client.c" <<'CLIENT'
#include <hf3fs_usrbio.h>

int main(void) {
  char mount_point[256];
  return hf3fs_ior_size(1) == 16 + 32 + 2 * 96 + 4096 && !hf3fs_is_hf3fs(0) &&
                 hf3fs_extract_mount_point(mount_point, sizeof mount_point, "/proc") == -1
             ? 0
             : 1;
}
CLIENT

# Every file that is promised, and nothing that names the tree it was staged in.
for file in lib/libhf3fs_api_shared.so lib/libhf3fs_api.a lib/liblampyris_preload.so lib/pkgconfig/hf3fs_api_shared.pc \
  include/hf3fs_usrbio.h include/hf3fs/hf3fs_usrbio.h bin/lampyris-usrbio-read share/man/man1/lampyris-exec.1 share/man/man3/hf3fs_prep_io.3; do
  [ -s "$root/$file" ] || { echo "not installed: $file"; exit 1; }
done
if grep -q "$tree" "$root/lib/pkgconfig/hf3fs_api_shared.pc"; then echo "the .pc file names DESTDIR"; exit 1; fi

# shellcheck disable=SC2086
$CC ${SANITIZE:-} "$tree/client.c" -I"$root/include" "$root/lib/libhf3fs_api.a" -static-libgcc -pthread -lrt -o "$tree/static"
"$tree/static" || { echo "the program with the static library failed: $?"; exit 1; }
if ldd "$tree/static" | grep hf3fs; then echo "the static program loads the shared library"; exit 1; fi

if ! command -v pkg-config >/dev/null 2>&1; then
  echo "no pkg-config, so its file was not tried; remedy: install pkg-config"
  exit 77
fi
export PKG_CONFIG_PATH="$root/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$tree"
# shellcheck disable=SC2086,SC2046
$CC ${SANITIZE:-} "$tree/client.c" $(pkg-config --cflags --libs hf3fs_api_shared) -o "$tree/shared"
LD_LIBRARY_PATH="$root/lib" "$tree/shared" || { echo "the program with the shared library failed: $?"; exit 1; }
# The name that clients of other builds of this library carry, too.
LD_LIBRARY_PATH="$root/lib" ldd "$tree/shared" | grep -q "libhf3fs_api_shared.so => $root/lib/" ||
  { echo "it does not load libhf3fs_api_shared.so"; exit 1; }
