package io.lampyris.chunkengine.format;

import java.util.function.Predicate;

/**
 * What a start does with what it finds: the rows of a decision table in stages. Each stage has its
 * own inputs, which the code at that place has worked out. A test goes through all inputs of every
 * stage and holds that exactly one row applies; another that {@code docs/formats.md} says the same.
 */
public enum RecoveryRow {
  SUPERBLOCK_A(
      device(d -> d.a == Copy.INTACT && d.asLarge),
      "superblock A is intact, the device as large as it says",
      "it is used"),
  SUPERBLOCK_B(
      device(d -> d.a == Copy.DAMAGED && d.b == Copy.INTACT && d.asLarge),
      "superblock A is damaged, B intact, the device as large as it says",
      "B is used, the damage to A reported"),
  NO_SUPERBLOCK(
      device(d -> d.used() == Copy.DAMAGED), "both superblocks are damaged", "CORRUPT_SUPERBLOCK"),
  OTHER_VERSION(
      device(d -> d.used() == Copy.OTHER_VERSION),
      "the first undamaged superblock is of another version",
      "OTHER_FORMAT_VERSION"),
  OTHER_GEOMETRY(
      device(d -> d.used() == Copy.OTHER_GEOMETRY),
      "the first undamaged superblock has extents that format 1 does not know",
      "CORRUPT_SUPERBLOCK"),
  OTHER_SIZE(
      device(d -> d.used() == Copy.INTACT && !d.asLarge),
      "the first undamaged superblock is intact, the device of another size",
      "SIZE_MISMATCH"),

  CURRENT_DAMAGED(listed(l -> !l.readable), "CURRENT is missing or damaged", "LOG_CORRUPT"),
  NAMED(
      listed(l -> l.readable && l.named && l.present),
      "a generation that CURRENT names is there",
      "it is read"),
  MISSING(
      listed(l -> l.readable && l.named && !l.present),
      "a generation that CURRENT names is missing",
      "LOG_CORRUPT"),
  STRAY(
      listed(l -> l.readable && !l.named && l.present),
      "a generation that CURRENT does not name is there",
      "deleted: nothing in it counts any more, or yet"),
  ABSENT(
      listed(l -> l.readable && !l.named && !l.present),
      "a generation that CURRENT does not name is not there",
      "nothing"),

  FOREIGN(
      record(r -> !r.own), "a generation names another target, or another number", "LOG_CORRUPT"),
  UNKNOWN(
      record(r -> r.own && r.content == Content.UNKNOWN),
      "a record in a whole group is intact and of an unknown type",
      "OTHER_FORMAT_VERSION"),
  CONTRADICTION(
      record(r -> r.own && r.content == Content.CONTRADICTORY),
      "a record in a whole group is intact and contradicts itself",
      "LOG_CORRUPT with the position"),
  APPLIED(
      record(r -> r.own && r.content == Content.CLEAR),
      "a record in a whole group is intact and clear",
      "replayed"),

  SHORT(
      end(e -> !e.reaches),
      "a generation ends before a group that CURRENT or a later generation calls durable",
      "LOG_CORRUPT with the position"),
  CLOSED(
      end(e -> e.reaches && e.closed),
      "a closed generation has all groups up to its durable-group",
      "replayed up to there; what follows does not count"),
  WHOLE(
      end(e -> e.reaches && !e.closed && e.behind == Behind.NOTHING),
      "an open generation ends with a whole group",
      "replayed"),
  TORN(
      end(e -> e.reaches && !e.closed && e.behind == Behind.UNPROVEN),
      "something incomplete or damaged is behind the last whole group of an open generation, and no"
          + " group end behind it calls a missing group durable",
      "cut at the last whole group and reported: it was never acknowledged"),
  DAMAGED(
      end(e -> e.reaches && !e.closed && e.behind == Behind.DURABLE),
      "the same, but a group end behind it calls a missing group durable",
      "LOG_CORRUPT with the position"),

  IMAGE_LOGGED(
      found(f -> f.logged),
      "the journal has a group of an open generation that the generation's file has too",
      "nothing"),
  IMAGE_REPLAYED(
      found(f -> !f.logged && f.follows && (f.payloads || !f.last)),
      "the journal has a group that the file does not have, and the updates before it were replayed",
      "replayed, and appended to the next generation"),
  IMAGE_TORN(
      found(f -> !f.logged && f.follows && f.last && !f.payloads),
      "the same, but it is the last, and a payload that it names was not written",
      "dropped: it was never acknowledged"),
  IMAGE_MISSING(
      found(f -> !f.logged && !f.follows),
      "the journal has a group that follows one which is missing",
      "LOG_CORRUPT"),

