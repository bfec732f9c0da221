package io.lampyris.reactor.net.verbs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.reactor.Buffer;
import io.lampyris.reactor.net.BlockingCall;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Connection;
import io.lampyris.reactor.net.Network;
import io.lampyris.reactor.net.NetworkConformance;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The promises of every network, by RDMA, and that it is RDMA. Needs a device. */
class VerbsNetworkTest extends NetworkConformance {
  private @Nullable Pair pair;

  private Pair pair() {
    Pair made = pair;
    assert made != null : "open makes it";
    return made;
  }

  @Override
  protected Network serving() {
    return pair().serving;
  }

  @Override
  protected Network calling() {
    return pair().calling;
  }

  @Override
  protected void open() throws Exception {
    pair = Pair.orSkip(server, home);
  }

  @Override
  protected void shut() {
    Pair made = pair;
    if (made != null) {
      made.close();
      assertEquals(0, Pair.count(made.called, "calls_by_tcp"), "all calls went by RDMA");
      assertEquals(0, Pair.count(made.called, "failed_operations"));
      assertEquals(0, Pair.count(made.served, "failed_operations"));
    }
  }

  private static void keep(Call call, MemorySegment stored) {
    if (call.payloadIsRoom) {
      MemorySegment.copy(stored, 0, call.payload, call.payloadOffset, call.payloadLength);
    } else {
      MemorySegment.copy(call.payload, call.payloadOffset, stored, 0, call.payloadLength);
    }
    call.reply(call.payloadLength);
  }

  /** I4: both ends count. */
  @Test
  void payloadsInTheReactorsBuffersGoOneSidedWithoutACopy() throws Exception {
    int bytes = 300_000;
    MemorySegment stored = memory(bytes);
    serving().serve(NODE, SERVICE, server(), call -> keep(call, stored));
    Connection connection = calling().connect(NODE, SERVICE);
    CountDownLatch done = new CountDownLatch(1);
    AtomicReference<String> wrong = new AtomicReference<>("no answer");
    home()
        .offer(nowNs -> {
          Buffer out = acquire(bytes);
          Buffer in = acquire(bytes);
          out.segment().fill((byte) 0x77);
          Call read =
              new Call(home(), 64, 64) {
                @Override
                protected void onReply() {
                  long differs =
                      in.segment().asSlice(0, bytes).mismatch(out.segment().asSlice(0, bytes));
                  wrong.set(result == bytes && differs < 0 ? "" : result + ", " + differs);
                  out.release();
                  in.release();
                  done.countDown();
                }
              };
          Call write =
              new Call(home(), 64, 64) {
                @Override
                protected void onReply() {
                  read.payloadRoom(in.segment(), 0, bytes);
                  connection.send(read);
                }
              };
          write.payload(out.segment(), 0, bytes);
          connection.send(write);
        });
    await(done);
    assertEquals("", wrong.get());
    assertEquals(0, Pair.count(pair().called, "copied_bytes"));
    assertEquals(2, Pair.count(pair().called, "windows_opened"));
    assertEquals(1, Pair.count(pair().served, "rdma_reads"));
    assertEquals(bytes, Pair.count(pair().served, "rdma_read_bytes"));
    assertEquals(1, Pair.count(pair().served, "rdma_writes"));
    assertEquals(bytes, Pair.count(pair().served, "rdma_written_bytes"));
  }

  private Buffer acquire(int bytes) {
    Buffer buffer = home().buffers().acquire(bytes);
    assert buffer != null : "the pool is unused";
    return buffer;
  }

