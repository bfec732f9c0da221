package io.lampyris.cli.host;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** SPDK's libraries: in SPDK_HOME, by pkg-config's files, or in the loader's path. */
final class SpdkCheck {
  private static final String HOME = "SPDK_HOME";
  private static final String DRIVER = "libspdk_nvme";
  private static final String ENVIRONMENT = "libspdk_env_dpdk";
  private static final String LIMIT =
      "%s and %s as shared libraries".formatted(DRIVER, ENVIRONMENT);

  /** Where pkg-config looks by itself; 64-bit. */
  private static final List<String> PKG_CONFIG =
      List.of(
          "/usr/local/lib/pkgconfig",
          "/usr/local/lib64/pkgconfig",
          "/usr/lib/x86_64-linux-gnu/pkgconfig",
          "/usr/lib64/pkgconfig",
          "/usr/lib/pkgconfig");

  private static final String BUILD =
      """
      scripts/pkgdep.sh    # in SPDK's source tree, see spdk.io
      ./configure --with-shared --with-rdma && make && make install && ldconfig\
      """;

  private final Host host;
  private final Libraries libraries;

  private SpdkCheck(Host host, Libraries libraries) {
    this.host = host;
    this.libraries = libraries;
  }

  static List<Finding> of(Host host, Libraries libraries, SpdkUse use) {
    SpdkCheck check = new SpdkCheck(host, libraries);
    return List.of(
        check
            .atHome()
            .or(check::ofPkgConfig)
            .or(check::ofLoader)
            .orElseGet(() -> use.lacking("spdk", "not found", LIMIT, BUILD)));
  }

  private Optional<Finding> atHome() {
    String home = host.environment().getOrDefault(HOME, "");
    if (!home.startsWith("/")) {
      return Optional.empty();
    }
    for (String directory : List.of(home + "/build/lib", home + "/lib", home + "/lib64")) {
      if (holds(directory, DRIVER) && holds(directory, ENVIRONMENT)) {
        return Optional.of(
            Finding.ok("spdk", "SPDK %s in %s".formatted(version(home), directory), LIMIT));
      }
    }
    return Optional.of(
        Finding.warn("spdk", "%s=%s, no libraries in it".formatted(HOME, home), LIMIT, BUILD));
  }

  private boolean holds(String directory, String library) {
    return host.files().names(directory).stream()
        .anyMatch(name -> name.startsWith(library + ".so"));
  }

  /** A tree has a file VERSION; what was installed has the header. */
  private String version(String home) {
    HostFiles files = host.files();
    Optional<String> file = files.text(home + "/VERSION");
    if (file.isPresent()) {
      return file.get();
    }
    List<String> numbers = new ArrayList<>();
    for (String line : files.lines(home + "/include/spdk/version.h")) {
      if (line.matches("#define\\s+SPDK_VERSION_(MAJOR|MINOR|PATCH)\\s+[0-9]+.*")) {
        numbers.add(line.split("\\s+", 4)[2]);
      }
    }
    return numbers.isEmpty() ? "of unknown version" : String.join(".", numbers);
  }

  private Optional<Finding> ofPkgConfig() {
    List<String> directories = new ArrayList<>();
    for (String directory : host.environment().getOrDefault("PKG_CONFIG_PATH", "").split(":", -1)) {
      if (directory.startsWith("/")) {
        directories.add(directory);
      }
    }
    directories.addAll(PKG_CONFIG);
    for (String directory : directories) {
      String file = directory + "/spdk_nvme.pc";
      Optional<String> version =
          host.files().lines(file).stream()
              .filter(line -> line.startsWith("Version:"))
              .map(line -> line.substring(8).strip())
              .findFirst();
      if (version.isPresent()) {
        return Optional.of(judgeInstalled("SPDK %s by %s".formatted(version.get(), file)));
      }
    }
    return Optional.empty();
  }

  private Optional<Finding> ofLoader() {
    return libraries
        .findAnyVersion(DRIVER)
        .map(library -> judgeInstalled("%s, ABI %s".formatted(library.path(), library.version())));
  }

  /** Headers and static libraries alone are of no use to a JVM. */
  private Finding judgeInstalled(String observed) {
    List<String> missing =
        List.of(DRIVER, ENVIRONMENT).stream()
            .filter(name -> libraries.findAnyVersion(name).isEmpty())
            .toList();
    return missing.isEmpty()
        ? Finding.ok("spdk", observed, LIMIT)
        : Finding.warn(
            "spdk",
            "%s; the loader does not find %s".formatted(observed, String.join(", ", missing)),
            LIMIT,
            "ldconfig    # after adding their directory to /etc/ld.so.conf.d, or set LD_LIBRARY_PATH");
  }
}
