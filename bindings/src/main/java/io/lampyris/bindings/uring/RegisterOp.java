package io.lampyris.bindings.uring;

/**
 * Numbers and offsets of linux/io_uring.h for tables of files and buffers that are filled slot by
 * slot: Linux 5.19. By hand, for the names are enumerators that older headers lack; {@code
 * RegisterOpTest} holds them against the C compiler's.
 */
final class RegisterOp {
  static final int FILES_UPDATE = 6;
  static final int BUFFERS2 = 15;
  static final int BUFFERS_UPDATE = 16;

  // struct io_uring_rsrc_register
  static final long RSRC_NR = 0;
  static final long RSRC_FLAGS = 4;
  static final long RSRC_BYTES = 32;
  static final int RSRC_SPARSE = 1;

  // struct io_uring_rsrc_update2
  static final long UPDATE_OFFSET = 0;
  static final long UPDATE_DATA = 8;
  static final long UPDATE_NR = 24;
  static final long UPDATE_BYTES = 32;

  private RegisterOp() {}
}