  /** I4: across the blocks by which it is registered. */
  @Test
  void expectedMemoryIsReachedBlockByBlockWithoutACopy() throws Exception {
    int bytes = 1 << 20;
    MemorySegment stored = memory(bytes);
    serving().serve(NODE, SERVICE, server(), call -> keep(call, stored));
    Connection connection = calling().connect(NODE, SERVICE);
    MemorySegment iov = memory(3 << VerbsMemory.BLOCK_SHIFT);
    AtomicLong registered = new AtomicLong();
    CountDownLatch told = new CountDownLatch(1);
    home()
        .offer(nowNs -> {
          registered.set(Pair.count(pair().called, "registered_bytes"));
          home().expectMemory(iov);
          told.countDown();
        });
    await(told);
    long at = (1L << VerbsMemory.BLOCK_SHIFT) - bytes / 2;
    long to = (2L << VerbsMemory.BLOCK_SHIFT) - bytes / 3;
    for (long i = 0; i < bytes; i += Long.BYTES) {
      iov.set(java.lang.foreign.ValueLayout.JAVA_LONG, at + i, i * 31);
    }
    BlockingCall write = blocking(1);
    write.payload(iov, at, bytes);
    assertEquals(bytes, write.send(connection));
    BlockingCall read = blocking(1);
    read.payloadRoom(iov, to, bytes);
    assertEquals(bytes, read.send(connection));
    assertEquals(-1, iov.asSlice(at, bytes).mismatch(iov.asSlice(to, bytes)));
    assertEquals(0, Pair.count(pair().called, "copied_bytes"));
    assertEquals(4, Pair.count(pair().called, "windows_opened"));
    assertEquals(1, Pair.count(pair().called, "keys_taken_back") / 2, "the second of each");
    long blocks = Pair.count(pair().called, "registered_bytes") - registered.get();
    assertEquals(3L << VerbsMemory.BLOCK_SHIFT, blocks);
    home().offer(nowNs -> home().forgetMemory(iov));
    Pair.until(
        "forgotten memory is unpinned",
        () -> Pair.count(pair().called, "registered_bytes") == registered.get());
  }

  @Test
  void messagesLongerThanAReceiveArriveWhole() {
    serving()
        .serve(
            NODE,
            SERVICE,
            server(),
            call -> {
              call.reply.putBytes(0, call.request, 0, call.requestLength);
              call.replyLength = call.requestLength;
              call.reply(call.requestLength);
            });
    Connection connection = calling().connect(NODE, SERVICE);
    for (int length : new int[] {0, 1, 4024, 4025, 8121, 20_000, Link.MESSAGE_MAX_BYTES}) {
      BlockingCall call = new BlockingCall(Link.MESSAGE_MAX_BYTES, Link.MESSAGE_MAX_BYTES);
      for (int i = 0; i < length; i++) {
        call.request.putByte(i, (byte) (i * 7 + length));
      }
      call.requestLength = length;
      assertEquals(length, call.send(connection));
      assertEquals(length, call.replyLength);
      for (int i = 0; i < length; i++) {
        assertEquals(call.request.getByte(i), call.reply.getByte(i), "byte " + i);
      }
    }
  }

  /** I1: a request without payload does not overtake one whose payload is still read. */
  @Test
  void callsWithAndWithoutPayloadsArriveInOrder() throws Exception {
    int count = 200;
    List<Long> arrived = new ArrayList<>();
    List<Long> refused = new ArrayList<>();
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
    MemorySegment payload = memory(1 << 16);
    CountDownLatch answered = new CountDownLatch(count);
    home()
        .offer(nowNs -> {
          for (int i = 0; i < count; i++) {
            Call call =
                new Call(home(), 64, 64) {
                  @Override
                  protected void onReply() {
                    if (result != 0) {
                      refused.add(result);
                    }
                    answered.countDown();
                  }
                };
            call.request.putLong(0, i);
            call.requestLength = Long.BYTES;
            if (i % 3 == 0) {
              call.payload(payload, 0, 1 << 16);
            }
            connection.send(call);
          }
        });
    await(answered);
    assertEquals(List.of(), refused);
    assertEquals(count, arrived.size());
    for (int i = 0; i < count; i++) {
      assertEquals(i, arrived.get(i));
    }
    assertTrue(Pair.count(pair().called, "copied_bytes") > 0, "it was not registered");
  }
}
