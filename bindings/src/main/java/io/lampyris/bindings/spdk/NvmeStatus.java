package io.lampyris.bindings.spdk;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.spdk.abi.SpdkAbi;

/**
 * Status fields of completion queue entries (NVM Express base specification, completion queue
 * entry), without the phase tag: code in bits 0 to 7, type in 8 to 10, do-not-retry in bit 14.
 */
public final class NvmeStatus {
  private static final int TYPE_AT = 8;
  private static final int CODE_MASK = 0xFF;
  private static final int TYPE_MASK = 7;
  private static final int DO_NOT_RETRY = 1 << 14;

  private NvmeStatus() {}

  private static int code(int status) {
    return status & CODE_MASK;
  }

  private static int type(int status) {
    return status >> TYPE_AT & TYPE_MASK;
  }

  /** Whether the command was taken back, by a reset or on request, and may be sent again. */
  public static boolean isAborted(int status) {
    return type(status) == SpdkAbi.ABI_NVME_SCT_GENERIC()
        && (code(status) == SpdkAbi.ABI_NVME_SC_ABORTED_SQ_DELETION()
            || code(status) == SpdkAbi.ABI_NVME_SC_ABORTED_BY_REQUEST());
  }

  /** The errno that says the same; 0 for success. */
  public static int errno(int status) {
    if ((status & ~DO_NOT_RETRY) == 0) {
      return 0;
    }
    if (type(status) == SpdkAbi.ABI_NVME_SCT_GENERIC()) {
      if (code(status) == SpdkAbi.ABI_NVME_SC_CAPACITY_EXCEEDED()) {
        return Errno.ENOSPC;
      }
      if (code(status) == SpdkAbi.ABI_NVME_SC_LBA_OUT_OF_RANGE()) {
        return Errno.EINVAL;
      }
    }
    return Errno.EIO;
  }

  /** For messages: type and code as the specification numbers them. */
  public static String describe(int status) {
    return "NVMe status type %xh code %02xh%s"
        .formatted(
            type(status), code(status), (status & DO_NOT_RETRY) != 0 ? ", do not retry" : "");
  }
}
