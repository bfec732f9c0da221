package io.lampyris.cli.host;

import io.lampyris.fuse.LibFuse;
import java.util.List;

/** What a mount needs. */
final class FuseCheck {
  private static final String DEVICE = "/dev/fuse";

  private FuseCheck() {}

  static List<Finding> of(Host host, Libraries libraries) {
    return List.of(device(host.files()), library(host, libraries));
  }

  private static Finding device(HostFiles files) {
    String id = "fuse.device";
    String limit = DEVICE + " can be read and written, for lampyris mount, up and quickstart";
    if (files.isUsable(DEVICE)) {
      return Finding.ok(id, DEVICE, limit);
    }
    return files.exists(DEVICE)
        ? Finding.err(id, "no access to " + DEVICE, limit, "chmod 666 " + DEVICE)
        : Finding.err(
            id,
            "no " + DEVICE,
            limit,
            "modprobe fuse    # in a container: start it with --device " + DEVICE);
  }

  private static Finding library(Host host, Libraries libraries) {
    String id = "fuse.library";
    String limit = LibFuse.FILE_NAME + ", for lampyris mount, up and quickstart";
    return libraries
        .find(LibFuse.FILE_NAME)
        .map(library ->
            Finding.ok(id, "%s, version %s".formatted(library.path(), library.version()), limit))
        .orElseGet(() ->
            Finding.err(
                id, "not found by the loader", limit, host.install("libfuse2", "fuse-libs")));
  }
}
