package io.lampyris.fuse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** What programs do with names, through the kernel. */
class NamespaceTest extends MountedTest {
  @Test
  void directoriesAreMadeAndRemoved() throws Exception {
    sh(
        "mkdir -p a/b/c; [ -d a/b/c ]; [ $(stat -c %h a) = 3 ]; ! rmdir a 2>/dev/null; rm -r a;"
            + " [ ! -e a ]");
  }

  @Test
  void linksOfBothKinds() throws Exception {
    assertEquals("content", sh("echo content > f; ln -s f s; cat s"));
    assertEquals("f", sh("readlink s"));
    assertEquals("2", sh("ln f h; stat -c %h f"));
    assertEquals("content", sh("rm f; cat h"));
    sh("for i in $(seq 30); do [ $(stat -c %h h) = 1 ] && exit; sleep 0.1; done; exit 1");
  }

  @Test
  void appendersThroughTwoNamesDoNotOverwriteEachOther() throws Exception {
    sh(
        "touch a; ln a b; for w in a b a b; do (for i in $(seq 200); do echo line >> $w; done) & done;"
            + " wait; [ $(wc -l < a) = 800 ]");
  }

  @Test
  void appendsThroughTwoNamesFollowEachOtherUnflushed() throws Exception {
    assertEquals(
        "aabbccddee",
        sh(
            "touch x; ln x y; exec 3>>x 4>>y; for c in a b c d e; do printf $c >&3;"
                + " printf $c >&4; done; cat x"));
  }

  @Test
  void renameReplacesAndMovesDirectories() throws Exception {
    assertEquals("1", sh("echo 1 > a; echo 2 > b; mv a b; cat b; [ ! -e a ]"));
    sh("mkdir -p d/e x; echo deep > d/e/f; mv d x/; [ $(cat x/d/e/f) = deep ]; [ ! -e d ]");
    assertEquals("deep", sh("mkdir y; mv x/d y/; cd y/d/e; cat f; [ ! -e ../../../x/d ]"));
  }

  @Test
  void renameIsSeenThroughEveryCacheAtOnce() throws Exception {
    sh(
        "for i in $(seq 100); do echo $i > new; mv new cur; [ $(cat cur) = $i ];"
            + " mkdir -p d1; echo $i > d1/f; mv d1 d2; [ $(cat d2/f) = $i ]; rm -r d2; done");
  }

  @Test
  void specialFilesKeepTheirType() throws Exception {
    assertEquals("fifo", sh("mkfifo p; stat -c %F p"));
    assertEquals("hello", sh("(echo hello > p &); cat p"));
    Shell.assumeHas("python3");
    assertEquals(
        "socket",
        sh(
            "python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"s\")';"
                + " stat -c %F s"));
  }

  @Test
  void namesAreBytes() throws Exception {
    assertEquals("x", sh("n=$(printf 'caf\\351 \\377'); echo x > \"$n\"; cat \"$n\""));
    assertEquals("636166e920ff0a", sh("ls | grep -av 3fs | od -An -tx1 | tr -d ' \\n'"));
    assertEquals("ü€", sh("mkdir 'ü€'; ls | grep ü"));
  }

  @Test
  void namesHave255BytesAtMost() throws Exception {
    sh("n=$(printf 'x%.0s' $(seq 255)); touch $n; [ -e $n ]; ! touch ${n}y 2>/dev/null");
  }

  @Test
  void aHundredThousandEntriesAreListedCompletely() throws Exception {
    Shell.assumeHas("python3");
    sh(
        "mkdir big; cd big; python3 -c \"for i in range(100000): open('entry-%06d' % i, 'w').close()\"");
    long startNs = System.nanoTime();
    assertEquals("100000", sh("ls -U big | wc -l"));
    double seconds = (System.nanoTime() - startNs) / 1e9;
    System.out.printf("ls -U of 100000 entries: %.2f s%n", seconds);
    assertEquals("100000", sh("ls -U big | sort -u | wc -l"));
    assertEquals("100002", sh("ls -aU big | wc -l"));
    assertTrue(seconds < 20, () -> "slow listing; observed=" + seconds + " s, limit=20");
  }

