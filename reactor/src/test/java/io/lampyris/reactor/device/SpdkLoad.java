package io.lampyris.reactor.device;

import io.lampyris.bindings.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Blocks that are written and read back for ever, each filled with its number and its turn; a wrong
 * byte is counted.
 */
final class SpdkLoad {
  private static final int BLOCK = 4096;
  static final int BLOCKS = 64;

  final SpdkRig rig;
  final MemorySegment memory = NativeMemory.allocateAligned((long) BLOCKS * BLOCK);
  final List<Turn> turns = new ArrayList<>();
  final AtomicBoolean ends = new AtomicBoolean();
  final AtomicInteger running = new AtomicInteger();
  final AtomicLong done = new AtomicLong();
  final AtomicLong errors = new AtomicLong();
  final AtomicLong wrong = new AtomicLong();

  final class Turn extends IoRequest {
    final int number;
    long turn;

    Turn(int number) {
      this.number = number;
    }

    void next() {
      if (ends.get()) {
        running.decrementAndGet();
        return;
      }
      turn++;
      memory.asSlice((long) number * BLOCK, BLOCK).fill((byte) (number + turn));
      send(Kind.WRITE);
    }

    void send(Kind kind) {
      rig.device.submit(
          transfer(kind, (long) number * BLOCK, memory, (long) number * BLOCK, BLOCK));
    }

    @Override
    protected void onComplete(long result) {
      if (result < 0) {
        errors.incrementAndGet();
        running.decrementAndGet();
      } else if (kind == Kind.WRITE) {
        memory.asSlice((long) number * BLOCK, BLOCK).fill((byte) 0);
        send(Kind.READ);
      } else {
        byte wanted = (byte) (number + turn);
        for (long at = 0; at < BLOCK; at += 511) {
          if (memory.get(ValueLayout.JAVA_BYTE, (long) number * BLOCK + at) != wanted) {
            wrong.incrementAndGet();
          }
        }
        done.incrementAndGet();
        next();
      }
    }
  }

  SpdkLoad(SpdkRig rig) {
    this.rig = rig;
    for (int i = 0; i < BLOCKS; i++) {
      turns.add(new Turn(i));
    }
    running.set(BLOCKS);
    rig.run(() -> turns.forEach(Turn::next));
  }

  void awaitMore(long count) {
    long until = done.get() + count;
    rig.await(() -> done.get() >= until || running.get() == 0);
  }

  void end() {
    ends.set(true);
    rig.await(() -> running.get() == 0);
    NativeMemory.unmap(memory);
  }
}
