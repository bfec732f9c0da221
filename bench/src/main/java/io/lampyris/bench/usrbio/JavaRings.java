package io.lampyris.bench.usrbio;

import io.lampyris.usrbio.client.IoVec;
import io.lampyris.usrbio.client.RingChannel;
import io.lampyris.usrbio.client.RingFile;
import io.lampyris.usrbio.client.RingMount;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Random;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Writes and reads through rings from Java, and compares with what FUSE reads. */
@Command(
    name = "java-rings",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Writes a file through a ring, reads it by every way that the Java client has and by FUSE,",
      "compares all bytes, and prints MiB/s of each. Leaves nothing behind.",
      "",
      "Exit codes: 0 all the same, 1 a difference or a failure, 2 wrong input."
    })
public final class JavaRings implements Callable<Integer> {
  @Parameters(paramLabel = "DIRECTORY", description = "On the mount; the file is made there.")
  private Path directory = Path.of(".");

  @Option(names = "--size-mib", description = "Of the file (default: ${DEFAULT-VALUE})")
  private int sizeMib = 64;

  @Option(names = "--seed", description = "Of its bytes (default: ${DEFAULT-VALUE})")
  private long seed = 1;

  /** What reads the file into memory. */
  private interface Way {
    long readInto(MemorySegment all) throws IOException;
  }

  public static void main(String[] args) {
    System.exit(new CommandLine(new JavaRings()).execute(args));
  }

  @Override
  public Integer call() throws Exception {
    // Not a multiple of anything.
    int size = (sizeMib << 20) - 4097;
    byte[] content = new byte[size];
    new Random(seed).nextBytes(content);
    Path path = directory.resolve("java-rings-%d".formatted(ProcessHandle.current().pid()));
    System.out.printf("seed=%d, %d bytes%n", seed, size);
    try (RingMount mount = RingMount.of(directory);
        RingFile file = mount.open(path, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW);
        IoVec memory = mount.allocate(size);
        RingChannel channel = mount.channel(file)) {
      write(mount, file, memory, content);
      MemorySegment heap = MemorySegment.ofArray(new byte[size]);
      boolean same = compare("FUSE", content, heap, all -> readByFuse(path, all));
      same &= compare("channel", content, heap, all -> channel.read(all, 0));
      same &=
          compare(
              "memory of rings",
              content,
              memory.segment(),
              all -> channel.read(memory, 0, size, 0));
      return same && size == channel.size() ? 0 : 1;
    } finally {
      Files.deleteIfExists(path);
    }
  }

  private static void write(RingMount mount, RingFile file, IoVec memory, byte[] content)
      throws IOException {
    MemorySegment.copy(content, 0, memory.segment(), ValueLayout.JAVA_BYTE, 0, content.length);
    long beganNs = System.nanoTime();
    print("ring write", RingWriter.write(mount, file, memory, 0, content.length), beganNs);
  }

  private static long readByFuse(Path file, MemorySegment all) throws IOException {
    ByteBuffer into = all.asByteBuffer();
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      while (into.hasRemaining() && channel.read(into) >= 0) {}
    }
    return into.position();
  }

  private static boolean compare(String what, byte[] content, MemorySegment into, Way way)
      throws IOException {
    into.fill((byte) 0);
    long beganNs = System.nanoTime();
    long count = way.readInto(into);
    print(what, count, beganNs);
    long differs = MemorySegment.ofArray(content).mismatch(into.asSlice(0, count));
    if (differs >= 0 || count != content.length) {
      System.out.printf(
          "%s is not what was written; observed=%d bytes, the first other one at %d; limit=%d%n",
          what, count, differs, content.length);
      return false;
    }
    return true;
  }

  private static void print(String what, long bytes, long beganNs) {
    double seconds = (System.nanoTime() - beganNs) / 1e9;
    System.out.printf("%-16s %8.0f MiB/s%n", what, bytes / 1048576.0 / seconds);
  }
}
