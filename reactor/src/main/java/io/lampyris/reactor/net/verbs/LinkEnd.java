package io.lampyris.reactor.net.verbs;

import io.lampyris.bindings.verbs.WcStatus;

/** Why an RDMA connection ended. */
public enum LinkEnd {
  /** The network was closed. */
  CLOSED,
  /** The peer acknowledges nothing: gone, or the way is cut. */
  PEER_GONE,
  /** The peer's memory was not, or not any more, ours to reach. */
  ACCESS_REFUSED,
  /** The queue pair went into error: by the peer's fault, or by the device's. */
  QUEUE_PAIR_ERROR,
  /** Something that we posted was wrong, or refused. */
  LOCAL_ERROR,
  /** The first messages did not get through in time: MTU, firewall or address. */
  UNTRIED,
  /** Small packets got through where large ones had not: the latter are tried once more. */
  SMALL_WORKED,
  /** The peer sent what it has no business to send. */
  PROTOCOL,
  /** Nothing came from the peer for too long. */
  SILENT,
  /** The peer did not let go of a cancelled call's memory in time. */
  STALLED,
  /** The device is lost. */
  DEVICE_LOST,
  /** The node is somewhere else now. */
  MOVED;

  static LinkEnd of(WcStatus status) {
    return switch (status) {
      case RETRY_EXC_ERR, RNR_RETRY_EXC_ERR, RESP_TIMEOUT_ERR, REM_ABORT_ERR -> PEER_GONE;
      case REM_ACCESS_ERR, REM_INV_REQ_ERR, REM_OP_ERR, REM_INV_RD_REQ_ERR, BAD_RESP_ERR ->
          ACCESS_REFUSED;
      case WR_FLUSH_ERR, LOC_RDD_VIOL_ERR, INV_EECN_ERR, INV_EEC_STATE_ERR -> QUEUE_PAIR_ERROR;
      case LOC_LEN_ERR, LOC_QP_OP_ERR, LOC_EEC_OP_ERR, LOC_PROT_ERR, MW_BIND_ERR, LOC_ACCESS_ERR ->
          LOCAL_ERROR;
      case FATAL_ERR -> DEVICE_LOST;
      case GENERAL_ERR, SUCCESS -> QUEUE_PAIR_ERROR;
    };
  }
}
