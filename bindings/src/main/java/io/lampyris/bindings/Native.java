package io.lampyris.bindings;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How this module makes downcalls: symbol lookup, errno capture, C strings. Public only because the
 * module's packages share it; other modules have no business here.
 *
 * <p>A handle from {@link #withErrno} takes the calling thread's {@link #errnoState} first. That
 * segment lives as long as its thread, so a call allocates nothing.
 */
public final class Native {
  /**
   * Longest text that a libc message can take, its NUL included; the longest in glibc has about 50
   * bytes.
   */
  private static final long ERROR_TEXT_BYTES_MAX = 1024;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final StructLayout ERRNO_LAYOUT = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      ERRNO_LAYOUT.varHandle(MemoryLayout.PathElement.groupElement("errno"));
  private static final Linker.Option CAPTURE = Linker.Option.captureCallState("errno");

  private static final ThreadLocal<MemorySegment> STATE =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(ERRNO_LAYOUT));

  private Native() {}

  /** A downcall that captures errno; its first parameter is {@link #errnoState}. */
  public static MethodHandle withErrno(
      String symbol, FunctionDescriptor function, Linker.Option... options) {
    Linker.Option[] all = new Linker.Option[options.length + 1];
    System.arraycopy(options, 0, all, 0, options.length);
    all[options.length] = CAPTURE;
    return LINKER.downcallHandle(require(symbol), function, all);
  }

  /** A downcall whose errno nobody reads. */
  public static MethodHandle plain(
      String symbol, FunctionDescriptor function, Linker.Option... options) {
    return LINKER.downcallHandle(require(symbol), function, options);
  }

  /** Where the calling thread's downcalls leave errno. */
  public static MemorySegment errnoState() {
    return STATE.get();
  }

  /** The errno that the last failing call with {@code state} left. */
  public static int errno(MemorySegment state) {
    return (int) ERRNO.get(state, 0L);
  }

  /** {@code result} when it is not negative, else {@code -errno}. */
  public static int result(int result, MemorySegment state) {
    return result >= 0 ? result : -errno(state);
  }

  /** {@code result} when it is not negative, else {@code -errno}. */
  public static long result(long result, MemorySegment state) {
    return result >= 0 ? result : -errno(state);
  }

  /**
   * What a downcall handle can throw besides a programmer's error is nothing: this is for the
   * compiler.
   */
  public static RuntimeException unexpected(Throwable t) {
    if (t instanceof RuntimeException e) {
      return e;
    }
    if (t instanceof Error e) {
      throw e;
    }
    throw new AssertionError("a downcall threw a checked exception", t);
  }

  /** {@code text} as a C string in {@code arena}; refuses text that C would cut short. */
  static MemorySegment cString(Arena arena, String text) {
    if (text.indexOf('\0') >= 0) {
      throw new IllegalArgumentException(
          "a C string cannot hold NUL; observed=index "
              + text.indexOf('\0')
              + " of "
              + text.length()
              + "; remedy: check names where they enter");
    }
    return arena.allocateFrom(text);
  }

  /** As {@link #cString}, with {@code null} for C's NULL. */
  static MemorySegment cStringOrNull(Arena arena, @Nullable String text) {
    return text == null ? MemorySegment.NULL : cString(arena, text);
  }

  /**
   * libc's untranslated text for {@code errno}; its translated one where libc is older than 2.32.
   */
  static String errorText(int errno) {
    try {
      MemorySegment text = (MemorySegment) ErrorText.HANDLE.invokeExact(errno);
      return text.address() == 0
          ? "unknown error"
          : text.reinterpret(ERROR_TEXT_BYTES_MAX).getString(0);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  /** Linked on first use: most processes never print an errno. */
  private static final class ErrorText {
    static final MethodHandle HANDLE =
        plain(
            find("strerrordesc_np").isPresent() ? "strerrordesc_np" : "strerror",
            FunctionDescriptor.of(ADDRESS, JAVA_INT));
  }

  private static MemorySegment require(String symbol) {
    return find(symbol)
        .orElseThrow(() ->
            new UnsatisfiedLinkError(
                "libc lacks a function; observed=no "
                    + symbol
                    + "; remedy: run on Linux with glibc 2.28 or newer"));
  }

  /** Before glibc 2.34, shm_open and sem_open were in libraries of their own. */
  private static Optional<MemorySegment> find(String symbol) {
    return LINKER
        .defaultLookup()
        .find(symbol)
        .or(() -> findIn("libpthread.so.0", symbol))
        .or(() -> findIn("librt.so.1", symbol));
  }

  private static Optional<MemorySegment> findIn(String library, String symbol) {
    try {
      return SymbolLookup.libraryLookup(library, Arena.global()).find(symbol);
    } catch (IllegalArgumentException absent) {
      return Optional.empty();
    }
  }
}
