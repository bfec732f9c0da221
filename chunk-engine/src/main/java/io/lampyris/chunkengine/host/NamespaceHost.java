package io.lampyris.chunkengine.host;

import io.lampyris.bindings.spdk.SpdkException;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.StoreException.Reason;
import io.lampyris.chunkengine.format.Superblock;
import io.lampyris.reactor.device.Signatures;
import io.lampyris.reactor.device.SpdkBlockIo;
import io.lampyris.reactor.device.SpdkController;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * {@link Host} of a target whose device is an NVMe namespace. All else is files; where the device's
 * file would be lies a text that names the namespace, with the target's size.
 */
public final class NamespaceHost extends HostFiles implements AutoCloseable {
  private static final String FIRST_LINE = "The device of this target is an NVMe namespace.";
  private static final int TEXT_BYTES_MAX = 8192;

  /**
   * What the text says.
   *
   * @param sizeBytes of the target, which may be less than the namespace's
   */
  public record Marker(NamespaceName name, long sizeBytes) {
    private byte[] encoded() {
      return "%s\n%s\nsize:%d\n"
          .formatted(FIRST_LINE, name, sizeBytes)
          .getBytes(StandardCharsets.UTF_8);
    }
  }

  private final NamespaceName name;
  private final SpdkController controller;
  private final SpdkBlockIo io;

  /** Of a target that is made or opened by it, once it is known. */
  private long sizeBytes;

  /**
   * For one target at a time.
   *
   * @param controller of the namespace; outlives this
   * @throws SpdkException when it has no such namespace
   */
  public NamespaceHost(NamespaceName name, SpdkController controller) throws SpdkException {
    this.name = name;
    this.controller = controller;
    io = controller.blockIo(name.namespace());
  }

  /**
   * What the file at a device's path says; null when it is a device itself, or not there.
   *
   * @throws StoreException IO, or CORRUPT_SUPERBLOCK when it cannot be read as one
   */
  public static @Nullable Marker marker(Path device) throws StoreException {
    try {
      if (!Files.isRegularFile(device) || Files.size(device) > TEXT_BYTES_MAX) {
        return null;
      }
      List<String> lines =
          new String(Files.readAllBytes(device), StandardCharsets.UTF_8).lines().toList();
      if (lines.isEmpty() || !lines.getFirst().equals(FIRST_LINE)) {
        return null;
      }
      if (lines.size() == 3 && lines.get(2).matches("size:[0-9]{1,18}")) {
        return new Marker(
            NamespaceName.parse(lines.get(1)), Long.parseLong(lines.get(2).substring(5)));
      }
    } catch (IOException e) {
      throw io("read", device, e);
    }
    throw new StoreException(
        Reason.CORRUPT_SUPERBLOCK,
        "%s does not say which namespace it is; observed=other text, limit=a transport id and a size; remedy: restore the file"
            .formatted(device));
  }

  public NamespaceName name() {
    return name;
  }

  public SpdkController controller() {
    return controller;
  }

  /** Gives its queue back until it is needed again: a reactor has the namespace now. */
  public void rest() {
    io.rest();
  }

  private static boolean isDevice(Path path) {
    return path.endsWith("device");
  }

  private static StoreException failed(SpdkException e) {
    return new StoreException(Reason.IO, String.valueOf(e.getMessage()), e);
  }

  // ---- what it answers otherwise ----

  @Override
  public long checkDevice(Path device, long wantedBytes) throws StoreException {
    long observed = io.namespace().sizeBytes();
    if (wantedBytes > observed) {
      throw new StoreException(
          Reason.INVALID_ARGUMENT,
          "the target is larger than its namespace; observed=%d bytes on %s, limit=%d; remedy: choose a smaller size"
              .formatted(wantedBytes, name, observed));
    }
    String content;
    try {
      content = controller.contentOf(name.namespace()).orElse("");
    } catch (SpdkException e) {
      throw failed(e);
    }
    if (!content.isEmpty() && !name.isOverwritten() && !isHalfMade(device, content)) {
      throw new StoreException(
          Reason.INVALID_ARGUMENT,
          "a namespace carries something else; observed=%s on %s, limit=zeros; remedy: if nobody needs it, wipe it with nvme format, or add overwrite:yes to its name for this start"
              .formatted(content, name));
    }
    return 0;
  }

  /** What an interrupted attempt in this very directory has left. */
  private boolean isHalfMade(Path device, String content) throws StoreException {
    Marker marker = marker(device);
    return marker != null && marker.name.isSame(name) && content.equals(Signatures.TARGET);
  }

  @Override
  public void reserve(int fd, Path path, long offset, long bytes, boolean extend)
      throws StoreException {
    if (!isDevice(path)) {
      super.reserve(fd, path, offset, bytes, extend);
      return;
    }
    // Durable before anything is on the namespace, which is nobody's without it.
    replace(path, new Marker(name, offset + bytes).encoded());
    sizeBytes = offset + bytes;
  }

  @Override
  public long sizeBytes(Path path) throws StoreException {
    return isDevice(path) ? deviceBytes(path) : super.sizeBytes(path);
  }

  private long deviceBytes(Path device) throws StoreException {
    if (sizeBytes == 0) {
      Marker marker = marker(device);
      if (marker == null || !marker.name.isSame(name)) {
        throw new StoreException(
            Reason.INVALID_ARGUMENT,
            "the target lies elsewhere; observed=%s, limit=%s, as the configuration says; remedy: name the namespaces in the order in which they were formatted"
                .formatted(marker == null ? "a file" : marker.name, name));
      }
      sizeBytes = Math.min(marker.sizeBytes, io.namespace().sizeBytes());
    }
    return sizeBytes;
  }

  @Override
  public int read(Path path, long offset, MemorySegment into) throws StoreException {
    if (!isDevice(path)) {
      return super.read(path, offset, into);
    }
    int bytes = (int) Math.max(0, Math.min(into.byteSize(), deviceBytes(path) - offset));
    try {
      io.read(offset, into.asSlice(0, bytes));
    } catch (SpdkException e) {
      throw failed(e);
    }
    return bytes;
  }

  @Override
  public Reader openReader(Path device) throws StoreException {
    return new Reader() {
      @Override
      public long read(long offset, MemorySegment into) throws StoreException {
        return NamespaceHost.this.read(device, offset, into);
      }

      @Override
      public void close() {
        rest();
      }
    };
  }

  @Override
  public void write(Path path, long offset, MemorySegment from) throws StoreException {
    if (!isDevice(path)) {
      super.write(path, offset, from);
      return;
    }
    try {
      io.write(offset, from);
    } catch (SpdkException e) {
      throw failed(e);
    }
  }

  @Override
  public void syncFile(Path path) throws StoreException {
    if (!isDevice(path)) {
      super.syncFile(path);
      return;
    }
    try {
      io.flush();
    } catch (SpdkException e) {
      throw failed(e);
    }
  }

  /** A device that is deleted was half made: its superblocks go first. */
  @Override
  public void deleteTree(Path root) throws StoreException {
    Marker marker = isDevice(root) ? marker(root) : null;
    if (marker != null && marker.name.isSame(name)) {
      MemorySegment zeros = MemorySegment.ofArray(new byte[Superblock.SIZE_BYTES]);
      write(root, Superblock.OFFSET_A, zeros);
      write(root, Superblock.OFFSET_B, zeros);
      syncFile(root);
    }
    super.deleteTree(root);
  }

  /** Lets go of the namespace; the controller stays. */
  @Override
  public void close() {
    io.close();
  }
}
