package io.lampyris.bench.litmus;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.lampyris.usrbio.IovId;
import io.lampyris.usrbio.RingLayout;
import java.lang.foreign.MemorySegment;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** One test for each index of a ring of one entry. */
public final class RingLitmus {
  private static final int SLOTS = 2;
  private static final IovId ID = new IovId(1, 2);
  private static final long ARGS_AT = RingLayout.argsAt(0);
  private static final long SQE_AT = RingLayout.sqeAt(SLOTS, 0);
  private static final long CQE_AT = RingLayout.cqeAt(SLOTS, 0);

  private RingLitmus() {}

  /** A ring's memory, zeros, without its semaphore. */
  @State
  public static class Memory {
    final MemorySegment ring =
        MemorySegment.ofArray(new long[(int) (RingLayout.semaphoreAt(SLOTS) / Long.BYTES)]);

    final void prepare(int value) {
      RingLayout.args(ring, ARGS_AT, ID, value, value, value, value, value);
      RingLayout.sqe(ring, SQE_AT, value, value);
    }

    /** What an entry says, when all its fields say the same; else -1. */
    final int entry() {
      long length = RingLayout.length(ring, ARGS_AT);
      boolean alike =
          RingLayout.iovOffset(ring, ARGS_AT) == length
              && RingLayout.inode(ring, ARGS_AT) == length
              && RingLayout.fileOffset(ring, ARGS_AT) == length
              && RingLayout.sqeSlot(ring, SQE_AT) == length
              && RingLayout.sqeUserdata(ring, SQE_AT) == length;
      return alike ? (int) length : -1;
    }

    final void complete(int value) {
      RingLayout.cqe(ring, CQE_AT, value, value, value);
    }

    final int completion() {
      long result = RingLayout.cqeResult(ring, CQE_AT);
      boolean alike =
          RingLayout.cqeSlot(ring, CQE_AT) == result
              && RingLayout.cqeUserdata(ring, CQE_AT) == result;
      return alike ? (int) result : -1;
    }
  }

  /** Who sees the head sees the entry that it covers. */
  @JCStressTest
  @Outcome(id = "0", expect = ACCEPTABLE, desc = "not prepared yet")
  @Outcome(id = "7", expect = ACCEPTABLE, desc = "prepared, and seen whole")
  @Outcome(expect = FORBIDDEN, desc = "an entry that was not, or half, written")
  public static class SqeHead {
    @Actor
    public void program(Memory memory) {
      memory.prepare(7);
      RingLayout.index(memory.ring, RingLayout.SQE_HEAD_AT, 1);
    }

    @Actor
    public void daemon(Memory memory, I_Result seen) {
      seen.r1 = RingLayout.index(memory.ring, RingLayout.SQE_HEAD_AT) == 1 ? memory.entry() : 0;
    }
  }

  /** Who sees the tail may write over the entry: it has been read. */
  @JCStressTest
  @Outcome(id = "0", expect = ACCEPTABLE, desc = "the old entry")
  @Outcome(expect = FORBIDDEN, desc = "an entry that came later, or half of it")
  public static class SqeTail {
    @Actor
    public void daemon(Memory memory, I_Result seen) {
      seen.r1 = memory.entry();
      RingLayout.index(memory.ring, RingLayout.SQE_TAIL_AT, 1);
    }

    @Actor
    public void program(Memory memory) {
      if (RingLayout.index(memory.ring, RingLayout.SQE_TAIL_AT) == 1) {
        memory.prepare(7);
      }
    }
  }

  /** Who sees the head sees the completion that it covers. */
  @JCStressTest
  @Outcome(id = "0", expect = ACCEPTABLE, desc = "not complete yet")
  @Outcome(id = "7", expect = ACCEPTABLE, desc = "complete, and seen whole")
  @Outcome(expect = FORBIDDEN, desc = "a completion that was not, or half, written")
  public static class CqeHead {
    @Actor
    public void daemon(Memory memory) {
      memory.complete(7);
      RingLayout.index(memory.ring, RingLayout.CQE_HEAD_AT, 1);
    }

    @Actor
    public void program(Memory memory, I_Result seen) {
      seen.r1 =
          RingLayout.index(memory.ring, RingLayout.CQE_HEAD_AT) == 1 ? memory.completion() : 0;
    }
  }

  /** Who sees the tail may write over the completion: it has been reaped. */
  @JCStressTest
  @Outcome(id = "0", expect = ACCEPTABLE, desc = "the old completion")
  @Outcome(expect = FORBIDDEN, desc = "a completion that came later, or half of it")
  public static class CqeTail {
    @Actor
    public void program(Memory memory, I_Result seen) {
      seen.r1 = memory.completion();
      RingLayout.index(memory.ring, RingLayout.CQE_TAIL_AT, 1);
    }

    @Actor
    public void daemon(Memory memory) {
      if (RingLayout.index(memory.ring, RingLayout.CQE_TAIL_AT) == 1) {
        memory.complete(7);
      }
    }
  }

  /** Who sees a completion finds room to prepare. */
  @JCStressTest
  @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "nothing yet")
  @Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "room, and no completion yet")
  @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "both")
  @Outcome(id = "1, 0", expect = FORBIDDEN, desc = "a completion without room")
  public static class RoomBeforeCompletion {
    @Actor
    public void daemon(Memory memory) {
      RingLayout.index(memory.ring, RingLayout.SQE_TAIL_AT, 1);
      RingLayout.index(memory.ring, RingLayout.CQE_HEAD_AT, 1);
    }

    @Actor
    public void program(Memory memory, II_Result seen) {
      seen.r1 = RingLayout.index(memory.ring, RingLayout.CQE_HEAD_AT);
      seen.r2 = RingLayout.index(memory.ring, RingLayout.SQE_TAIL_AT);
    }
  }
}
