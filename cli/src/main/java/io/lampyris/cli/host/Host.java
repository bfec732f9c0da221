package io.lampyris.cli.host;

import io.lampyris.bindings.KernelClock;
import io.lampyris.bindings.NativeException;
import io.lampyris.bindings.uring.Probe;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * What a machine shows.
 *
 * @param files of the machine
 * @param environment of this process
 * @param uring whether a ring can be opened
 * @param clock empty where the kernel does not say
 */
record Host(
    HostFiles files, Map<String, String> environment, Probe uring, Optional<KernelClock> clock) {

  /** The machine that this runs on. */
  static Host observed() {
    return new Host(new HostFiles(Path.of("/")), System.getenv(), Probe.run(), askClock());
  }

  /** Containers may be forbidden to ask. */
  private static Optional<KernelClock> askClock() {
    try {
      return Optional.of(KernelClock.ask());
    } catch (NativeException e) {
      return Optional.empty();
    }
  }

  /** What installs a package: on Debian and its relatives by the first name, else the second. */
  String install(String debian, String redHat) {
    return files.exists("/usr/bin/apt-get")
        ? "apt-get install -y " + debian
        : "dnf install -y " + redHat;
  }
}
