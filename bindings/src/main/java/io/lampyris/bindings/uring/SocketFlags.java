package io.lampyris.bindings.uring;

/** What linux/io_uring.h has for sockets and the generated constants do not. */
final class SocketFlags {
  // In sqe->ioprio.
  static final short ACCEPT_MULTISHOT = 1; // IORING_ACCEPT_MULTISHOT
  static final short RECVSEND_POLL_FIRST = 1; // IORING_RECVSEND_POLL_FIRST
  static final short SEND_ZC_REPORT_USAGE = 1 << 3; // IORING_SEND_ZC_REPORT_USAGE

  // In cqe->flags.
  static final int CQE_F_SOCK_NONEMPTY = 1 << 2; // IORING_CQE_F_SOCK_NONEMPTY
  static final int CQE_F_NOTIF = 1 << 3; // IORING_CQE_F_NOTIF

  // In cqe->res of a notification.
  static final int NOTIF_USAGE_ZC_COPIED = 1 << 31; // IORING_NOTIF_USAGE_ZC_COPIED

  private SocketFlags() {}
}
