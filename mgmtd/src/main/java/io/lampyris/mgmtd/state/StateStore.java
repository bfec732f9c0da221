package io.lampyris.mgmtd.state;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lampyris.mgmtd.chain.ChainState;
import io.lampyris.mgmtd.chain.Member;
import io.lampyris.mgmtd.config.ConfigLayer;
import io.lampyris.protocol.Routing.ChainTable;
import io.lampyris.protocol.Routing.TargetState;
import io.lampyris.protocol.lease.LeaseTerms;
import io.lampyris.reactor.kv.Kv;
import io.lampyris.reactor.kv.Transaction;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** The state in a store, and whose turn it is to change it. Owner: the manager's reactor. */
public final class StateStore {
  /**
   * Who is primary.
   *
   * @param epoch rises with every primary
   * @param managerId its node
   * @param beat rises as long as it lives
   */
  public record Primacy(long epoch, int managerId, long beat) {}

  private static final byte[] PREFIX = "MGMT".getBytes(UTF_8);
  private static final byte[] PRIMACY = key('p', new byte[0]);
  private static final byte[] HEADER = key('h', new byte[0]);

  private final Kv kv;

  public StateStore(Kv kv) {
    this.kv = kv;
  }

  // ---------------------------------------------------------------- primacy

  /** Who was primary last. */
  public Optional<Primacy> primacy() {
    try (Transaction transaction = kv.begin()) {
      return readPrimacy(transaction);
    }
  }

  /** Becomes primary after {@code last}, unless somebody else has done something since. */
  public Optional<Primacy> take(Optional<Primacy> last, int managerId) {
    long epoch = last.map(Primacy::epoch).orElse(0L) + 1;
    return replace(last, new Primacy(epoch, managerId, 0));
  }

  /** Shows that the primary lives; empty: it is not primary any more. */
  public Optional<Primacy> beat(Primacy mine) {
    return replace(Optional.of(mine), new Primacy(mine.epoch(), mine.managerId(), mine.beat() + 1));
  }

  private Optional<Primacy> replace(Optional<Primacy> expected, Primacy next) {
    try (Transaction transaction = kv.begin()) {
      if (!readPrimacy(transaction).equals(expected)) {
        return Optional.empty();
      }
      transaction.put(PRIMACY, primacy(next));
      if (transaction.commit() == Transaction.CONFLICT) {
        return Optional.empty();
      }
    }
    kv.sync();
    return Optional.of(next);
  }

  private static Optional<Primacy> readPrimacy(Transaction transaction) {
    byte[] value = transaction.get(PRIMACY);
    return value == null
        ? Optional.empty()
        : Optional.of(
            Value.read(
                value,
                from -> new Primacy(from.in.readLong(), from.in.readInt(), from.in.readLong())));
  }

  private static byte[] primacy(Primacy of) {
    return Value.write(to -> {
      to.out.writeLong(of.epoch());
      to.out.writeInt(of.managerId());
      to.out.writeLong(of.beat());
    });
  }

  // ---------------------------------------------------------------- state

  /** What was committed last (I4); with these terms when there is nothing yet. */
  public ClusterState load(LeaseTerms terms) {
    SortedMap<Integer, NodeInfo> nodes = new TreeMap<>();
    SortedMap<Long, TargetInfo> targets = new TreeMap<>();
    SortedMap<Integer, ChainInfo> chains = new TreeMap<>();
    SortedMap<Integer, ChainTable> tables = new TreeMap<>();
    SortedMap<String, ConfigLayer> layers = new TreeMap<>();
    try (Transaction transaction = kv.begin()) {
      byte[] header = transaction.get(HEADER);
      all(
          transaction,
          'n',
          (id, value) -> {
            NodeInfo node = readNode(id.getInt(), value);
            nodes.put(node.id(), node);
          });
      all(
          transaction,
          't',
          (id, value) -> {
            TargetInfo target = readTarget(id.getLong(), value);
            targets.put(target.id(), target);
          });
      all(
          transaction,
          'c',
          (id, value) -> {
            ChainInfo chain = readChain(id.getInt(), value);
            chains.put(chain.id(), chain);
          });
      all(
          transaction,
          'b',
          (id, value) -> {
            ChainTable table = readTable(id.getInt(), value);
            tables.put(table.id(), table);
          });
      all(
          transaction,
          'l',
          (id, value) -> {
            ConfigLayer layer = readLayer(UTF_8.decode(id).toString(), value);
            layers.put(layer.origin(), layer);
          });
      Header read = header == null ? Header.first(terms) : readHeader(header);
      return new ClusterState(read, nodes, targets, chains, tables, layers);
    }
  }