  @Test
  void entriesTellTypeAndInode() throws Exception {
    sh("mkdir d; touch f; ln -s f s; mkfifo p");
    assertEquals(
        "d f p s", sh("echo $(find . -mindepth 1 -maxdepth 1 -name '?' | sort | tr -d ./)"));
    assertEquals("./d", sh("find . -mindepth 1 -type d -name d"));
    Shell.assumeHas("python3");
    assertEquals(
        "ok",
        sh(
            """
            python3 -c 'import os
            for e in os.scandir("."):
              assert e.inode() == os.lstat(e.name).st_ino, e.name
              assert e.is_symlink() == (e.name == "s")
            print("ok")'
            """));
  }

  @Test
  void dotAndDotDotAreThere() throws Exception {
    assertEquals(". .. x", sh("mkdir -p a/b; touch a/b/x; echo $(ls -aU a/b | sort)"));
  }

  @Test
  void copiesByCpTarAndRsyncAreEqual() throws Exception {
    Shell.assumeHas("rsync");
    sh(
        "mkdir -p $S/src/deep/er; for i in $(seq 300); do head -c $((i * 97)) /dev/urandom >"
            + " $S/src/deep/f$i; done; ln -s f1 $S/src/deep/link; head -c 3000000 /dev/urandom >"
            + " $S/src/deep/er/big; chmod 600 $S/src/deep/f7; touch -d '2001-02-03 04:05:06.7'"
            + " $S/src/deep/f8; cp -a $S/src byCp; rsync -a $S/src/ byRsync/; mkdir byTar; tar --format=posix -C"
            + " $S/src -cf - . | tar -C byTar -xf -");
    for (String copy : new String[] {"byCp", "byRsync", "byTar"}) {
      sh("diff -r $S/src " + copy);
      assertEquals("600", sh("stat -c %a " + copy + "/deep/f7"));
      assertEquals(sh("stat -c %y $S/src/deep/f8"), sh("stat -c %y " + copy + "/deep/f8"));
      assertEquals("", sh("rsync -anc --itemize-changes $S/src/ " + copy + "/"));
    }
  }

  @Test
  void permissionsAreCheckedForOthers() throws Exception {
    Shell.assumeHas("setpriv");
    sh("echo secret > f; chmod 600 f; chmod 755 .; mkdir -m 777 open");
    assertNotEquals(
        0,
        Shell.run("cd \"$1\"; setpriv --reuid 65534 --regid 65534 --clear-groups cat f", point)
            .exit());
    sh("setpriv --reuid 65534 --regid 65534 --clear-groups touch open/mine");
    assertEquals("65534:65534", sh("stat -c %u:%g open/mine"));
  }

  @Test
  void theVirtualDirectoryIsThere() throws Exception {
    assertEquals("3fs-virt", sh("ls"));
    assertEquals("555", sh("stat -c %a 3fs-virt"));
    assertEquals("777", sh("stat -c %a 3fs-virt/iovs"));
    assertEquals("iovs rm-rf", sh("echo $(ls 3fs-virt)"));
    assertEquals("/dev/shm/x", sh("ln -s /dev/shm/x 3fs-virt/iovs/k1; readlink 3fs-virt/iovs/k1"));
    assertEquals("k1", sh("ls 3fs-virt/iovs"));
    assertEquals("", sh("rm 3fs-virt/iovs/k1; ls 3fs-virt/iovs"));
    sh("! mkdir 3fs-virt/x 2>/dev/null; ! touch 3fs-virt/iovs/f 2>/dev/null; [ -d 3fs-virt/.. ]");
  }

