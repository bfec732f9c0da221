package io.lampyris.chunkengine.store;

import io.lampyris.bindings.spdk.SpdkEnvironment;
import io.lampyris.chunkengine.host.NamespaceName;
import io.lampyris.reactor.testkit.SpdkTarget;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** {@link NvmeModel} over VFIOUSER, whose queues lie in shared memory. */
final class NvmeModelTest extends NvmeModel {
  private SpdkTarget onFile() throws Exception {
    Path file = tmp.resolve("disk");
    if (!Files.exists(file)) {
      try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
        sparse.setLength(NvmeTarget.SIZE_BYTES + (16 << 20));
      }
    }
    return SpdkTarget.startOn(file, tmp, 14422);
  }

  /** The device comes back with what it had. */
  @Test
  void nothingAcknowledgedIsLostOverSharedMemory() throws Exception {
    SpdkEnvironment environment = SpdkTarget.environment();
    SpdkTarget[] device = {onFile()};
    NamespaceName name = name(device[0].overSharedMemory());
    try (NvmeTarget target = new NvmeTarget(tmp.resolve("t"), environment, name, PATIENCE)) {
      SimWorkload client = begin(target);
      lose(target, client, () -> device[0].kill());
      device[0] = onFile();
      target.boot();
      client.reload();
      live(target, client);
      target.shutdown();
      checks(target, environment, name);
      target.damageFirstSuperblock();
      target.boot();
      client.reload();
      target.shutdown();
    } finally {
      device[0].close();
    }
  }
}
