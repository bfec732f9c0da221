package io.lampyris.reactor.device;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.spdk.SpdkEnvironment;
import io.lampyris.reactor.testkit.SpdkTarget;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** The real driver against SPDK's own target, whose queues lie in shared memory. */
class SpdkNvmeDeviceTest extends DeviceConformance {
  static final SpdkController.Patience PATIENCE =
      new SpdkController.Patience(TimeUnit.SECONDS.toNanos(20), TimeUnit.SECONDS.toNanos(20));

  @TempDir static Path tmp;

  @SuppressWarnings("NullAway.Init")
  static SpdkEnvironment environment;

  @SuppressWarnings("NullAway.Init")
  static SpdkTarget target;

  @BeforeAll
  static void start() throws IOException {
    environment = SpdkTarget.environment();
    target = SpdkTarget.start(tmp, freePort());
  }

  static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  @AfterAll
  static void stop() {
    if (target != null) {
      target.close();
    }
  }

  String transportId() {
    return target.overSharedMemory();
  }

  int namespace() {
    return 1;
  }

  @Override
  long sizeBytes() {
    return (long) SpdkTarget.MIB << 20;
  }

  @Override
  Rig open(long sizeBytes) throws Exception {
    SpdkRig rig = new SpdkRig(environment, transportId(), namespace(), PATIENCE);
    zero(rig, sizeBytes);
    return rig;
  }

  /** One namespace serves all tests. */
  static void zero(Rig rig, long sizeBytes) throws Exception {
    MemorySegment zeros = NativeMemory.allocateAligned(1 << 20);
    for (long at = 0; at < sizeBytes; at += 1 << 20) {
      assertEquals(1 << 20, one(rig, IoRequest.Kind.WRITE, at, zeros, 1 << 20));
    }
    NativeMemory.unmap(zeros);
  }
}