  @Test
  void theVirtualTreeHearsWhenAProcessLetsADirectoryGo() throws Exception {
    sh("exec 5< 3fs-virt/iovs; ls /proc/self/fd/5/ > /dev/null; exec 5<&-");
    mount.close();
    assertEquals(virtual.openers.size(), virtual.released.size());
    assertTrue(virtual.openers.stream().allMatch(caller -> caller.pid() > 0));
  }

  @Test
  void theMountShowsAsItsTypeAndName() throws Exception {
    assertEquals(
        "fuse.hf3fs lampyris.test",
        sh("grep \" $1 \" /proc/self/mountinfo | sed 's/.* - //' | cut -d' ' -f1,2"));
  }

  @Test
  void ioctlsAnswerOnFilesAndDirectories() throws Exception {
    Shell.assumeHas("python3");
    String script =
        """
        import fcntl, os, struct, sys
        def ask(fd, nr, n):
          return fcntl.ioctl(fd, (2 << 30) | (n << 16) | (0x68 << 8) | nr, bytes(n))
        for name in ("f", ".", "3fs-virt", "3fs-virt/iovs"):
          fd = os.open(name, os.O_RDONLY)
          assert ask(fd, 0, 32).rstrip(bytes(1)) == b"test", name
          n = struct.unpack("I", ask(fd, 1, 4))[0]
          assert n == len(os.getcwd()), (name, n)
          assert struct.unpack("I", ask(fd, 2, 4))[0] == 0x8f3f5fff
          assert struct.unpack("I", ask(fd, 3, 4))[0] == 1
          assert struct.unpack("I", ask(fd, 11, 4))[0] == 0
          try:
            ask(fd, 99, 4)
            sys.exit("99 must fail")
          except OSError as e:
            assert e.errno == 25, e
        print("ok")\
        """;
    assertEquals("ok", sh("touch f; python3 -c '" + script + "'"));
    assertTrue(files.fsyncs.get() > 0);
  }

  private static final String IOCTLS =
      """
      import errno, fcntl, os, struct, sys
      def ioctl(fd, nr, data):
        return fcntl.ioctl(fd, (1 << 30) | (len(data) << 16) | (0x68 << 8) | nr, bytearray(data))
      def link(fd, parent, name):
        return ioctl(fd, 12, struct.pack("Q255sx", os.stat(parent).st_ino if isinstance(parent, str) else parent, name))
      def punch(fd, *holes, n=None):
        starts = [h[0] for h in holes] + [7] * (1000 - len(holes))
        ends = [h[1] for h in holes] + [3] * (1000 - len(holes))
        n = len(holes) if n is None else n
        return ioctl(fd, 13, struct.pack("iiQ1000Q1000Q", n, 0, 0, *starts, *ends))
      def fails(code, call, *args, **named):
        try:
          call(*args, **named)
        except OSError as e:
          assert e.errno == code, (errno.errorcode[e.errno], errno.errorcode[code], args)
        else:
          sys.exit("must fail: %s" % (args,))
      """;

  @Test
  void anIoctlGivesAnOpenFileAnotherName() throws Exception {
    Shell.assumeHas("python3");
    String script =
        IOCTLS
            + """
            os.mkdir("d"), os.mkdir("d/e")
            fd = os.open("f", os.O_RDONLY)
            link(fd, ".", b"in-root")
            link(fd, 1, b"in-root-again")
            link(fd, "d/e", b"n" * 254)
            assert os.fstat(fd).st_nlink == 4, os.fstat(fd)
            for name in ("in-root", "in-root-again", "d/e/" + "n" * 254):
              assert os.path.samefile("f", name), name
            fails(errno.EEXIST, link, fd, ".", b"f")
            fails(errno.EEXIST, link, fd, ".", b"3fs-virt")
            fails(errno.EXDEV, link, fd, "3fs-virt/iovs", b"x")
            fails(errno.ENOTDIR, link, fd, "f", b"x")
            fails(errno.ENOENT, link, fd, 999999, b"x")
            fails(errno.ENAMETOOLONG, link, fd, ".", b"n" * 255)
            fails(errno.EINVAL, ioctl, fd, 12, bytes(8))
            fails(errno.EPERM, link, os.open("d", os.O_RDONLY), ".", b"x")
            print("ok")\
            """;
    assertEquals("ok", sh("echo x >f; python3 -c '" + script + "'"));
  }

