package io.lampyris.cli.instance;

import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.base.Sizes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Looks at a target's files without opening the target. */
final class TargetFiles {
  private TargetFiles() {}

  /** Refuses a target that cannot be opened; changes nothing. */
  static void check(Path target, long sizeBytes) throws InputException, IOException {
    Path device = target.resolve("device");
    if (!Files.exists(device) || Files.isDirectory(device)) {
      throw InputException.of(
          "a target has lost its device",
          "no " + device,
          Sizes.exact(sizeBytes),
          "restore it, or use another --dir");
    }
    try {
      TargetStore.check(target);
    } catch (StoreException e) {
      throw InputException.because(e);
    }
  }
}
