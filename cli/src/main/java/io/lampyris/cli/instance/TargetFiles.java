package io.lampyris.cli.instance;

import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.host.NamespaceHost;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.base.Sizes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Looks at a target's files without opening the target. */
final class TargetFiles {
  private TargetFiles() {}

  /**
   * Refuses a target that cannot be opened; changes nothing.
   *
   * @param isFile whether its device is to be a file, whose superblocks can be read
   */
  static void check(Path target, long sizeBytes, boolean isFile)
      throws InputException, IOException {
    Path device = target.resolve("device");
    if (!Files.exists(device) || Files.isDirectory(device)) {
      throw InputException.of(
          "a target has lost its device",
          "no " + device,
          Sizes.exact(sizeBytes),
          "restore it, or use another --dir");
    }
    try {
      if (isFile != (NamespaceHost.marker(device) == null)) {
        throw InputException.of(
            "a target lies elsewhere than the configuration says",
            "%s %s".formatted(device, isFile ? "names an NVMe namespace" : "is a file"),
            isFile ? "a file" : "a namespace of storage.namespaces",
            "correct storage.namespaces");
      }
      if (isFile) {
        TargetStore.check(target, TargetOptions.defaults());
      }
    } catch (StoreException e) {
      throw InputException.because(e);
    }
  }
}