  @Test
  void whoLinksByIoctlNeedsThePermissionsOfLink() throws Exception {
    Shell.assumeHas("python3");
    String script =
        IOCTLS
            + """
            for name, mode in (("open", 0o777), ("closed", 0o755), ("hidden", 0o700), ("hidden/d", 0o777), ("group", 0o770)):
              os.mkdir(name)
              os.chmod(name, mode)
            os.chown("group", 0, 77)
            hidden = os.stat("hidden/d").st_ino
            for name, mode in (("mine", 0o600), ("foreign", 0o644), ("shared", 0o666), ("setuid", 0o4666)):
              os.close(os.open(name, os.O_CREAT))
              os.chmod(name, mode)
            os.chown("mine", 1000, 1000)
            os.setgroups([5, 77]), os.setgid(1000), os.setuid(1000)
            mine = os.open("mine", os.O_RDONLY)
            link(mine, "open", b"mine")
            link(mine, "group", b"mine")
            fails(errno.EACCES, link, mine, "closed", b"mine")
            fails(errno.EACCES, link, mine, ".", b"my")
            fails(errno.EACCES, link, mine, hidden, b"mine")
            fails(errno.EPERM, link, os.open("foreign", os.O_RDONLY), "open", b"foreign")
            fails(errno.EPERM, link, os.open("setuid", os.O_RDONLY), "open", b"setuid")
            link(os.open("shared", os.O_RDONLY), "open", b"shared")
            print("ok")\
            """;
    assertEquals("ok", sh("umask 0; python3 -c '" + script + "'"));
  }

  private static final String TREES =
      IOCTLS
          + """
          def remove(fd, name, recursive=True, parent=None):
            return ioctl(fd, 15, struct.pack("Q256s?7x", parent or os.fstat(fd).st_ino, name, recursive))
          def move(fd, name, to, to_name, trash=False, parent=None):
            to = os.stat(to).st_ino if isinstance(to, str) else to
            return ioctl(fd, 14, struct.pack("Q256sQ256s?7x", parent or os.fstat(fd).st_ino, name, to, to_name, trash))
          def remove_tree(fd):
            return fcntl.ioctl(fd, (2 << 30) | (4 << 16) | (0x68 << 8) | 10, bytes(4))
          def grow(top, files):
            os.makedirs(top + "/a/b/c/d/e")
            os.makedirs(top + "/a/empty")
            os.symlink("/etc", top + "/a/b/link")
            for i in range(files):
              os.close(os.open("%s/a/b/f%d" % (top, i), os.O_CREAT))
          def gone(path):
            return not os.path.lexists(path)
          here = os.open(".", os.O_RDONLY)
          """;

  @Test
  void anIoctlRemovesANameAndAllBelowIt() throws Exception {
    Shell.assumeHas("python3");
    String script =
        TREES
            + """
            grow("t", 5000)
            os.mkdir("empty")
            held = os.open("f", os.O_RDONLY)
            fails(errno.ENOTEMPTY, remove, here, b"t", recursive=False)
            fails(errno.ENOENT, remove, here, b"none")
            fails(errno.EINVAL, remove, here, b"f", parent=os.stat("t").st_ino)
            fails(errno.ENOTDIR, remove, held, b"f")
            fails(errno.ENAMETOOLONG, remove, here, b"n" * 256)
            for bad in (b"", b".", b"..", b"t/a"):
              fails(errno.EINVAL, remove, here, bad)
            fails(errno.EPERM, remove, here, b"3fs-virt")
            fails(errno.EINVAL, ioctl, here, 15, bytes(8))
            assert os.path.exists("t/a/b/f4999")
            for name in (b"t", b"empty", b"f"):
              remove(here, name)
              assert gone(name), name
            assert os.path.isdir("/etc") and os.read(held, 1) == b"x"
            grow("u", 10)
            u, a = os.open("u", os.O_RDONLY), os.open("u/a", os.O_RDONLY)
            remove(u, b"a")
            assert os.listdir("u") == []
            fails(errno.ENOENT, remove_tree, a)
            remove(here, b"u", recursive=False)
            assert gone("u")
            print("ok")\
            """;
    assertEquals("ok", sh("echo x >f; python3 -c '" + script + "'"));
  }

