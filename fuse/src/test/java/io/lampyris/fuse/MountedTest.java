package io.lampyris.fuse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A mount per test, gone after it whatever happens. */
abstract class MountedTest {
  Path point = Path.of("/nowhere");
  Path scratch = Path.of("/nowhere");
  MemoryFileSystem files = new MemoryFileSystem();
  MemoryVirtualTree virtual = new MemoryVirtualTree();
  TestReactor reactor;
  FuseMount mount;

  @BeforeEach
  void mount() throws Exception {
    Shell.assumeMountsWork();
    reactor = new TestReactor();
    Path base = Files.createTempDirectory("lampyris-fuse");
    point = Files.createDirectory(base.resolve("mnt")).toRealPath();
    scratch = Files.createDirectory(base.resolve("scratch"));
    mount = FuseMount.mount(point, files, virtual, options(), reactor.agent());
  }

  MountOptions options() {
    return MountOptions.of("test").withThreads(8);
  }

  @AfterEach
  void unmount() throws IOException, InterruptedException {
    if (mount != null) {
      mount.close();
      reactor.close();
      Shell.run("umount -l \"$1\" 2>/dev/null || true; rm -rf \"$2\"", point, scratch);
      Files.deleteIfExists(point);
      Files.deleteIfExists(point.getParent());
    }
  }

  /** Runs a script in the mount; {@code $S} is a directory elsewhere. */
  String sh(String script) throws IOException, InterruptedException {
    return Shell.sh("S=$2; cd \"$1\"; " + script, point, scratch);
  }
}
