package io.lampyris.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import jnr.ffi.provider.jffi.ClosureHelper;

/** libfuse's function that takes one directory entry. Any thread, each with its own scratch. */
final class DirectoryFiller {
  private static final int NAME_MAX_BYTES = 512;

  private final long function;
  private final Upcalls.Of4 call;

  DirectoryFiller(long function) {
    this.function = function;
    ClosureHelper closures = ClosureHelper.getInstance();
    Pointer pointer = Pointer.wrap(Runtime.getSystemRuntime(), function);
    this.call =
        closures
            .getNativeConveter(Upcalls.Of4.class)
            .fromNative(pointer, closures.getFromNativeContext());
  }

  long function() {
    return function;
  }

  /**
   * Adds an entry.
   *
   * @param scratch for the name and a stat, of which libfuse takes inode and type
   */
  void add(long buffer, MemorySegment scratch, byte[] name, long inode, int mode) {
    assert name.length < NAME_MAX_BYTES : "names have at most 255 bytes";
    FuseLayout.writeString(scratch, name, name.length);
    scratch.set(JAVA_LONG, NAME_MAX_BYTES + FuseLayout.STAT_INODE, inode);
    scratch.set(JAVA_INT, NAME_MAX_BYTES + FuseLayout.STAT_MODE, mode);
    long address = scratch.address();
    int full = call.call(buffer, address, address + NAME_MAX_BYTES, /* d= */ 0);
    if (full != 0) {
      throw new OutOfMemoryError("libfuse has no memory for directory entries");
    }
  }
}