  REDONE(
      overwrite(l -> l == Later.NONE || l == Later.AS_LONG),
      "an overwrite was committed, and nothing of what follows",
      "written in its place again"),
  REDO_APPLIED(
      overwrite(l -> l == Later.APPLIED),
      "a later group end says that the overwrite was applied",
      "forgotten"),
  REDO_MOVED(
      overwrite(l -> l == Later.MOVED),
      "a later record of the chunk names another block",
      "forgotten: it was copied there"),
  REDO_REMOVED(overwrite(l -> l == Later.REMOVED), "the chunk was removed later", "forgotten"),
  REDO_BEHIND(
      overwrite(l -> l == Later.BEFORE),
      "the chunk ended before the overwrite later",
      "forgotten: something else may have been appended there"),
  REDO_CUT(
      overwrite(l -> l == Later.SHORTER),
      "the chunk ended within the overwrite later",
      "written in its place again up to there: something else may have been appended behind it"),

  STAYS_PENDING(
      waiting(w -> w.next == Next.NONE || w.next == Next.COMMITTED_BEFORE),
      "a version is pending, and nothing of what follows",
      "it is pending again"),
  PENDING_REPLACED(
      waiting(w -> w.next == Next.PENDING),
      "another version of the chunk is pending later",
      "that one is"),
  PENDING_COMMITTED(
      waiting(w -> w.next == Next.COMMITTED_IT && !w.overwrite),
      "the pending version is committed later",
      "the chunk has it"),
  PENDING_OVERWRITE(
      waiting(w -> w.next == Next.COMMITTED_IT && w.overwrite),
      "the pending version is an overwrite, and committed later",
      "the chunk has it; whether it is written in its place again, see above"),
  PENDING_OVERTAKEN(
      waiting(w -> w.next == Next.COMMITTED_OTHER),
      "a version of its number or a later one is committed instead",
      "forgotten"),
  PENDING_ROLLED_BACK(
      waiting(w -> w.next == Next.ROLLED_BACK),
      "the pending version is given up later",
      "forgotten"),
  PENDING_REMOVED(waiting(w -> w.next == Next.REMOVED), "the chunk is removed later", "forgotten"),

  SESSION_REMEMBERED(
      answered(a -> !a.later),
      "what a client was answered, and of its channel nothing later before it",
      "remembered"),
  SESSION_OVERTAKEN(
      answered(a -> a.later),
      "what a client was answered before its channel's later update",
      "forgotten"),

  PAYLOAD_IN_RECORD(
      payload(p -> p.stored == Stored.IN_RECORD),
      "the payload of an overwrite that is redone or pending is in its record",
      "used"),
  PAYLOAD_IN_JOURNAL(
      payload(p -> p.stored == Stored.JOURNAL_INTACT),
      "it is in the journal, with its checksum",
      "used"),
  PAYLOAD_LOST(
      payload(p -> p.stored == Stored.JOURNAL_DAMAGED && !p.pending),
      "it is not in the journal, though its record was committed: the device lost it",
      "reported; the units that it touches are quarantined"),
  PENDING_PAYLOAD_LOST(
      payload(p -> p.stored == Stored.JOURNAL_DAMAGED && p.pending),
      "it is not in the journal, and its version is pending",
      "reported; the version is forgotten"),

  BLOCK_TAKEN(
      block(b -> b.holds && b.given),
      "the block of a chunk holds its length, lies in its place on the device, and is no other's",
      "taken"),
  BLOCK_REFUSED(
      block(b -> !b.holds || !b.given),
      "the block of a chunk is too small, off the device, misplaced, or another chunk's",
      "LOG_CORRUPT");

  /** The inputs of one stage. */
  sealed interface Situation {}

  /** One copy of the superblock. */
  public enum Copy {
    INTACT,
    OTHER_VERSION,
    OTHER_GEOMETRY,
    DAMAGED
  }

  /**
   * Which superblock serves.
   *
   * @param b looked at only when A is damaged
   * @param asLarge whether the device has the size that the superblock in use says
   */
  public record Device(Copy a, Copy b, boolean asLarge) implements Situation {
    private Copy used() {
      return a == Copy.DAMAGED ? b : a;
    }
  }

  /**
   * Whether a generation counts.
   *
   * @param readable whether CURRENT is there, with its checksum
   * @param named whether CURRENT names it
   * @param present whether its directory is there, with one queue file in it
   */
  record Listed(boolean readable, boolean named, boolean present) implements Situation {}

  /** What an intact record says. */
  enum Content {
    CLEAR,
    UNKNOWN,
    CONTRADICTORY
  }

  /**
   * Whether a record of a whole group counts.
   *
   * @param own whether its generation names this target and itself
   */
  record Read(boolean own, Content content) implements Situation {}

  /** What lies behind the last whole group. */
  public enum Behind {
    NOTHING,
    UNPROVEN,
    /** A group end there says that a group which is missing was durable. */
    DURABLE
  }

