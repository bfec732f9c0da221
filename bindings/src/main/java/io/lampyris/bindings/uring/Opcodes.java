package io.lampyris.bindings.uring;

import io.lampyris.bindings.linux.Linux;

/** Operation codes to ask {@link IoUring#supports} about. */
public final class Opcodes {
  public static final int NOP = Linux.IORING_OP_NOP();
  public static final int FSYNC = Linux.IORING_OP_FSYNC();
  public static final int READ_FIXED = Linux.IORING_OP_READ_FIXED();
  public static final int WRITE_FIXED = Linux.IORING_OP_WRITE_FIXED();
  public static final int POLL_ADD = Linux.IORING_OP_POLL_ADD();
  public static final int TIMEOUT = Linux.IORING_OP_TIMEOUT();
  public static final int ASYNC_CANCEL = Linux.IORING_OP_ASYNC_CANCEL();
  public static final int FALLOCATE = Linux.IORING_OP_FALLOCATE();
  public static final int READ = Linux.IORING_OP_READ();
  public static final int WRITE = Linux.IORING_OP_WRITE();
  public static final int URING_CMD = Linux.IORING_OP_URING_CMD();
  public static final int SEND_ZC = Linux.IORING_OP_SEND_ZC();

  // Sockets; the generated constants do not have them.
  public static final int SENDMSG = 9;
  public static final int ACCEPT = 13;
  public static final int CONNECT = 16;
  public static final int SEND = 26;
  public static final int RECV = 27;

  private Opcodes() {}
}
