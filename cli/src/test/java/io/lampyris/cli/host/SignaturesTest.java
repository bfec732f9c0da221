package io.lampyris.cli.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.reactor.device.Signatures;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

public final class SignaturesTest {
  @TempDir private Path temp;

  @Test
  void zerosAreNothingAndOtherBytesAreSomething() {
    byte[] head = new byte[Signatures.HEAD_BYTES];
    assertEquals(Optional.empty(), Signatures.of(head));
    assertEquals(Optional.empty(), Signatures.of(new byte[0]));
    head[head.length - 1] = 1;
    assertEquals(Optional.of("bytes of something unknown"), Signatures.of(head));
  }

  @Test
  void aTargetOfLampyrisIsKnown() throws Exception {
    Path target = temp.resolve("target");
    TargetStore.format(target, new TargetSpec(1, 1, 16 << 20));
    assertEquals(Optional.of(Signatures.TARGET), of(target.resolve("device")));
  }

  @Test
  void ext4AsItsOwnToolMakesItIsKnown() throws Exception {
    assertEquals(Optional.of("ext2, ext3 or ext4"), made("mke2fs", "-q", "-F", "-t", "ext4"));
  }

  @Test
  void xfsAsItsOwnToolMakesItIsKnown() throws Exception {
    assertEquals(Optional.of("XFS"), made("mkfs.xfs", "-q"));
  }

  @Test
  void swapAsItsOwnToolMakesItIsKnown() throws Exception {
    assertEquals(Optional.of("swap"), made("mkswap"));
  }

  @Test
  void whatNoToolHereMakesIsKnownByItsDocumentedPlace() {
    assertEquals("LUKS", at(0, 'L', 'U', 'K', 'S', 0xBA, 0xBE));
    assertEquals("an LVM physical volume", at(512, 'L', 'A', 'B', 'E', 'L', 'O', 'N', 'E'));
    assertEquals("a part of a RAID (md)", at(4096, 0xFC, 0x4E, 0x2B, 0xA9));
    assertEquals("btrfs", at(65600, '_', 'B', 'H', 'R', 'f', 'S', '_', 'M'));
    assertEquals("an MBR partition table or FAT", at(510, 0x55, 0xAA));
    assertEquals("a GPT partition table", at(4096, 'E', 'F', 'I', ' ', 'P', 'A', 'R', 'T'));
    assertEquals("ZFS", at((128 << 10) + 4096, 0x0C, 0xB1, 0xBA, 0, 0, 0, 0, 0));
    assertEquals("ZFS", at((128 << 10) + 1024, 0, 0, 0, 0, 0, 0xBA, 0xB1, 0x0C));
    assertEquals("bcache", at(4120, 0xC6, 0x85, 0x73, 0xF6, 0x4E, 0x1A, 0x45, 0xCA));
  }

  private static String at(int place, int... bytes) {
    byte[] head = new byte[Signatures.HEAD_BYTES];
    for (int i = 0; i < bytes.length; i++) {
      head[place + i] = (byte) bytes[i];
    }
    return Signatures.of(head).orElse("nothing");
  }

  private Optional<String> made(String... tool) throws Exception {
    Path image = temp.resolve("image");
    try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
      file.setLength(512 << 20);
    }
    List<String> command = new ArrayList<>(List.of(tool));
    Path program = Path.of("/usr/sbin", tool[0]);
    assumeTrue(Files.isExecutable(program), "skipped: no " + program);
    command.set(0, program.toString());
    command.add(image.toString());
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(temp.resolve("said").toFile())
            .start();
    assertEquals(true, process.waitFor(60, TimeUnit.SECONDS), "it ends");
    assertEquals(0, process.exitValue(), Files.readString(temp.resolve("said")));
    return of(image);
  }

  private static Optional<String> of(Path file) throws IOException {
    try (var in = Files.newInputStream(file)) {
      return Signatures.of(in.readNBytes(Signatures.HEAD_BYTES));
    }
  }
}
