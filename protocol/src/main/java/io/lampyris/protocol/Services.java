package io.lampyris.protocol;

/** Service numbers: a call names a node and one of these. */
public final class Services {
  public static final int STORAGE = 3;
  public static final int META = 4;
  public static final int MGMTD = 5;

  /** Of a node's network itself: sets up RDMA connections. */
  public static final int VERBS = 6;

  private Services() {}
}
