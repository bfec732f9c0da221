/* SPDX-License-Identifier: Apache-2.0
 *
 * The shared library gives out the public functions, versioned, and nothing else.
 */
#include <dlfcn.h>
#include <limits.h>
#include <string.h>

#include "support.h"

int main(void) {
  static const char *const names[] = {
      "hf3fs_is_hf3fs",   "hf3fs_extract_mount_point",
      "hf3fs_iovcreate",  "hf3fs_iovopen",
      "hf3fs_iovunlink",  "hf3fs_iovdestroy",
      "hf3fs_iovwrap",    "hf3fs_ior_size",
      "hf3fs_iorcreate",  "hf3fs_iorcreate2",
      "hf3fs_iorcreate3", "hf3fs_iorcreate4",
      "hf3fs_iorwrap",    "hf3fs_iordestroy",
      "hf3fs_reg_fd",     "hf3fs_dereg_fd",
      "hf3fs_io_entries", "hf3fs_prep_io",
      "hf3fs_submit_ios", "hf3fs_wait_for_ios",
      "hf3fs_hardlink",   "hf3fs_punchhole",
  };
  char path[PATH_MAX];
  const char *out = getenv("LAMPYRIS_NATIVE_OUT");
  snprintf(path, sizeof path, "%s/libhf3fs_api_shared.so", out == NULL ? "build" : out);
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (dlvsym(library, names[i], "HF3FS_API_1.0") == NULL || dlsym(library, names[i]) == NULL) {
      fprintf(stderr, "missing: %s\n", names[i]);
      return 1;
    }
  }
  CHECK(dlsym(library, "lmp_key") == NULL);
  CHECK(dlsym(library, "lmp_log") == NULL);
  return 0;
}
