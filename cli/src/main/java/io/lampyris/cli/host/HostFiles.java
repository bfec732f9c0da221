package io.lampyris.cli.host;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Predicate;

/**
 * The files of a machine, below a root that is {@code /} except in tests. What is missing, what
 * cannot be read and what has a name that this locale lacks is the same thing here: absent (I4).
 */
final class HostFiles {
  /** The mount table of a machine that runs many containers has some hundred KiB. */
  private static final int TEXT_MAX_BYTES = 8 << 20;

  private final Path root;

  HostFiles(Path root) {
    this.root = root;
  }

  /** What a file system has room for. */
  record Space(long totalBytes, long freeBytes) {}

  private Path at(String path) {
    assert path.startsWith("/") : "paths are absolute: " + path;
    return root.resolve(path.substring(1));
  }

  boolean exists(String path) {
    return is(path, Files::exists);
  }

  /** Whether this user may read and write it. */
  boolean isUsable(String path) {
    return is(path, file -> Files.isReadable(file) && Files.isWritable(file));
  }

  private boolean is(String path, Predicate<Path> property) {
    try {
      return property.test(at(path));
    } catch (InvalidPathException e) {
      return false;
    }
  }

  /** The content without the space around it. */
  Optional<String> text(String path) {
    return head(path, TEXT_MAX_BYTES)
        .map(bytes -> new String(bytes, StandardCharsets.UTF_8).strip());
  }

  /** The content as lines; none of an absent file. */
  List<String> lines(String path) {
    return text(path).map(text -> text.lines().toList()).orElse(List.of());
  }

  /** The decimal number that is all of the content. */
  OptionalLong number(String path) {
    return text(path).map(HostFiles::parse).orElse(OptionalLong.empty());
  }

  static OptionalLong parse(String text) {
    return text.matches("-?[0-9]{1,18}")
        ? OptionalLong.of(Long.parseLong(text))
        : OptionalLong.empty();
  }

  /** The first bytes, fewer where it ends. */
  Optional<byte[]> head(String path, int maxBytes) {
    try (InputStream in = Files.newInputStream(at(path))) {
      return Optional.of(in.readNBytes(maxBytes));
    } catch (IOException | InvalidPathException e) {
      return Optional.empty();
    }
  }

  /** What is in a directory, sorted; nothing in an absent one. */
  List<String> names(String directory) {
    List<String> names = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(at(directory))) {
      entries.forEach(entry -> names.add(String.valueOf(entry.getFileName())));
    } catch (IOException | DirectoryIteratorException | InvalidPathException e) {
      return List.of();
    }
    Collections.sort(names);
    return names;
  }

  /** The last name of what a symbolic link leads to. */
  Optional<String> link(String path) {
    try {
      return Optional.of(String.valueOf(Files.readSymbolicLink(at(path)).getFileName()));
    } catch (IOException | InvalidPathException e) {
      return Optional.empty();
    }
  }

  /** The path without any symbolic link. */
  Optional<String> real(String path) {
    try {
      return Optional.of("/" + root.toRealPath().relativize(at(path).toRealPath()));
    } catch (IOException | InvalidPathException e) {
      return Optional.empty();
    }
  }

  Optional<Space> space(String path) {
    try {
      FileStore store = Files.getFileStore(at(path));
      return Optional.of(new Space(store.getTotalSpace(), store.getUsableSpace()));
    } catch (IOException | InvalidPathException e) {
      return Optional.empty();
    }
  }
}
