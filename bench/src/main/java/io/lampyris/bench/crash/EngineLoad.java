package io.lampyris.bench.crash;

import io.lampyris.bindings.NativeMemory;
import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.store.ReadOp;
import io.lampyris.chunkengine.store.RemoveOp;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.chunkengine.store.UpdateOp;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.Agent;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.device.UringDevice;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * The process that gets killed: verifies every chunk against the journal, says so on standard
 * output, then updates chunks until it dies, or ends when it was only to verify. Every fourth
 * update is read back. Owner: reactor.
 */
final class EngineLoad implements Agent {
  /** Each chunk is chunk 0 of an inode of its own, so that a removal takes one. */
  private static final long FIRST_INODE = 1000;

  private static final int CLIENT = 77;
  private static final int CHANNEL = 1;
  private static final byte[] NOTHING = {};

  private final TargetStore store;
  private final Journal journal;
  private final SplittableRandom random;
  private final boolean verifyOnly;
  private final Slot[] slots;
  private final CountDownLatch verified = new CountDownLatch(1);
  private final Crc32c crc = new Crc32c();
  private long nextNumber = 1;
  private long resolved;
  private int unverified;

  /** Published by the latch. */
  private String report = "";

  EngineLoad(TargetStore store, Path journalFile, int chunks, long seed, boolean verifyOnly)
      throws IOException {
    this.store = store;
    this.verifyOnly = verifyOnly;
    slots = new Slot[chunks];
    Arrays.setAll(slots, Slot::new);
    unverified = chunks;
    journal = Journal.open(journalFile, new History());
    random = new SplittableRandom(seed + nextNumber);
  }

  /** Opens the target, verifies it, and goes on until the process is killed. */
  static void run(
      Path target, Path journal, int chunks, long seed, TargetOptions options, boolean verifyOnly)
      throws StoreException, IOException, InterruptedException {
    TargetStore store = TargetStore.open(target, options);
    EngineLoad load = new EngineLoad(store, journal, chunks, seed, verifyOnly);
    Reactor reactor = Reactor.builder("load").agent(on -> load.attached(on)).start();
    load.verified.await();
    System.out.println(load.report);
    System.out.flush();
    if (!verifyOnly) {
      new CountDownLatch(1).await();
    }
    reactor.close();
    store.close();
  }

