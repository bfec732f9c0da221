package io.lampyris.reactor.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.lampyris.bindings.NativeMemory;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.ReactorContext;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What every network promises; extended by one class for each, those on real reactors by {@link
 * NetworkConformance}.
 */
@Timeout(120)
public abstract class NetworkPromises {
  protected static final int NODE = 1;
  protected static final int SERVICE = 2;
  private static final int PAYLOAD_BYTES = 1 << 20;

  private final List<MemorySegment> mapped = new ArrayList<>();

  /** The reactor of the services. */
  protected abstract ReactorContext server();

  /** The reactor that calls, beside threads. */
  protected abstract ReactorContext home();

  /** Comes back when it is so. */
  protected abstract void await(CountDownLatch done) throws InterruptedException;

  /** Runs something several times, at once where there are threads. */
  protected abstract void concurrently(int times, IntConsumer work) throws InterruptedException;

  /** The network on which {@link #server} serves. */
  protected abstract Network serving();

  /** The network through which {@link #home} and threads call; may be the same one. */
  protected abstract Network calling();

  @AfterEach
  void unmap() {
    mapped.forEach(NativeMemory::unmap);
  }

  protected final MemorySegment memory(int sizeBytes) {
    MemorySegment segment = NativeMemory.allocateAligned(sizeBytes);
    mapped.add(segment);
    return segment;
  }

  /** A call with a message of its own, from no reactor. */
  protected static BlockingCall blocking(long number) {
    BlockingCall call = new BlockingCall(64, 64);
    call.request.putLong(0, number);
    call.requestLength = Long.BYTES;
    return call;
  }

  @Test
  void manyCallersGetTheirOwnAnswers() throws Exception {
    serving().serve(NODE, SERVICE, server(), NetworkPromises::answerPlusOne);
    Connection connection = calling().connect(NODE, SERVICE);
    AtomicInteger wrong = new AtomicInteger();
    concurrently(
        4,
        t -> {
          int base = t * 10_000;
          BlockingCall call = blocking(0);
          for (int i = 0; i < 1_000; i++) {
            call.request.putLong(0, base + i);
            boolean right =
                call.send(connection) == base + i + 1
                    && call.replyLength == Long.BYTES
                    && call.reply.getLong(0) == base + i + 1;
            wrong.addAndGet(right ? 0 : 1);
          }
        });
    assertEquals(0, wrong.get());
  }

  private static void answerPlusOne(Call call) {
    long number = call.request.getLong(0) + 1;
    call.reply.putLong(0, number);
    call.replyLength = Long.BYTES;
    call.reply(number);
  }

  @Test
  void theAnswerOfAnotherReactorsServiceArrivesAtHome() throws Exception {
    serving().serve(NODE, SERVICE, server(), call -> call.reply(server().inReactor() ? 1 : 0));
    Connection connection = calling().connect(NODE, SERVICE);
    CountDownLatch answered = new CountDownLatch(1);
    AtomicInteger atHome = new AtomicInteger();
    Call call =
        new Call(home(), 16, 16) {
          @Override
          protected void onReply() {
            atHome.set(home().inReactor() && result == 1 ? 1 : -1);
            answered.countDown();
          }
        };
    home().offer(nowNs -> connection.send(call));
    await(answered);
    assertEquals(1, atHome.get());
  }

  @Test
  void callsOfOneCallerArriveInTheOrderInWhichTheyWereSent() throws Exception {
    int count = 500;
    List<Long> arrived = new ArrayList<>();
    serving()
        .serve(
            NODE,
            SERVICE,
            server(),
            call -> {
              arrived.add(call.request.getLong(0));
              call.reply(0);
            });
    Connection connection = calling().connect(NODE, SERVICE);
    CountDownLatch answered = new CountDownLatch(count);
    home()
        .offer(nowNs -> {
          for (int i = 0; i < count; i++) {
            connection.send(numbered(i, answered));
          }
        });
    await(answered);
    for (int i = 0; i < count; i++) {
      assertEquals(i, arrived.get(i));
    }
  }

  private Call numbered(long number, CountDownLatch answered) {
    Call call =
        new Call(home(), 64, 64) {
          @Override
          protected void onReply() {
            answered.countDown();
          }
        };
    call.request.putLong(0, number);
    call.requestLength = Long.BYTES;
    return call;
  }

