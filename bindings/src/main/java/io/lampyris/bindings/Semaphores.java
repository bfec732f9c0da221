package io.lampyris.bindings;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.lampyris.bindings.linux.timespec;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * POSIX semaphores (sem_t of glibc, x86-64) in memory that processes share, the same ones that C
 * programs use. Methods return 0 or {@code -errno}, except the two that say otherwise.
 */
public final class Semaphores {
  /** {@code sizeof(sem_t)}. */
  public static final long SIZE_BYTES = 32;

  private static final long NANOS_PER_SECOND = 1_000_000_000L;

  /** Where glibc keeps named semaphores: sem_overview(7). */
  private static final String DIRECTORY = "/dev/shm/sem.";

  private static final FunctionDescriptor INT_OF_SEM = FunctionDescriptor.of(JAVA_INT, ADDRESS);

  private static final MethodHandle INIT =
      Native.withErrno("sem_init", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT));
  private static final MethodHandle DESTROY = Native.withErrno("sem_destroy", INT_OF_SEM);
  private static final MethodHandle POST = Native.withErrno("sem_post", INT_OF_SEM);
  private static final MethodHandle WAIT = Native.withErrno("sem_wait", INT_OF_SEM);
  private static final MethodHandle TRY_WAIT = Native.withErrno("sem_trywait", INT_OF_SEM);
  private static final MethodHandle TIMED_WAIT =
      Native.withErrno("sem_timedwait", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS));
  private static final MethodHandle GET_VALUE =
      Native.withErrno("sem_getvalue", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS));
  private static final MethodHandle OPEN =
      Native.withErrno(
          "sem_open",
          FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT),
          Linker.Option.firstVariadicArg(2));
  private static final MethodHandle CLOSE = Native.withErrno("sem_close", INT_OF_SEM);
  private static final MethodHandle UNLINK = Native.withErrno("sem_unlink", INT_OF_SEM);

  private Semaphores() {}

  /**
   * sem_init(3) of {@link #SIZE_BYTES} at {@code sem}; {@code shared} between processes, else
   * between threads.
   */
  public static int init(MemorySegment sem, boolean shared, int value) {
    checkSize(sem);
    MemorySegment state = Native.errnoState();
    try {
      return Native.result((int) INIT.invokeExact(state, sem, shared ? 1 : 0, value), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** sem_destroy(3); nobody may be waiting. */
  public static int destroy(MemorySegment sem) {
    return call(DESTROY, sem);
  }

  /** Adds one and wakes a waiter; -EOVERFLOW at the maximum. */
  public static int post(MemorySegment sem) {
    return call(POST, sem);
  }

  /** Takes one, or -EAGAIN at once when there is none. */
  public static int tryWait(MemorySegment sem) {
    return call(TRY_WAIT, sem);
  }

  /** Takes one, blocking until there is one; interruptions by signals are retried. */
  public static int wait(MemorySegment sem) {
    int result;
    do {
      result = call(WAIT, sem);
    } while (result == -Errno.EINTR);
    return result;
  }

  /**
   * Takes one, blocking until {@code absRealtimeNs} of CLOCK_REALTIME (ns since 1970) at most: 0,
   * or -ETIMEDOUT. Interruptions by signals are retried.
   */
  public static int timedWait(MemorySegment sem, long absRealtimeNs) {
    checkSize(sem);
    assert absRealtimeNs >= 0 : "deadline before 1970; observed=" + absRealtimeNs;
    MemorySegment state = Native.errnoState();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment deadline = arena.allocate(timespec.layout());
      timespec.tv_sec(deadline, absRealtimeNs / NANOS_PER_SECOND);
      timespec.tv_nsec(deadline, absRealtimeNs % NANOS_PER_SECOND);
      int result;
      do {
        result = Native.result((int) TIMED_WAIT.invokeExact(state, sem, deadline), state);
      } while (result == -Errno.EINTR);
      return result;
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** The value now, {@code >= 0}, or -errno. */
  public static int value(MemorySegment sem) {
    checkSize(sem);
    MemorySegment state = Native.errnoState();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_INT);
      int result = Native.result((int) GET_VALUE.invokeExact(state, sem, value), state);
      return result < 0 ? result : value.get(JAVA_INT, 0);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /**
   * Creates {@code /dev/shm/sem.NAME} with exactly {@code mode}, whatever the umask, and maps it.
   * Between its creation and the change of mode another user can meet EACCES, so publish the name
   * afterwards.
   *
   * @param name with or without the leading slash that sem_open(3) asks for
   * @throws NativeException when it exists (EEXIST) or cannot be made
   */
  public static MemorySegment createNamed(String name, int mode, int value) {
    MemorySegment sem = openNamed(name, Fcntl.O_CREAT | Fcntl.O_EXCL, mode, value);
    // The umask belongs to the whole process: changing it here would race with other threads'
    // files.
    int result = Libc.chmod(DIRECTORY + bare(name), mode);
    if (result < 0) {
      closeNamed(sem);
      unlinkNamed(name);
      throw new NativeException("chmod", DIRECTORY + bare(name), -result);
    }
    return sem;
  }

  /**
   * Maps an existing named semaphore.
   *
   * @throws NativeException when there is none (ENOENT) or it may not be opened
   */
  public static MemorySegment openNamed(String name) {
    return openNamed(name, 0, 0, 0);
  }

  /** Unmaps what {@link #createNamed} or {@link #openNamed} gave; the name stays. */
  public static int closeNamed(MemorySegment sem) {
    return call(CLOSE, sem);
  }

  /** Removes the name; the semaphore lives on where it is mapped. */
  public static int unlinkNamed(String name) {
    MemorySegment state = Native.errnoState();
    try (Arena arena = Arena.ofConfined()) {
      return Native.result(
          (int) UNLINK.invokeExact(state, Native.cString(arena, "/" + bare(name))), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  private static MemorySegment openNamed(String name, int flags, int mode, int value) {
    MemorySegment state = Native.errnoState();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment sem =
          (MemorySegment)
              OPEN.invokeExact(state, Native.cString(arena, "/" + bare(name)), flags, mode, value);
      if (sem.address() == 0) {
        throw new NativeException(
            "sem_open",
            "name=%s, flags=0x%x, mode=%o, value=%d".formatted(name, flags, mode, value),
            Native.errno(state));
      }
      return NativeMemory.ofAddress(sem.address(), SIZE_BYTES);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  private static String bare(String name) {
    return name.startsWith("/") ? name.substring(1) : name;
  }

  private static int call(MethodHandle handle, MemorySegment sem) {
    checkSize(sem);
    MemorySegment state = Native.errnoState();
    try {
      return Native.result((int) handle.invokeExact(state, sem), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  private static void checkSize(MemorySegment sem) {
    assert sem.byteSize() >= SIZE_BYTES
        : "no room for a sem_t; observed=" + sem.byteSize() + ", limit=" + SIZE_BYTES;
  }
}
