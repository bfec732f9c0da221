package io.lampyris.bench.crash;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * What was intended and what was acknowledged, in order: entries of 32 bytes, appended by write(2).
 * A last entry that a kill cut short never returned to its writer: it does not count.
 *
 * <pre>
 *    0  u64  the update's number      16  u32  chunk
 *    8  u32  0 intent, 1 done         20  u32  offset
 *   12  u32  kind                     24  u32  length    28  u32  0
 * </pre>
 */
final class Journal implements AutoCloseable {
  private static final int ENTRY_BYTES = 32;
  private static final int DONE = 1;

  /** Takes what is in the journal, oldest first. */
  interface Reader {
    void onIntent(Update update);

    void onDone(Update update);
  }

  private final FileChannel channel;
  private final ByteBuffer entry = ByteBuffer.allocateDirect(ENTRY_BYTES);

  private Journal(FileChannel channel) {
    this.channel = channel;
  }

  /** Opens or creates it, and reads all of it. */
  static Journal open(Path path, Reader reader) throws IOException {
    FileChannel channel =
        FileChannel.open(
            path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    long entries = channel.size() / ENTRY_BYTES;
    ByteBuffer all = ByteBuffer.allocate(Math.toIntExact(entries * ENTRY_BYTES));
    int read = 0;
    while (all.hasRemaining() && read >= 0) {
      read = channel.read(all, all.position());
    }
    all.flip();
    while (all.hasRemaining()) {
      long number = all.getLong();
      boolean done = all.getInt() == DONE;
      Update.Kind kind = Update.Kind.of(all.getInt());
      Update update = new Update(number, kind, all.getInt(), all.getInt(), all.getInt());
      all.getInt();
      if (done) {
        reader.onDone(update);
      } else {
        reader.onIntent(update);
      }
    }
    channel.truncate(entries * ENTRY_BYTES);
    channel.position(entries * ENTRY_BYTES);
    return new Journal(channel);
  }

  void intent(Update update) throws IOException {
    append(update, 0);
  }

  void done(Update update) throws IOException {
    append(update, DONE);
  }

  private void append(Update update, int what) throws IOException {
    entry.clear();
    entry.putLong(update.number()).putInt(what).putInt(update.kind().code());
    entry.putInt(update.chunk()).putInt(update.offset()).putInt(update.lengthBytes()).putInt(0);
    entry.flip();
    while (entry.hasRemaining()) {
      channel.write(entry);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