  /**
   * Makes a decision (I1, I2): when this returns it is durable.
   *
   * @return the state that follows, which is the old one when nothing changes
   */
  public ClusterState commit(Draft draft, long epoch) throws DeposedException {
    if (draft.isEmpty()) {
      return draft.base();
    }
    ClusterState next = draft.result();
    try (Transaction transaction = kv.begin()) {
      if (readPrimacy(transaction).filter(of -> of.epoch() == epoch).isEmpty()) {
        throw new DeposedException(epoch);
      }
      transaction.put(HEADER, header(next.header()));
      draft.nodes.forEach(
          (id, node) -> put(transaction, intKey('n', id), node == null ? null : value(node)));
      draft.targets.forEach((id, target) ->
          put(transaction, longKey('t', id), target == null ? null : value(target)));
      draft.chains.forEach((id, chain) -> transaction.put(intKey('c', id), value(chain)));
      draft.tables.forEach((id, table) -> transaction.put(intKey('b', id), value(table)));
      draft.layers.forEach((origin, layer) ->
          put(transaction, key('l', origin.getBytes(UTF_8)), layer == null ? null : value(layer)));
      if (transaction.commit() == Transaction.CONFLICT) {
        // Primacy is all that was read.
        throw new DeposedException(epoch);
      }
    }
    kv.sync();
    return next;
  }

  private static void put(
      Transaction transaction, byte[] key, byte @org.jspecify.annotations.Nullable [] value) {
    if (value == null) {
      transaction.clear(key);
    } else {
      transaction.put(key, value);
    }
  }

  private interface Entry {
    void take(ByteBuffer id, byte[] value);
  }

  private static void all(Transaction transaction, char kind, Entry entry) {
    byte[] begin = key(kind, new byte[0]);
    byte[] end = key((char) (kind + 1), new byte[0]);
    transaction.range(
        begin,
        end,
        Integer.MAX_VALUE,
        false,
        (key, value) -> {
          entry.take(ByteBuffer.wrap(key, begin.length, key.length - begin.length), value);
          return true;
        });
  }

  private static byte[] key(char kind, byte[] id) {
    byte[] key = Arrays.copyOf(PREFIX, PREFIX.length + 1 + id.length);
    key[PREFIX.length] = (byte) kind;
    System.arraycopy(id, 0, key, PREFIX.length + 1, id.length);
    return key;
  }

  private static byte[] intKey(char kind, int id) {
    return key(kind, ByteBuffer.allocate(Integer.BYTES).putInt(id).array());
  }

  private static byte[] longKey(char kind, long id) {
    return key(kind, ByteBuffer.allocate(Long.BYTES).putLong(id).array());
  }

  // ---------------------------------------------------------------- values

  private static byte[] header(Header of) {
    return Value.write(to -> {
      to.out.writeLong(of.routingVersion());
      to.out.writeLong(of.configVersion());
      to.out.writeLong(of.leaseDurationNs());
      to.out.writeInt(of.driftPpm());
    });
  }

  private static Header readHeader(byte[] value) {
    return Value.read(
        value,
        from ->
            new Header(
                from.in.readLong(), from.in.readLong(), from.in.readLong(), from.in.readInt()));
  }

