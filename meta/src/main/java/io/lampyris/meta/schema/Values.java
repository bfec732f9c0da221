package io.lampyris.meta.schema;

/** The small values of the package's table. */
public final class Values {
  public static final long SCHEMA_VERSION = 1;

  private static final byte VERSION = 1;
  private static final int DENTRY_BYTES = 13;
  private static final int SESSION_BYTES = 2;
  private static final int CHORE_BYTES = 9;
  private static final byte MAY_WRITE = 1;

  private Values() {}

  public static byte[] counter(long count) {
    byte[] value = new byte[8];
    Bytes.putLong(value, 0, count);
    return value;
  }

  public static long counterOf(byte[] value) {
    if (value.length != 8) {
      throw new CorruptValueException("counter", value.length, -1);
    }
    return Bytes.getLong(value, 0);
  }

  public static byte[] dentry(long inode, int typeBits) {
    byte[] value = new byte[DENTRY_BYTES];
    Bytes.putLong(value, 0, inode);
    Bytes.putInt(value, 8, typeBits);
    value[12] = VERSION;
    return value;
  }

  public static long dentryInode(byte[] value) {
    check(value, "dentry", DENTRY_BYTES, 12);
    return Bytes.getLong(value, 0);
  }

  public static int dentryType(byte[] value) {
    return Bytes.getInt(value, 8);
  }

  public static byte[] session(boolean mayWrite) {
    byte[] value = new byte[SESSION_BYTES];
    value[0] = VERSION;
    value[1] = mayWrite ? MAY_WRITE : 0;
    return value;
  }

  public static boolean sessionMayWrite(byte[] value) {
    check(value, "session", SESSION_BYTES, 0);
    return (value[1] & MAY_WRITE) != 0;
  }

  public static byte[] chore(long truncateVersion) {
    byte[] value = new byte[CHORE_BYTES];
    Bytes.putLong(value, 0, truncateVersion);
    value[8] = VERSION;
    return value;
  }

  public static long choreTruncateVersion(byte[] value) {
    check(value, "chore", CHORE_BYTES, 8);
    return Bytes.getLong(value, 0);
  }

  private static void check(byte[] value, String what, int lengthBytes, int versionAt) {
    if (value.length != lengthBytes || value[versionAt] != VERSION) {
      throw new CorruptValueException(
          what, value.length, value.length > versionAt ? value[versionAt] : -1);
    }
  }
}
