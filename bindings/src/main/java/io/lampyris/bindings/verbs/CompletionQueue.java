package io.lampyris.bindings.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.lampyris.bindings.Native;
import io.lampyris.bindings.NativeException;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.verbs.abi.VerbsAbi;
import io.lampyris.bindings.verbs.abi.ibv_comp_channel;
import io.lampyris.bindings.verbs.abi.ibv_cq;
import io.lampyris.bindings.verbs.abi.ibv_wc;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Completions of many queue pairs, and a channel that can tell of the next one. {@link #poll}
 * fetches a batch, whose entries are read by index until the next poll.
 */
public final class CompletionQueue implements AutoCloseable {
  /** Most completions of one poll. */
  public static final int BATCH_MAX = 32;

  private static final MethodHandle POLL =
      Linker.nativeLinker()
          .downcallHandle(
              FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG),
              Linker.Option.critical(false));
  private static final MethodHandle REQUEST_NOTIFY =
      Linker.nativeLinker().downcallHandle(FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT));

  private static final long WC_BYTES = ibv_wc.sizeof();
  private static final long ID = ibv_wc.wr_id$offset();
  private static final long STATUS = ibv_wc.status$offset();
  private static final long LENGTH = ibv_wc.byte_len$offset();
  private static final long INVALIDATED = ibv_wc.invalidated_rkey$offset();
  private static final long FLAGS = ibv_wc.wc_flags$offset();

  /** Soft-RoCE gives programs the kernel's flag, which has another number than theirs. */
  private static final int WITH_INV_OF_SOFT_ROCE = 1 << 2;

  private final VerbsDevice device;
  private final MemorySegment channel;
  final MemorySegment struct;
  private final long address;
  private final MemorySegment completions;
  private final int capacity;
  private final int withInv;
  private int unacknowledged;

  /**
   * @param capacity at most {@link VerbsDevice#completionsMax}; as many completions as can be
   *     outstanding, as a queue that overflows is lost
   */
  public CompletionQueue(VerbsDevice device, int capacity) {
    this.device = device;
    channel =
        device.make(
            device.library().createChannel, "ibv_create_comp_channel", ibv_comp_channel.sizeof());
    VerbsDevice.setNonBlocking(ibv_comp_channel.fd(channel));
    struct = create(capacity);
    VerbsDevice.same("ibv_cq.context", ibv_cq.context(struct), device.context);
    VerbsDevice.same("ibv_cq.channel", ibv_cq.channel(struct), channel);
    address = struct.address();
    this.capacity = ibv_cq.cqe(struct);
    withInv = VerbsAbi.IBV_WC_WITH_INV() | (device.isSoftRoce ? WITH_INV_OF_SOFT_ROCE : 0);
    completions = NativeMemory.allocateAligned(BATCH_MAX * WC_BYTES);
  }

  private MemorySegment create(int wanted) {
    MemorySegment state = Native.errnoState();
    try {
      MemorySegment made =
          VerbsLibrary.struct(
              (MemorySegment)
                  device
                      .library()
                      .createCq
                      .invokeExact(state, device.context, wanted, MemorySegment.NULL, channel, 0),
              ibv_cq.layout());
      if (made == null) {
        int errno = Native.errno(state);
        VerbsDevice.release(device.library().destroyChannel, channel);
        throw new NativeException("ibv_create_cq", device.name + ", " + wanted, errno);
      }
      return made;
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** How many completions it holds. */
  public int capacity() {
    return capacity;
  }

  /** Takes up to {@link #BATCH_MAX} completions; returns how many, or a negative number. */
  public int poll() {
    try {
      return (int) POLL.invokeExact(device.pollCq, address, BATCH_MAX, completions.address());
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** What the operation carried. */
  public long id(int index) {
    return completions.get(JAVA_LONG, index * WC_BYTES + ID);
  }

  /** The number of its {@link WcStatus}; 0 is success, and then the rest means something. */
  public int status(int index) {
    return completions.get(JAVA_INT, index * WC_BYTES + STATUS);
  }

  /** Bytes that a receive got. */
  public int lengthBytes(int index) {
    return completions.get(JAVA_INT, index * WC_BYTES + LENGTH);
  }

  /** Whether the message took back a key of ours. */
  public boolean hasInvalidated(int index) {
    return (completions.get(JAVA_INT, index * WC_BYTES + FLAGS) & withInv) != 0;
  }

  /** The key that the message took back. */
  public int invalidatedKey(int index) {
    return completions.get(JAVA_INT, index * WC_BYTES + INVALIDATED);
  }

  // ---------------------------------------------------------------- waiting

  /** Readable once there is a completion after {@link #arm}. */
  public int channelFd() {
    return ibv_comp_channel.fd(channel);
  }

  /** Asks to be told of the next completion; poll once more after it. */
  public int arm() {
    try {
      return -(int) REQUEST_NOTIFY.invokeExact(device.requestNotify, address, 0);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** Takes what the channel told. */
  public void takeNotifications() {
    MemorySegment state = Native.errnoState();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment queue = arena.allocate(ADDRESS);
      MemorySegment context = arena.allocate(ADDRESS);
      while ((int) device.library().getCqEvent.invokeExact(state, channel, queue, context) == 0) {
        unacknowledged++;
      }
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  @Override
  public void close() {
    takeNotifications();
    MemorySegment state = Native.errnoState();
    try {
      device.library().ackCqEvents.invokeExact(state, struct, unacknowledged);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
    VerbsDevice.release(device.library().destroyCq, struct);
    VerbsDevice.release(device.library().destroyChannel, channel);
    NativeMemory.unmap(completions);
  }
}