  @Test
  void answersMayComeInAnotherOrderThanTheirCalls() throws Exception {
    int count = 64;
    List<Call> held = new ArrayList<>();
    serving()
        .serve(
            NODE,
            SERVICE,
            server(),
            call -> {
              held.add(call);
              if (held.size() == count) {
                for (int i = count - 1; i >= 0; i--) {
                  answerPlusOne(held.get(i));
                }
              }
            });
    Connection connection = calling().connect(NODE, SERVICE);
    CountDownLatch answered = new CountDownLatch(count);
    AtomicReference<String> wrong = new AtomicReference<>("");
    home()
        .offer(nowNs -> {
          for (int i = 0; i < count; i++) {
            long number = i;
            Call call =
                new Call(home(), 64, 64) {
                  @Override
                  protected void onReply() {
                    if (result != number + 1 || reply.getLong(0) != number + 1) {
                      wrong.set("answer " + result + " to " + number);
                    }
                    answered.countDown();
                  }
                };
            call.request.putLong(0, number);
            call.requestLength = Long.BYTES;
            connection.send(call);
          }
        });
    await(answered);
    assertEquals("", wrong.get());
  }

  @Test
  void payloadsOfEverySizeArriveWholeInBothDirections() {
    MemorySegment stored = memory(PAYLOAD_BYTES);
    serving().serve(NODE, SERVICE, server(), call -> keep(call, stored));
    Connection connection = calling().connect(NODE, SERVICE);
    MemorySegment out = memory(PAYLOAD_BYTES + 4096);
    MemorySegment in = memory(PAYLOAD_BYTES + 4096);
    for (int size : new int[] {1, 63, 4096, 65_536, 65_537, 200_001, PAYLOAD_BYTES}) {
      fill(out, 5, size, size);
      in.fill((byte) 0x5a);
      BlockingCall write = blocking(size);
      write.payload(out, 5, size);
      assertEquals(size, write.send(connection));
      BlockingCall read = blocking(size);
      read.payloadRoom(in, 3, size);
      assertEquals(size, read.send(connection));
      MemorySegment got = in.asSlice(3, size);
      assertEquals(-1, got.mismatch(out.asSlice(5, size)), "size " + size);
      assertEquals((byte) 0x5a, in.get(ValueLayout.JAVA_BYTE, 2));
      assertEquals((byte) 0x5a, in.get(ValueLayout.JAVA_BYTE, 3 + size));
    }
  }

  /** A service that keeps one payload: it takes what calls carry and fills the room they have. */
  private static void keep(Call call, MemorySegment stored) {
    if (call.payloadIsRoom) {
      MemorySegment.copy(stored, 0, call.payload, call.payloadOffset, call.payloadLength);
    } else {
      MemorySegment.copy(call.payload, call.payloadOffset, stored, 0, call.payloadLength);
    }
    call.reply(call.payloadLength);
  }

  private static void fill(MemorySegment memory, long at, int length, int seed) {
    for (int i = 0; i < length; i++) {
      memory.set(ValueLayout.JAVA_BYTE, at + i, (byte) (i * 31 + seed));
    }
  }

  @Test
  void aFailedCallCarriesItsStatusAndNoPayload() {
    serving().serve(NODE, SERVICE, server(), call -> call.reply(Status.NO_SPACE.code()));
    Connection connection = calling().connect(NODE, SERVICE);
    BlockingCall call = blocking(0);
    call.payloadRoom(memory(4096), 0, 4096);
    assertEquals(Status.NO_SPACE.code(), call.send(connection));
  }

  @Test
  void aServiceThatIsNotThereIsUnreachable() {
    serving().serve(NODE, SERVICE, server(), NetworkPromises::answerPlusOne);
    assertEquals(Status.UNREACHABLE.code(), blocking(0).send(calling().connect(NODE, SERVICE + 1)));
  }

  @Test
  void aServiceMayLeaveAndComeBackUnderOneConnection() {
    Connection connection = calling().connect(NODE, SERVICE);
    serving().serve(NODE, SERVICE, server(), NetworkPromises::answerPlusOne);
    assertEquals(8, blocking(7).send(connection));
    serving().withdraw(NODE, SERVICE);
    assertEquals(Status.UNREACHABLE.code(), blocking(7).send(connection));
    serving().serve(NODE, SERVICE, server(), NetworkPromises::answerPlusOne);
    assertEquals(8, blocking(7).send(connection));
  }

  @Test
  void aServiceIsServedOnce() {
    serving().serve(NODE, SERVICE, server(), NetworkPromises::answerPlusOne);
    assertThrows(
        IllegalStateException.class,
        () -> serving().serve(NODE, SERVICE, server(), NetworkPromises::answerPlusOne));
  }
}
