package io.lampyris.fuse.requests;

/**
 * Where the fields of the kernel's requests and of replies to it are, as linux/fuse.h has them.
 * Offsets of a request's arguments count from the beginning of its header.
 */
public final class RequestLayout {
  private RequestLayout() {}

  // ---- struct fuse_in_header
  public static final long SIZE = 0;
  public static final long OPCODE = 4;
  public static final long UNIQUE = 8;
  public static final long NODE = 16;
  public static final long UID = 24;
  public static final long GID = 28;
  public static final long PID = 32;
  static final int HEADER_BYTES = 40;

  // ---- enum fuse_opcode
  public static final int OPCODE_GETATTR = 3;
  public static final int OPCODE_READ = 15;
  public static final int OPCODE_WRITE = 16;
  public static final int OPCODE_INIT = 26;
  public static final int OPCODE_CREATE = 35;
  static final int OPCODE_INTERRUPT = 36;

  // ---- struct fuse_getattr_in
  public static final long GETATTR_FLAGS = 40;
  public static final long GETATTR_HANDLE = 48;
  public static final int GETATTR_BY_HANDLE = 1;

  // ---- struct fuse_link_in: the node that gets another name
  public static final long LINK_NODE = 40;

  // ---- struct fuse_read_in and struct fuse_write_in, alike as far as they are used
  static final long DATA_HANDLE = 40;
  static final long DATA_OFFSET = 48;
  static final long DATA_SIZE = 56;
  static final long DATA_FLAGS = 60;
  static final long DATA_OPEN_FLAGS = 72;
  static final int DATA_FROM_PAGE_CACHE = 1;

  /** What is written follows both. */
  static final int WRITE_HEADER_BYTES = HEADER_BYTES + 40;

  // ---- struct fuse_init_in
  static final long INIT_OFFERED = 52;

  // ---- struct fuse_out_header
  static final long REPLY_SIZE = 0;
  public static final long REPLY_ERROR = 4;
  static final long REPLY_UNIQUE = 8;
  public static final int REPLY_HEADER_BYTES = 16;

  // ---- struct fuse_write_out
  static final int WRITE_REPLY_BYTES = 8;

  // ---- struct fuse_entry_out: begins with the node id; an open reply follows it
  public static final long ENTRY_BYTES = 128;

  // ---- struct fuse_init_out
  static final int INIT_REPLY_BYTES = 64;
  static final long INIT_FLAGS = 12;
  static final long INIT_WRITE_MAX = 20;
  static final long INIT_PAGES_MAX = 28;

  /** FUSE_ASYNC_DIO: direct I/O of a program may have several requests under way. */
  static final int INIT_ASYNC_DIRECT_IO = 1 << 15;

  /** FUSE_MAX_PAGES: {@link #INIT_PAGES_MAX} counts. */
  static final int INIT_HAS_PAGES_MAX = 1 << 22;
}
