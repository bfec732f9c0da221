package io.lampyris.meta.service;

import io.lampyris.meta.ops.Caller;
import io.lampyris.meta.ops.Client;
import io.lampyris.meta.ops.Sessions;
import io.lampyris.meta.ops.SetAttributes;

/** A decoded message; one variant per message of the metadata service. */
sealed interface Request {
  /** The bytes are no message of ours, or end too early. */
  final class Malformed extends Exception {
    private static final long serialVersionUID = 1;

    Malformed() {
      super(null, null, false, false);
    }
  }

  /** An update that is recognised when it is retried; see the package's I4. */
  sealed interface Recorded extends Request {
    Identity identity();

    int operation();
  }

  /** Who updates, and which of its updates this is. */
  record Identity(Client client, long sequence, int channel) {
    boolean isRetried() {
      return sequence != 0;
    }
  }

  /** A message of a newer peer, or of another service. */
  record Unknown() implements Request {}

  record Lookup(long parent, Name name) implements Request {}

  record GetAttributes(long inode) implements Request {}

  record Set(Caller caller, long inode, SetAttributes.Change change) implements Request {}

  record Create(
      int operation, Caller caller, Identity identity, long parent, Name name, int mode, int flags)
      implements Recorded {}

  record MakeDirectory(
      int operation, Caller caller, Identity identity, long parent, Name name, int mode)
      implements Recorded {}

  record MakeSymlink(
      int operation, Caller caller, Identity identity, long parent, Name name, Name target)
      implements Recorded {}

  record ReadSymlink(long inode) implements Request {}

  record MakeLink(int operation, Identity identity, long inode, long parent, Name name)
      implements Recorded {}

  record Unlink(int operation, Caller caller, Identity identity, long parent, Name name)
      implements Recorded {}

  record RemoveDirectory(int operation, Caller caller, Identity identity, long parent, Name name)
      implements Recorded {}

  record Rename(
      int operation,
      Caller caller,
      Identity identity,
      long parent,
      Name name,
      long newParent,
      Name newName,
      int flags)
      implements Recorded {}

  record List(long inode, Name after, int entriesMax) implements Request {}

  record Open(Client client, long inode, int flags) implements Request {}

  record Close(Client client, long inode, Sessions.Report report) implements Request {}

  record Sync(long inode, Sessions.Report report, boolean durable) implements Request {}

  record BeginTruncate(int operation, Identity identity, long inode, long lengthBytes)
      implements Recorded {}

  record EndTruncate(long inode, long truncateVersion) implements Request {}

  record QueryNamespace() implements Request {}

  record ListChores(int kind, long after, int choresMax, Client caller) implements Request {}

  record EndChore(int kind, long inode, long lengthBytes, Client client) implements Request {}

  /** Raw bytes, as Linux has names. */
  final class Name {
    final byte[] bytes;

    Name(byte[] bytes) {
      this.bytes = bytes;
    }
  }
}
