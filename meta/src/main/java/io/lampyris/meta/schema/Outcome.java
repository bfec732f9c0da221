package io.lampyris.meta.schema;

import org.jspecify.annotations.Nullable;

/**
 * What the last update on a client's channel came to, so that a retry is answered the same.
 *
 * <pre>
 *  0 version:1 (1)  1 reserved:3  4 operation:4 (message id)  8 sequence:8  16 recordedNs:8
 * 24 answered inode:8 (0: none)  32 its value, without a symlink's target: 96 or 0
 * </pre>
 *
 * @param operation the message id
 * @param recordedNs wall clock, for trimming
 * @param answer the inode whose attributes were answered, as they were; null when none were
 */
public record Outcome(int operation, long sequence, long recordedNs, @Nullable Inode answer) {
  private static final byte VERSION = 1;
  private static final int FIXED_BYTES = 32;

  public byte[] encode() {
    byte[] value = new byte[FIXED_BYTES + (answer == null ? 0 : Inode.VALUE_BYTES)];
    value[0] = VERSION;
    Bytes.putInt(value, 4, operation);
    Bytes.putLong(value, 8, sequence);
    Bytes.putLong(value, 16, recordedNs);
    if (answer != null) {
      Bytes.putLong(value, 24, answer.number());
      System.arraycopy(answer.value(), 0, value, FIXED_BYTES, Inode.VALUE_BYTES);
    }
    return value;
  }

  public static Outcome decode(byte[] value) {
    boolean answered = value.length == FIXED_BYTES + Inode.VALUE_BYTES;
    if ((!answered && value.length != FIXED_BYTES) || value[0] != VERSION) {
      throw new CorruptValueException("outcome", value.length, value.length == 0 ? -1 : value[0]);
    }
    Inode answer = null;
    if (answered) {
      byte[] inode = new byte[Inode.VALUE_BYTES];
      System.arraycopy(value, FIXED_BYTES, inode, 0, inode.length);
      answer = Inode.wrap(Bytes.getLong(value, 24), inode);
    }
    return new Outcome(
        Bytes.getInt(value, 4), Bytes.getLong(value, 8), Bytes.getLong(value, 16), answer);
  }
}