  private static byte[] value(NodeInfo of) {
    return Value.write(to -> {
      to.text(of.address());
      to.text(of.domain());
      to.out.writeByte(of.phase().number());
      to.texts(of.tags());
    });
  }

  private static NodeInfo readNode(int id, byte[] value) {
    return Value.read(
        value,
        from ->
            new NodeInfo(id, from.text(), from.text(), phaseOf(from.in.readByte()), from.texts()));
  }

  private static NodeInfo.Phase phaseOf(int number) {
    return Arrays.stream(NodeInfo.Phase.values())
        .filter(phase -> phase.number() == number)
        .findFirst()
        .orElseThrow(() -> unknown("phase", number));
  }

  private static byte[] value(TargetInfo of) {
    return Value.write(to -> {
      to.out.writeInt(of.nodeId());
      to.out.writeInt(of.disk());
      to.out.writeLong(of.storeId());
      to.out.writeLong(of.wholeStoreId());
      to.out.writeByte(of.retiring() ? 1 : 0);
    });
  }

  private static TargetInfo readTarget(long id, byte[] value) {
    return Value.read(
        value,
        from ->
            new TargetInfo(
                id,
                from.in.readInt(),
                from.in.readInt(),
                from.in.readLong(),
                from.in.readLong(),
                from.in.readByte() != 0));
  }

  private static byte[] value(ChainInfo of) {
    return Value.write(to -> {
      to.out.writeInt(of.state().version());
      to.out.writeInt(of.state().servedVersion());
      to.out.writeInt(of.replicas());
      to.out.writeLong(of.movingFrom());
      to.out.writeLong(of.movingTo());
      to.out.writeInt(of.state().members().size());
      for (Member member : of.state().members()) {
        to.out.writeLong(member.targetId());
        to.out.writeByte(member.state().number());
        to.out.writeInt(member.servedVersion());
        to.out.writeByte(member.leaving() ? 1 : 0);
      }
    });
  }

  private static ChainInfo readChain(int id, byte[] value) {
    return Value.read(
        value,
        from -> {
          int version = from.in.readInt();
          int served = from.in.readInt();
          int replicas = from.in.readInt();
          long movingFrom = from.in.readLong();
          long movingTo = from.in.readLong();
          List<Member> members = new ArrayList<>();
          for (int left = from.in.readInt(); left > 0; left--) {
            members.add(readMember(from));
          }
          ChainState state = new ChainState(id, version, served, members);
          return new ChainInfo(state, replicas, movingFrom, movingTo);
        });
  }

  private static Member readMember(Value.Reader from) throws IOException {
    long targetId = from.in.readLong();
    int number = from.in.readByte();
    TargetState state = TargetState.of(number).orElseThrow(() -> unknown("state", number));
    return new Member(targetId, state, from.in.readInt(), from.in.readByte() != 0);
  }

  private static byte[] value(ChainTable of) {
    return Value.write(to -> {
      to.out.writeInt(of.version());
      to.out.writeInt(of.chainIds().size());
      for (Integer chainId : of.chainIds()) {
        to.out.writeInt(chainId);
      }
    });
  }

  private static ChainTable readTable(int id, byte[] value) {
    return Value.read(
        value,
        from -> {
          int version = from.in.readInt();
          List<Integer> chains = new ArrayList<>();
          for (int left = from.in.readInt(); left > 0; left--) {
            chains.add(from.in.readInt());
          }
          return new ChainTable(id, version, chains);
        });
  }

  private static byte[] value(ConfigLayer of) {
    return Value.write(to -> {
      to.out.writeLong(of.version());
      to.texts(new TreeMap<>(of.entries()));
    });
  }

  private static ConfigLayer readLayer(String origin, byte[] value) {
    return Value.read(value, from -> new ConfigLayer(origin, from.in.readLong(), from.texts()));
  }

  private static IllegalStateException unknown(String what, int number) {
    return new IllegalStateException(
        "stored %s is unknown; observed=%d, limit=a known one; remedy: use a newer release"
            .formatted(what, number));
  }
}