  @Test
  void anIoctlAndASymlinkRemoveWholeTrees() throws Exception {
    Shell.assumeHas("python3");
    String script =
        TREES
            + """
            grow("t", 10)
            t = os.open("t", os.O_RDONLY)
            os.rename("t", "renamed")
            remove_tree(t)
            assert gone("renamed") and os.listdir(".") == ["3fs-virt"], os.listdir(".")
            fails(errno.EPERM, remove_tree, here)
            fails(errno.EPERM, remove_tree, os.open("3fs-virt/rm-rf", os.O_RDONLY))
            grow("t", 10)
            os.symlink("f", "link")
            rm = "3fs-virt/rm-rf/"
            fails(errno.ENOTDIR, remove_tree, os.open("t/a/b/f0", os.O_RDONLY))
            mount = os.getcwd()
            for bad in ("t", mount, mount + "/", mount + "/t/../t", mount + "/./t", mount + "//t", "/etc/x", mount + "x/t"):
              fails(errno.EINVAL, os.symlink, bad, rm + "x")
            fails(errno.ENOENT, os.symlink, mount + "/none", rm + "x")
            fails(errno.EPERM, os.symlink, mount + "/3fs-virt", rm + "x")
            assert os.path.exists("t/a/b/f9") and os.listdir(rm) == []
            os.symlink(mount + "/t/", rm + "t")
            os.symlink(mount + "/link", rm + "link")
            assert os.listdir(".") == ["3fs-virt"] and os.listdir(rm) == []
            print("ok")\
            """;
    assertEquals("ok", sh("python3 -c '" + script + "'"));
  }

  @Test
  void anIoctlMovesAName() throws Exception {
    Shell.assumeHas("python3");
    String script =
        TREES
            + """
            os.mkdir("d")
            assert open("f").read() == "x"
            move(here, b"f", "d", b"g", trash=True)
            assert gone("f") and open("d/g").read() == "x"
            d = os.open("d", os.O_RDONLY)
            open("h", "w").write("new")
            move(d, b"g", 1, b"h")
            assert gone("d/g") and os.listdir("d") == []
            fails(errno.EINVAL, move, d, b"h", 1, b"x", parent=1)
            fails(errno.EXDEV, move, here, b"h", "3fs-virt/iovs", b"h")
            fails(errno.EPERM, move, here, b"h", 1, b"3fs-virt")
            fails(errno.EPERM, move, here, b"3fs-virt", 1, b"x")
            fails(errno.ENOTDIR, move, os.open("h", os.O_RDONLY), b"h", 1, b"x")
            fails(errno.EINVAL, ioctl, here, 14, bytes(8))
            print("ok")\
            """;
    assertEquals("ok", sh("printf x >f; python3 -c '" + script + "'"));
    // The kernel may know the file that was replaced for a second.
    sh("timeout 10 sh -c 'until [ \"$(cat h)\" = x ]; do :; done'");
  }

