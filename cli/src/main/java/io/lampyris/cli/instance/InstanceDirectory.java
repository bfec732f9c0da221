package io.lampyris.cli.instance;

import java.nio.file.Path;

/** Where things are below DIR. */
public record InstanceDirectory(Path root) {
  public InstanceDirectory {
    root = root.toAbsolutePath().normalize();
  }

  public Path format() {
    return root.resolve("FORMAT");
  }

  public Path configuration() {
    return root.resolve("lampyris.toml");
  }

  public Path lock() {
    return root.resolve("lock");
  }

  public Path pid() {
    return root.resolve("lampyris.pid");
  }

  public Path controlSocket() {
    return root.resolve("control.sock");
  }

  public Path log() {
    return root.resolve("log");
  }

  public Path output() {
    return log().resolve("lampyris.out");
  }

  public Path meta() {
    return root.resolve("meta");
  }

  public Path targets() {
    return root.resolve("targets");
  }

  /** Of one target; ids start at 1. */
  public Path target(long id) {
    return targets().resolve(Long.toString(id));
  }

  @Override
  public String toString() {
    return root.toString();
  }
}
