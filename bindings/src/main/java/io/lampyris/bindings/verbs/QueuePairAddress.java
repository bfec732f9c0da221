package io.lampyris.bindings.verbs;

/**
 * Where a queue pair is, as its peer has to know it.
 *
 * @param qpNumber 24 bits
 * @param firstPsn 24 bits: the number of its first packet
 * @param lid of its port; 0 on Ethernet
 * @param gidHigh the first half of its address, as a big-endian number
 * @param mtu the largest packet, as {@code enum ibv_mtu}
 * @param readsMax RDMA READs that it answers at once
 */
public record QueuePairAddress(
    int qpNumber, int firstPsn, int lid, long gidHigh, long gidLow, int mtu, int readsMax) {
  /** The same, with packets of at most this, as {@code enum ibv_mtu}. */
  public QueuePairAddress withMtuMax(int most) {
    return new QueuePairAddress(
        qpNumber, firstPsn, lid, gidHigh, gidLow, Math.min(mtu, most), readsMax);
  }

  /** Bytes of the largest packet. */
  public int mtuBytes() {
    return 128 << mtu;
  }
}
