package io.lampyris.chunkengine.log;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.session.Session;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The open end of a target's log: takes groups of records. Owner: reactor. */
public interface ChunkLog extends AutoCloseable {
  /** Whether records fit. */
  enum Room {
    READY,
    /** Space is being reserved; asks again. */
    WAIT,
    /** The host file system is full. */
    FULL
  }

  /** The file whose flush makes appended groups durable. */
  Path file();

  /**
   * Whether there is room for this many more records with so many bytes of payload in all, and the
   * end of their group.
   *
   * @param urgent may take what is kept back for updates that make space
   */
  Room room(int records, long payloadBytes, boolean urgent);

  /**
   * Reserves so much beyond the usual, for {@link #setAside}. Blocks; before the log is in use.
   *
   * @throws StoreException when the host has no room for it
   */
  void reserveAside(long bytes) throws StoreException;

  /** How much room {@link #room} keeps for what is urgent, beyond the usual. */
  void setAside(long bytes);

  /** A redo record's payload has at most this many bytes. */
  int redoMaxBytes();

  /**
   * Appends a chunk's new state to the open group.
   *
   * @param commitsPending whether it is the pending version that was appended before
   */
  void committed(ChunkState chunk, boolean commitsPending);

  /** Appends a version that is not committed yet to the open group. */
  void pending(ChunkState chunk);

  /**
   * Appends an overwrite with its payload to the open group.
   *
   * @param pending whether the version is not committed yet
   * @param from where in the chunk the payload belongs
   * @param memory native; the log owns what it copies, so nobody may change it meanwhile
   * @param payloadCrc the payload's checksum
   */
  void redo(
      ChunkState chunk,
      boolean pending,
      int from,
      MemorySegment memory,
      long offset,
      int payloadBytes,
      int payloadCrc);

  /**
   * Appends an overwrite whose payload is durable in the device's journal to the open group.
   *
   * @param pending whether the version is not committed yet
   * @param from where in the chunk the payload belongs
   * @param deviceOffset of the payload's first byte
   * @param payloadCrc the payload's checksum
   */
  void redoJournaled(
      ChunkState chunk,
      boolean pending,
      int from,
      int payloadBytes,
      long deviceOffset,
      int payloadCrc);

  /** Appends a chunk's removal to the open group. */
  void removed(ChunkState chunk);

  /** Appends to the open group that a pending version will not be committed. */
  void rolledBack(ChunkState pending);

  /** Appends what a client was answered to the open group. */
  void session(Session session);

  /** The same, unless the log has it. */
  default void sessionOnce(@Nullable Session session) {
    if (session != null && !session.isLogged()) {
      session(session);
      session.setLogged();
    }
  }

  /**
   * Ends the open group.
   *
   * @return its number
   */
  long endGroup();

  /**
   * Puts what is appended from now on into memory instead of the file, one record behind the other,
   * until {@link #appendStaged}.
   *
   * @param memory native
   */
  void stageIn(MemorySegment memory, int offset);

  /** Where in that memory the staged records end; 0 when nothing is staged. */
  int stagedEnd();

  /** Ends {@link #stageIn} when nothing was staged. */
  void stageNothing();

  /** Puts the staged records, which are a whole group, into the file. */
  void appendStaged();

  /** The last group in the file. */
  long appendedGroup();

  /** A flush that was submitted after this group's end has completed. */
  void durable(long group);

  /**
   * All that was to be redone up to a sequence number is in its place, durably; group ends say so
   * from now on.
   */
  void applied(long sequence);

  /** What {@link #applied} named last. */
  long appliedSequence();

  /** What the last group's end said of that. */
  long statedSequence();

  /** The last group that {@link #durable} named. */
  long durableGroup();

  /** Whether a group's end says of every group with records that it is durable. */
  boolean isDurabilityStated();

  /** Whether the log's file still has a name. Never blocks. */
  boolean isLinked();

  /** Whether the log's file is found where it was made. Blocks; any thread. */
  boolean isInPlace() throws StoreException;

  /** Which generation it is. */
  long generation();

  long lastGroup();

  long lastSequence();

  /** Position in the file behind the last record. */
  long positionBytes();

  /** How far that is from the first record. */
  long recordBytes();

  @Override
  void close();
}