  /**
   * Where a generation ends.
   *
   * @param closed whether CURRENT says that nothing behind its durable-group counts
   * @param reaches whether its whole groups reach all that CURRENT and later generations call
   *     durable
   */
  public record End(boolean closed, boolean reaches, Behind behind) implements Situation {}

  /**
   * What becomes of a group in the journal.
   *
   * @param logged whether the generation's file, or what was replayed of the journal, reaches it
   * @param follows whether the group with updates before it was replayed
   * @param last whether the journal has no later group of the generation
   * @param payloads of the last: whether the journal has all payloads that it names
   */
  public record Found(boolean logged, boolean follows, boolean last, boolean payloads)
      implements Situation {}

  /** What a later record says of a chunk with a committed overwrite. */
  public enum Later {
    NONE,
    /** A group end: the overwrite was in its place, durably. */
    APPLIED,
    /** In the same block it reaches the overwrite's end or farther. */
    AS_LONG,
    /** In the same block it ends within the overwrite. */
    SHORTER,
    /** In the same block it ends before the overwrite. */
    BEFORE,
    MOVED,
    REMOVED
  }

  /** Whether a committed overwrite is written again; asked anew for each later record. */
  public record Overwrite(Later later) implements Situation {}

  /** What a later record says of a chunk with a pending version. */
  public enum Next {
    NONE,
    PENDING,
    /** The version before it: a snapshot repeats that one. */
    COMMITTED_BEFORE,
    COMMITTED_IT,
    COMMITTED_OTHER,
    ROLLED_BACK,
    REMOVED
  }

  /**
   * What becomes of a pending version; asked anew for each later record.
   *
   * @param overwrite whether the log has its payload
   */
  public record Waiting(Next next, boolean overwrite) implements Situation {}

  /**
   * Whether what a client was answered is remembered.
   *
   * @param later whether a record before it tells of a later update of the channel
   */
  public record Answered(boolean later) implements Situation {}

  /** Where an overwrite's payload is. */
  public enum Stored {
    IN_RECORD,
    JOURNAL_INTACT,
    /** Its checksum is wrong. */
    JOURNAL_DAMAGED
  }

  /**
   * Whether a payload can be used.
   *
   * @param pending whether its version is pending
   */
  public record Payload(boolean pending, Stored stored) implements Situation {}

  /**
   * Whether a chunk can have its block.
   *
   * @param holds whether it is large enough
   * @param given whether it lies in its place on the device, and nobody has any of it
   */
  public record Block(boolean holds, boolean given) implements Situation {}

  private static final RecoveryRow[] ROWS = values();

  @SuppressWarnings("ImmutableEnumChecker") // they compare inputs and keep nothing
  private final Predicate<Situation> when;

  /** What is found. */
  final String found;

  /** What happens. */
  final String then;

  RecoveryRow(Predicate<Situation> when, String found, String then) {
    this.when = when;
    this.found = found;
    this.then = then;
  }

  private static Predicate<Situation> device(Predicate<Device> when) {
    return s -> s instanceof Device d && when.test(d);
  }

  private static Predicate<Situation> listed(Predicate<Listed> when) {
    return s -> s instanceof Listed l && when.test(l);
  }

  private static Predicate<Situation> record(Predicate<Read> when) {
    return s -> s instanceof Read r && when.test(r);
  }

  private static Predicate<Situation> end(Predicate<End> when) {
    return s -> s instanceof End e && when.test(e);
  }

  private static Predicate<Situation> found(Predicate<Found> when) {
    return s -> s instanceof Found f && when.test(f);
  }

  private static Predicate<Situation> overwrite(Predicate<Later> when) {
    return s -> s instanceof Overwrite o && when.test(o.later);
  }

  private static Predicate<Situation> waiting(Predicate<Waiting> when) {
    return s -> s instanceof Waiting w && when.test(w);
  }

  private static Predicate<Situation> answered(Predicate<Answered> when) {
    return s -> s instanceof Answered a && when.test(a);
  }

  private static Predicate<Situation> payload(Predicate<Payload> when) {
    return s -> s instanceof Payload p && when.test(p);
  }

  private static Predicate<Situation> block(Predicate<Block> when) {
    return s -> s instanceof Block b && when.test(b);
  }

  /** Whether this row is the one. */
  boolean applies(Situation situation) {
    return when.test(situation);
  }

  /** The row that applies. */
  public static RecoveryRow of(Situation situation) {
    for (RecoveryRow row : ROWS) {
      if (row.applies(situation)) {
        return row;
      }
    }
    throw new AssertionError("no row applies to " + situation);
  }

  /** As a line of the table in {@code docs/formats.md}. */
  String line() {
    return "| " + name() + " | " + found + " | " + then + " |";
  }
}
