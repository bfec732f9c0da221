/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding the mount point of a path. A tmpfs stands for the mount, with the check of its type off;
 * mounting needs root and a mount namespace of our own.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support.h"

static char base[64] = "/tmp/lmp mount-XXXXXX"; /* the space is escaped in mountinfo */

static const char *at(const char *name) {
  static char path[4][256];
  static int turn;
  turn = (turn + 1) % 4;
  snprintf(path[turn], sizeof path[turn], "%s%s", base, name);
  return path[turn];
}

static void check(const char *path, const char *expected) {
  char found[256] = "untouched";
  int rc = hf3fs_extract_mount_point(found, sizeof found, path);
  CHECK_EQ(rc, expected == NULL ? -1 : (int)strlen(expected) + 1);
  CHECK(strcmp(found, expected == NULL ? "untouched" : expected) == 0);
}

static void mount_tmpfs(const char *path) {
  CHECK_EQ(mkdir(path, 0755) == 0 || errno == EEXIST, true);
  CHECK_EQ(mount("none", path, "tmpfs", 0, "size=1m"), 0);
}

static void makeMounts(void) {
  mount_tmpfs(at("/mnt"));
  CHECK_EQ(mkdir(at("/mnt/3fs-virt"), 0755), 0);
  CHECK_EQ(mkdir(at("/mnt/dir"), 0755), 0);
  CHECK_EQ(mkdir(at("/mnt/dir/deep"), 0755), 0);
  close(open(at("/mnt/dir/file"), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  CHECK_EQ(symlink(at("/mnt/dir"), at("/link")), 0);
  CHECK_EQ(mkdir(at("/mnt2"), 0755), 0); /* a neighbour whose name begins alike */
}

static void everyPathOnTheMountLeadsToIt(void) {
  check(at("/mnt"), at("/mnt"));
  check(at("/mnt/"), at("/mnt"));
  check(at("/mnt/dir/file"), at("/mnt"));
  check(at("/mnt/dir/../dir/./deep"), at("/mnt"));
  check(at("/link/file"), at("/mnt"));
  check(at("/mnt/dir/not/yet/there"), at("/mnt"));
  check(at("/mnt2"), NULL);
  check(base, NULL);
  CHECK_EQ(chdir(at("/mnt/dir")), 0);
  check("deep", at("/mnt"));
  check("new-file", at("/mnt"));
  CHECK_EQ(chdir("/"), 0);
}

static void aShortBufferIsNotTouched(void) {
  char small[8] = "before";
  int needed = (int)strlen(at("/mnt")) + 1;
  CHECK_EQ(hf3fs_extract_mount_point(small, sizeof small, at("/mnt")), needed);
  CHECK(strcmp(small, "before") == 0);
  CHECK_EQ(hf3fs_extract_mount_point(NULL, 0, at("/mnt")), needed);
}

/* Containers often get a directory of the mount, with 3fs-virt mounted into it or around it. */
static void bindMountsLeadToTheVirtualDirectory(void) {
  CHECK_EQ(mount(at("/mnt/dir"), at("/mnt/dir/deep"), NULL, MS_BIND, NULL), 0);
  check(at("/mnt/dir/deep/file"), at("/mnt"));
  CHECK_EQ(umount(at("/mnt/dir/deep")), 0);

  CHECK_EQ(mkdir(at("/bound"), 0755), 0);
  CHECK_EQ(mount(at("/mnt/dir"), at("/bound"), NULL, MS_BIND, NULL), 0);
  CHECK_EQ(mkdir(at("/bound/3fs-virt"), 0755), 0);
  CHECK_EQ(mount(at("/mnt/3fs-virt"), at("/bound/3fs-virt"), NULL, MS_BIND, NULL), 0);
  check(at("/bound/file"), at("/bound"));
  check(at("/bound/3fs-virt"), at("/bound"));
}

static void withTheTypeCheckOnOnlyOurTypeCounts(void) {
  unsetenv("HF3FS_USRBIO_DONT_CHECKFS_FOR_MP");
  check(at("/mnt/dir/file"), NULL);
  setenv("HF3FS_USRBIO_DONT_CHECKFS_FOR_MP", "no", 1);
  check(at("/mnt/dir/file"), NULL);
}

int main(void) {
  char found[16] = "x";
  CHECK_EQ(hf3fs_extract_mount_point(found, 16, NULL), -1);
  CHECK_EQ(hf3fs_extract_mount_point(found, 16, ""), -1);
  CHECK_EQ(hf3fs_extract_mount_point(found, 16, "/proc/self/status"), -1);
  CHECK_EQ(hf3fs_extract_mount_point(found, 16, "/etc/passwd/x"), -1);
  if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
    printf("needs root for a mount namespace\n");
    return SKIP;
  }
  CHECK(mkdtemp(base) != NULL);
  setenv("HF3FS_USRBIO_DONT_CHECKFS_FOR_MP", "yes", 1);
  mount_tmpfs(base);
  makeMounts();
  everyPathOnTheMountLeadsToIt();
  aShortBufferIsNotTouched();
  bindMountsLeadToTheVirtualDirectory();
  withTheTypeCheckOnOnlyOurTypeCounts();
  umount2(base, MNT_DETACH);
  rmdir(base);
  return 0;
}