  private EngineLoad attached(Reactor on) {
    try {
      store.attach(on, (path, direct) -> UringDevice.open(on, path, direct));
      return this;
    } catch (StoreException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Rebuilds what every chunk must hold. */
  private final class History implements Journal.Reader {
    @Override
    public void onIntent(Update update) {
      slots[update.chunk()].unanswered = update;
      nextNumber = Math.max(nextNumber, update.number() + 1);
    }

    @Override
    public void onDone(Update update) {
      Slot slot = slots[update.chunk()];
      slot.content = update.applyTo(slot.content);
      slot.unanswered = null;
    }
  }

  @Override
  public String roleName() {
    return "engine-load";
  }

  @Override
  public void onStart() {
    for (Slot slot : slots) {
      slot.read();
    }
  }

  @Override
  public int doWork(long nowNs) {
    return store.doWork();
  }

  @Override
  public boolean mayBlock(long nowNs) {
    return !store.hasWork();
  }

  @Override
  public void onClose() {
    store.stop();
  }

  private void onVerified() {
    if (--unverified == 0) {
      report =
          "verified %d chunks after %d updates, %d without an answer"
              .formatted(slots.length, nextNumber - 1, resolved);
      verified.countDown();
      if (!verifyOnly) {
        for (Slot slot : slots) {
          slot.startNext();
        }
      }
    }
  }

  /** One chunk: what it must hold, and the one thing that is going on with it. */
  private final class Slot {
    private final int chunk;
    private final MemorySegment memory = NativeMemory.allocateAligned(Update.CHUNK_BYTES + 4096);
    private final Read read = new Read();
    private final Write write = new Write();
    private final Remove remove = new Remove();
    private byte[] content = NOTHING;
    private @Nullable Update unanswered;
    private boolean loading = true;

    /** The version that holds an update which is submitted again; 0 when it may not be there. */
    private int appliedVersion;

    Slot(int chunk) {
      this.chunk = chunk;
    }

    void read() {
      read.inode = FIRST_INODE + chunk;
      read.lengthBytes = Update.CHUNK_BYTES;
      read.payload = memory;
      read.payloadCapacityBytes = Update.CHUNK_BYTES;
      store.submit(read);
    }

    void onRead(long result) {
      byte[] found = NOTHING;
      if (result >= 0) {
        found = memory.asSlice(0, result).toArray(ValueLayout.JAVA_BYTE);
      } else if (result != Status.CHUNK_NOT_FOUND.code()) {
        fail("read of chunk " + chunk + " answered " + result);
      }
      Update open = unanswered;
      if (open == null) {
        require(content, found, "is not what was acknowledged");
        onChecked();
      } else {
        resolve(open, found);
      }
    }

    /**
     * Without an answer it is there whole or not at all; with a second try it is there (I2, I3).
     */
    private void resolve(Update open, byte[] found) {
      byte[] after = open.applyTo(content);
      if (!Arrays.equals(found, content)) {
        require(after, found, "is neither without nor with update " + open.number() + " " + open);
        appliedVersion = read.state.version;
      }
      resolved++;
      submit(open);
    }

    private void require(byte[] expected, byte[] found, String what) {
      int at = Arrays.mismatch(expected, found);
      if (at >= 0) {
        fail(
            "chunk %d %s; observed=%d bytes, different at %d, limit=%d bytes"
                .formatted(chunk, what, found.length, at, expected.length));
      }
    }

    private void onChecked() {
      if (loading) {
        loading = false;
        onVerified();
      } else {
        startNext();
      }
    }

    void startNext() {
      Update next = Update.random(random, nextNumber++, chunk, content.length);
      unanswered = next;
      try {
        journal.intent(next);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      submit(next);
    }

    private void submit(Update update) {
      if (update.kind() == Update.Kind.REMOVE) {
        remove.inode = FIRST_INODE + chunk;
        remove.removeMax = 1;
        remove.clientLow = CLIENT;
        remove.channel = CHANNEL;
        remove.sequence = update.number();
        store.submit(remove);
        return;
      }
      write.kind = UpdateOp.Kind.valueOf(update.kind().name());
      write.inode = FIRST_INODE + chunk;
      write.chainVersion = 1;
      write.chunkSizeBytes = Update.CHUNK_BYTES;
      write.chunkOffset = update.offset();
      write.lengthBytes = update.lengthBytes();
      write.clientLow = CLIENT;
      write.channel = CHANNEL;
      write.sequence = update.number();
      write.payload = memory;
      if (update.kind() == Update.Kind.WRITE) {
        MemorySegment.copy(
            update.payload(), 0, memory, ValueLayout.JAVA_BYTE, 0, update.lengthBytes());
        write.payloadCrc32c = crc.of(memory, 0, update.lengthBytes());
      }
      store.submit(write);
    }

    void onUpdated(long result) {
      Update done = unanswered;
      if (done == null || result < 0) {
        fail("update " + done + " answered " + result);
        return;
      }
      if (appliedVersion != 0 && done.kind() == Update.Kind.WRITE) {
        requireOnce(done);
      }
      appliedVersion = 0;
      try {
        journal.done(done);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      content = done.applyTo(content);
      unanswered = null;
      if (loading || done.number() % 4 == 0) {
        read();
      } else {
        startNext();
      }
    }

    private void requireOnce(Update again) {
      if (write.state.version != appliedVersion) {
        fail(
            "update %s was applied twice; observed=version %d, limit=%d"
                .formatted(again, write.state.version, appliedVersion));
      }
    }

    private final class Read extends ReadOp {
      @Override
      protected void onComplete(long result) {
        onRead(result);
      }
    }

    private final class Write extends UpdateOp {
      @Override
      protected void onComplete(long result) {
        onUpdated(result);
      }
    }

    private final class Remove extends RemoveOp {
      @Override
      protected void onComplete(long result) {
        onUpdated(result);
      }
    }
  }

  /** Says what is wrong and ends the process: its parent expects it to be killed. */
  private static void fail(String what) {
    System.out.println("FAILED " + what);
    System.out.flush();
    Runtime.getRuntime().halt(3);
  }
}
