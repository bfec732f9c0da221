package io.lampyris.reactor.device;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/** What the first bytes of a disk or a partition say that it holds. */
public final class Signatures {
  /** As far as ZFS's first label goes, whose uberblocks are the last of what is looked for. */
  public static final int HEAD_BYTES = 256 << 10;

  public static final String TARGET = "a Lampyris target";

  private static final int ZFS_UBERBLOCKS_AT = 128 << 10;
  private static final int ZFS_UBERBLOCK_BYTES = 1 << 10;

  /** Bytes at a place, as each format's own documentation has them. */
  private record Signature(String name, int at, ByteBuffer bytes) {
    static Signature text(String name, int at, String text) {
      return new Signature(name, at, ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)));
    }

    static Signature bytes(String name, int at, int... values) {
      ByteBuffer bytes = ByteBuffer.allocate(values.length);
      for (int value : values) {
        bytes.put((byte) value);
      }
      return new Signature(name, at, bytes.flip());
    }

    boolean isIn(byte[] head) {
      return isIn(head, at);
    }

    boolean isIn(byte[] head, int place) {
      return head.length >= place + bytes.limit()
          && ByteBuffer.wrap(head, place, bytes.limit()).equals(bytes);
    }
  }

  /** A boot sector's end comes last: file systems have it as well. */
  private static final List<Signature> ALL =
      List.of(
          Signature.text(TARGET, 0, "LLYRCHNK"),
          Signature.text("a GPT partition table", 512, "EFI PART"),
          Signature.text("a GPT partition table", 4096, "EFI PART"),
          Signature.bytes("ext2, ext3 or ext4", 1080, 0x53, 0xEF),
          Signature.text("XFS", 0, "XFSB"),
          Signature.text("btrfs", 0x10040, "_BHRfS_M"),
          Signature.text("LUKS", 0, "LUKS"),
          Signature.text("an LVM physical volume", 0, "LABELONE"),
          Signature.text("an LVM physical volume", 512, "LABELONE"),
          Signature.text("an LVM physical volume", 1024, "LABELONE"),
          Signature.text("an LVM physical volume", 1536, "LABELONE"),
          Signature.text("swap", 4086, "SWAPSPACE2"),
          Signature.bytes("a part of a RAID (md)", 0, 0xFC, 0x4E, 0x2B, 0xA9),
          Signature.bytes("a part of a RAID (md)", 4096, 0xFC, 0x4E, 0x2B, 0xA9),
          Signature.text("a Ceph OSD", 0, "bluestore block device"),
          Signature.bytes("F2FS", 1024, 0x10, 0x20, 0xF5, 0xF2),
          Signature.text("NTFS", 3, "NTFS    "),
          Signature.bytes("bcache", 4120, 0xC6, 0x85, 0x73, 0xF6, 0x4E, 0x1A, 0x45, 0xCA),
          Signature.bytes("an MBR partition table or FAT", 510, 0x55, 0xAA));

  /** Little and big endian, for a pool keeps the order of the machine that made it. */
  private static final List<Signature> ZFS =
      List.of(
          Signature.bytes("ZFS", 0, 0x0C, 0xB1, 0xBA, 0, 0, 0, 0, 0),
          Signature.bytes("ZFS", 0, 0, 0, 0, 0, 0, 0xBA, 0xB1, 0x0C));

  private Signatures() {}

  /**
   * What it is; empty when nothing but zeros is there.
   *
   * @param head {@link #HEAD_BYTES}, or all of it
   */
  public static Optional<String> of(byte[] head) {
    for (Signature signature : ALL) {
      if (signature.isIn(head)) {
        return Optional.of(signature.name);
      }
    }
    for (int at = ZFS_UBERBLOCKS_AT; at < head.length; at += ZFS_UBERBLOCK_BYTES) {
      int place = at;
      if (ZFS.stream().anyMatch(signature -> signature.isIn(head, place))) {
        return Optional.of("ZFS");
      }
    }
    for (byte value : head) {
      if (value != 0) {
        return Optional.of("bytes of something unknown");
      }
    }
    return Optional.empty();
  }
}
