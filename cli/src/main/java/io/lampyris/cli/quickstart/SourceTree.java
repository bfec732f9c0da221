package io.lampyris.cli.quickstart;

import io.lampyris.cli.base.InputException;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;

/**
 * What is copied: directories before what is in them, symbolic links as links. Anything that is
 * neither (sockets, devices) is left out.
 */
record SourceTree(List<Entry> directories, List<Entry> files, List<Entry> links, long bytes) {
  /**
   * One of them.
   *
   * @param source where it is
   * @param relative where it goes, below the top of the copy
   */
  record Entry(Path source, Path relative, long bytes) {}

  static SourceTree of(List<Path> roots) throws InputException, IOException {
    List<Entry> directories = new ArrayList<>();
    List<Entry> files = new ArrayList<>();
    List<Entry> links = new ArrayList<>();
    for (Path root : roots) {
      Path real = Files.exists(root) ? root.toRealPath() : root;
      if (!Files.isDirectory(real) || real.getFileName() == null) {
        throw InputException.of(
            "--data names no directory", root, "a directory that can be read", "name another");
      }
      if (directories.stream().anyMatch(d -> d.relative.equals(real.getFileName()))) {
        throw InputException.of(
            "two --data directories have the same name", root, "different names", "leave one out");
      }
      collect(real, directories, files, links);
    }
    long bytes = files.stream().mapToLong(Entry::bytes).sum();
    return new SourceTree(directories, files, links, bytes);
  }

  private static void collect(
      Path root, List<Entry> directories, List<Entry> files, List<Entry> links) throws IOException {
    Path parent = root.getParent();
    assert parent != null : "a directory with a name has a parent";
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes) {
            directories.add(new Entry(dir, parent.relativize(dir), 0));
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            if (attributes.isRegularFile()) {
              files.add(new Entry(file, parent.relativize(file), attributes.size()));
            } else if (attributes.isSymbolicLink()) {
              links.add(new Entry(file, parent.relativize(file), 0));
            }
            return FileVisitResult.CONTINUE;
          }
        });
  }

  int count() {
    return files.size() + links.size();
  }
}
