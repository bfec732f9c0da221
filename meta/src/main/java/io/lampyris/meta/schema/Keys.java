package io.lampyris.meta.schema;

import io.lampyris.protocol.ChoreKind;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Makes and reads the keys of the package's table. */
public final class Keys {
  /** Every directory entry's name begins here. */
  public static final int DENTRY_NAME_AT = 12;

  private static final int PREFIX_BYTES = 4;
  private static final byte[] INODE = ascii("INOD");
  private static final byte[] DENTRY = ascii("DENT");
  private static final byte[] SESSION = ascii("SESS");
  private static final byte[] CHORE = ascii("CHOR");
  private static final byte[] OUTCOME = ascii("IDEM");

  private Keys() {}

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  public static byte[] schema() {
    return ascii("SINGschema");
  }

  public static byte[] inodeNext() {
    return ascii("SINGinode-next");
  }

  public static byte[] inodeCount() {
    return ascii("SINGinode-count");
  }

  public static byte[] inode(long inode) {
    return withInode(INODE, inode, 0);
  }

  /** The prefix of all inodes; its {@link #end} ends them. */
  public static byte[] inodes() {
    return INODE.clone();
  }

  public static long inodeOf(byte[] inodeKey) {
    return Bytes.getLong(inodeKey, PREFIX_BYTES);
  }

  /** The prefix of a directory's entries. */
  public static byte[] dentries(long parent) {
    return withInode(DENTRY, parent, 0);
  }

  public static byte[] dentry(long parent, byte[] name) {
    byte[] key = withInode(DENTRY, parent, name.length);
    System.arraycopy(name, 0, key, DENTRY_NAME_AT, name.length);
    return key;
  }

  /** The prefix of all sessions. */
  public static byte[] sessions() {
    return SESSION.clone();
  }

  /** The prefix of an inode's sessions. */
  public static byte[] sessions(long inode) {
    return withInode(SESSION, inode, 0);
  }

  public static byte[] session(long inode, long clientHigh, long clientLow) {
    byte[] key = withInode(SESSION, inode, 16);
    Bytes.putLong(key, 12, clientHigh);
    Bytes.putLong(key, 20, clientLow);
    return key;
  }

  public static long sessionInode(byte[] sessionKey) {
    return Bytes.getLong(sessionKey, PREFIX_BYTES);
  }

  public static long sessionClientHigh(byte[] sessionKey) {
    return Bytes.getLong(sessionKey, 12);
  }

  public static long sessionClientLow(byte[] sessionKey) {
    return Bytes.getLong(sessionKey, 20);
  }

  /** The prefix of all chores of a kind. */
  public static byte[] chores(ChoreKind kind) {
    byte[] key = Arrays.copyOf(CHORE, PREFIX_BYTES + 1);
    key[PREFIX_BYTES] = (byte) kind.number();
    return key;
  }

  public static byte[] chore(ChoreKind kind, long inode) {
    byte[] key = Arrays.copyOf(chores(kind), PREFIX_BYTES + 1 + 8);
    Bytes.putLong(key, PREFIX_BYTES + 1, Long.reverseBytes(inode));
    return key;
  }

  public static long choreInode(byte[] choreKey) {
    return Long.reverseBytes(Bytes.getLong(choreKey, PREFIX_BYTES + 1));
  }

  /** The prefix of all recorded outcomes. */
  public static byte[] outcomes() {
    return OUTCOME.clone();
  }

  public static byte[] outcome(long clientHigh, long clientLow, int channel) {
    byte[] key = Arrays.copyOf(OUTCOME, PREFIX_BYTES + 20);
    Bytes.putLong(key, 4, clientHigh);
    Bytes.putLong(key, 12, clientLow);
    Bytes.putInt(key, 20, channel);
    return key;
  }

  /** The first key after all that begin with this prefix. */
  public static byte[] end(byte[] prefix) {
    for (int i = prefix.length - 1; i >= 0; i--) {
      if (prefix[i] != (byte) 0xff) {
        byte[] end = Arrays.copyOf(prefix, i + 1);
        end[i]++;
        return end;
      }
    }
    throw new IllegalArgumentException("a prefix of 0xff alone has no end");
  }

  /** The first key after this one. */
  public static byte[] after(byte[] key) {
    return Arrays.copyOf(key, key.length + 1);
  }

  private static byte[] withInode(byte[] prefix, long inode, int moreBytes) {
    byte[] key = Arrays.copyOf(prefix, PREFIX_BYTES + 8 + moreBytes);
    Bytes.putLong(key, PREFIX_BYTES, inode);
    return key;
  }
}
