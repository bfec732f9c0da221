package io.lampyris.bindings.verbs;

/** How an operation of a queue pair ended, by the numbers of the verbs' header. */
public enum WcStatus {
  SUCCESS,
  /** More came than the receive had room for. */
  LOC_LEN_ERR,
  LOC_QP_OP_ERR,
  LOC_EEC_OP_ERR,
  /** Local memory without a key that allows it. */
  LOC_PROT_ERR,
  /** The queue pair was in error, or went there: the operation did not happen. */
  WR_FLUSH_ERR,
  MW_BIND_ERR,
  BAD_RESP_ERR,
  LOC_ACCESS_ERR,
  REM_INV_REQ_ERR,
  /** The peer's key does not allow it: never given, or taken back. */
  REM_ACCESS_ERR,
  REM_OP_ERR,
  /** The peer acknowledged nothing: gone, or something swallows what is sent. */
  RETRY_EXC_ERR,
  /** The peer had no receive posted. */
  RNR_RETRY_EXC_ERR,
  LOC_RDD_VIOL_ERR,
  REM_INV_RD_REQ_ERR,
  REM_ABORT_ERR,
  INV_EECN_ERR,
  INV_EEC_STATE_ERR,
  FATAL_ERR,
  RESP_TIMEOUT_ERR,
  GENERAL_ERR;

  private static final WcStatus[] VALUES = values();

  /** GENERAL_ERR for numbers that a newer library may add. */
  public static WcStatus of(int number) {
    return number >= 0 && number < VALUES.length ? VALUES[number] : GENERAL_ERR;
  }
}