  @Test
  void whoRemovesByIoctlNeedsThePermissionsOfRm() throws Exception {
    Shell.assumeHas("python3");
    String script =
        TREES
            + """
            for name, mode in (("open", 0o777), ("closed", 0o755), ("sticky", 0o1777), ("hidden", 0o700)):
              os.mkdir(name)
              grow(name + "/mine", 2), grow(name + "/foreign", 2)
              for top, _, files in os.walk(name + "/mine"):
                os.chown(top, 1000, 1000)
              os.chmod(name, mode)
            os.chmod("open/foreign/a", 0o755)
            hidden = os.open("hidden/mine", os.O_RDONLY)
            dirs = {name: os.open(name, os.O_RDONLY) for name in ("open", "closed", "sticky")}
            os.setgroups([]), os.setgid(1000), os.setuid(1000)
            fails(errno.EACCES, remove, dirs["open"], b"foreign")
            fails(errno.EACCES, remove, dirs["closed"], b"foreign")
            assert os.path.exists("open/foreign/a/b/f1")
            remove(dirs["open"], b"mine")
            remove(dirs["sticky"], b"mine")
            fails(errno.EACCES, remove, dirs["closed"], b"mine")
            fails(errno.EACCES, remove_tree, hidden)
            fails(errno.EACCES, move, dirs["closed"], b"mine", "open", b"mine")
            fails(errno.EACCES, os.symlink, os.getcwd() + "/closed/mine", "3fs-virt/rm-rf/x")
            move(dirs["open"], b"foreign", "open", b"still")
            assert gone("open/mine") and gone("sticky/mine") and os.path.exists("closed/mine/a/b/f1")
            print("ok")\
            """;
    assertEquals("ok", sh("chmod 777 .; umask 0; python3 -c '" + script + "'"));
  }

  @Test
  void holesAreMadeByIoctlAndByFallocate() throws Exception {
    Shell.assumeHas("python3");
    String script =
        IOCTLS
            + """
            import ctypes
            data = bytearray(os.urandom(100000))
            fd = os.open("f", os.O_RDWR | os.O_CREAT)
            os.write(fd, data)
            def check():
              assert os.pread(fd, 200000, 0) == bytes(data)
              assert os.fstat(fd).st_size == len(data)
            holes = [(0, 10), (5000, 5000), (70000, 80001), (99999, 1 << 40)]
            punch(fd, *holes)
            for a, b in holes:
              data[a:min(b, len(data))] = bytes(min(b, len(data)) - a)
            check()
            punch(fd)
            for bad in ([(5, 3)], [(0, 5), (-1 & (1 << 64) - 1, 9)], [(0, 1 << 63)], [(0, (1 << 64) - 1)]):
              fails(errno.EINVAL, punch, fd, (20, 30), *bad)
            fails(errno.EINVAL, punch, fd, n=1001)
            fails(errno.EINVAL, punch, fd, n=-1)
            fails(errno.EINVAL, ioctl, fd, 13, bytes(16))
            fails(errno.EBADF, punch, os.open("f", os.O_RDONLY), (20, 30))
            fails(errno.EISDIR, punch, os.open(".", os.O_RDONLY), (20, 30))
            check()
            libc = ctypes.CDLL(None, use_errno=True)
            def fallocate(mode, at, n):
              if libc.fallocate(fd, mode, ctypes.c_long(at), ctypes.c_long(n)):
                raise OSError(ctypes.get_errno(), "fallocate")
            fallocate(3, 1000, 500)
            data[1000:1500] = bytes(500)
            check()
            fallocate(3, 99000, (1 << 62))
            data[99000:] = bytes(1000)
            check()
            for mode in (0, 1, 16):
              fails(errno.EOPNOTSUPP, fallocate, mode, 0, 1000)
            os.posix_fallocate(fd, 0, 100001)
            data += bytes(1)
            check()
            print("ok")\
            """;
    assertEquals("ok", sh("python3 -c '" + script + "'"));
  }

  @Test
  void cachedNamesSaveLookups() throws Exception {
    sh("mkdir -p a/b/c; for i in $(seq 50); do touch a/b/c/f$i; done");
    int before = files.lookups.get();
    sh("for i in $(seq 50); do cat a/b/c/f$i; done");
    int used = files.lookups.get() - before;
    assertTrue(used <= 60, () -> "lookups; observed=" + used + ", limit=60");
  }
}
