package io.lampyris.protocol.cluster;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lampyris.protocol.LocalState;
import io.lampyris.protocol.sbe.AdminDecoder;
import io.lampyris.protocol.sbe.AdminEncoder;
import io.lampyris.protocol.sbe.AdminReplyDecoder;
import io.lampyris.protocol.sbe.AdminReplyEncoder;
import io.lampyris.protocol.sbe.HeartbeatDecoder;
import io.lampyris.protocol.sbe.HeartbeatEncoder;
import io.lampyris.protocol.sbe.HeartbeatReplyDecoder;
import io.lampyris.protocol.sbe.HeartbeatReplyEncoder;
import io.lampyris.protocol.sbe.MessageHeaderDecoder;
import io.lampyris.protocol.sbe.MessageHeaderEncoder;
import io.lampyris.protocol.sbe.QueryRoutingDecoder;
import io.lampyris.protocol.sbe.QueryRoutingEncoder;
import io.lampyris.protocol.sbe.RoutingReplyDecoder;
import io.lampyris.protocol.sbe.RoutingReplyEncoder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Values of this package as messages, header first, from offset 0; every {@code encode} answers how
 * many bytes that takes. Buffers are expandable, or large enough.
 */
public final class ClusterCodec {
  private ClusterCodec() {}

  /** The template id of a message, or -1 when it is none of ours. */
  public static int templateOf(DirectBuffer buffer, int length) {
    if (length < MessageHeaderDecoder.ENCODED_LENGTH) {
      return -1;
    }
    MessageHeaderDecoder header = new MessageHeaderDecoder().wrap(buffer, 0);
    return header.schemaId() == HeartbeatDecoder.SCHEMA_ID ? header.templateId() : -1;
  }

  public static int encode(Heartbeat of, MutableDirectBuffer buffer) {
    HeartbeatEncoder to = new HeartbeatEncoder();
    to.wrapAndApplyHeader(buffer, 0, new MessageHeaderEncoder());
    to.nodeId(of.nodeId()).incarnation(of.incarnation()).sequence(of.sequence());
    to.leaseDurationNs(of.leaseDurationNs()).knownVersion(of.knownVersion());
    to.replyRoom(of.replyRoom());
    var targets = to.targetsCount(of.targets().size());
    for (TargetReport report : of.targets()) {
      targets.next().targetId(report.targetId()).storeId(report.storeId()).disk(report.disk());
      targets.chainVersion(report.chainVersion()).state((short) report.state().number());
      targets.whole((short) (report.whole() ? 1 : 0));
      targets.capacityBytes(report.capacityBytes()).usedBytes(report.usedBytes());
    }
    byte[] address = of.address().getBytes(UTF_8);
    byte[] domain = of.domain().getBytes(UTF_8);
    to.putAddress(address, 0, address.length).putDomain(domain, 0, domain.length);
    return MessageHeaderEncoder.ENCODED_LENGTH + to.encodedLength();
  }

  public static Heartbeat heartbeat(DirectBuffer buffer, int length) {
    return decoded(buffer, length, HeartbeatDecoder.TEMPLATE_ID, ClusterCodec::readHeartbeat);
  }

  private static Heartbeat readHeartbeat(DirectBuffer buffer, MessageHeaderDecoder header) {
    HeartbeatDecoder from = new HeartbeatDecoder().wrapAndApplyHeader(buffer, 0, header);
    List<TargetReport> targets = new ArrayList<>();
    int nodeId = from.nodeId();
    long incarnation = from.incarnation();
    long sequence = from.sequence();
    long leaseDurationNs = from.leaseDurationNs();
    long knownVersion = from.knownVersion();
    int replyRoom = from.replyRoom();
    for (var entry : from.targets()) {
      targets.add(
          new TargetReport(
              entry.targetId(),
              entry.storeId(),
              entry.disk(),
              stateOf(entry.state()),
              entry.whole() != 0,
              entry.chainVersion(),
              entry.capacityBytes(),
              entry.usedBytes()));
    }
    byte[] address = new byte[from.addressLength()];
    from.getAddress(address, 0, address.length);
    byte[] domain = new byte[from.domainLength()];
    from.getDomain(domain, 0, domain.length);
    return new Heartbeat(
        nodeId,
        incarnation,
        sequence,
        leaseDurationNs,
        knownVersion,
        replyRoom,
        targets,
        new String(address, UTF_8),
        new String(domain, UTF_8));
  }

  private static LocalState stateOf(int number) {
    return Arrays.stream(LocalState.values())
        .filter(state -> state.number() == number)
        .findFirst()
        .orElseThrow(() ->
            new IllegalArgumentException(
                "no such local state; observed=%d, limit=a known one; remedy: update"
                    .formatted(number)));
  }

  public static int encode(HeartbeatAnswer of, MutableDirectBuffer buffer) {
    HeartbeatReplyEncoder to = new HeartbeatReplyEncoder();
    to.wrapAndApplyHeader(buffer, 0, new MessageHeaderEncoder());
    to.incarnation(of.incarnation()).sequence(of.sequence()).grantVersion(of.grantVersion());
    to.routingVersion(of.routingVersion()).configVersion(of.configVersion());
    to.deltaBytes(of.deltaBytes());
    var orders = to.ordersCount(of.orders().size());
    for (TargetOrder order : of.orders()) {
      orders.next().targetId(order.targetId()).storeId(order.storeId());
      orders.kind((short) order.kind().number());
    }
    byte[] reason = of.reason().getBytes(UTF_8);
    to.putReason(reason, 0, reason.length);
    return MessageHeaderEncoder.ENCODED_LENGTH + to.encodedLength();
  }

  /** A delta, if there is one, is the last {@code deltaBytes} of the message. */
  public static HeartbeatAnswer heartbeatAnswer(DirectBuffer buffer, int length) {
    return decoded(
        buffer,
        length,
        HeartbeatReplyDecoder.TEMPLATE_ID,
        (only, header) -> {
          HeartbeatReplyDecoder from =
              new HeartbeatReplyDecoder().wrapAndApplyHeader(only, 0, header);
          long incarnation = from.incarnation();
          long sequence = from.sequence();
          long grantVersion = from.grantVersion();
          long routingVersion = from.routingVersion();
          long configVersion = from.configVersion();
          int deltaBytes = from.deltaBytes();
          List<TargetOrder> orders = new ArrayList<>();
          for (var entry : from.orders()) {
            orders.add(
                new TargetOrder(
                    entry.targetId(), entry.storeId(), TargetOrder.Kind.of(entry.kind())));
          }
          byte[] reason = new byte[from.reasonLength()];
          from.getReason(reason, 0, reason.length);
          return new HeartbeatAnswer(
              incarnation,
              sequence,
              grantVersion,
              routingVersion,
              configVersion,
              deltaBytes,
              orders,
              new String(reason, UTF_8));
        });
  }

  public static int encode(RoutingQuery of, MutableDirectBuffer buffer) {
    QueryRoutingEncoder to = new QueryRoutingEncoder();
    to.wrapAndApplyHeader(buffer, 0, new MessageHeaderEncoder());
    to.knownVersion(of.knownVersion()).replyRoom(of.replyRoom());
    to.clientHigh(of.clientHigh()).clientLow(of.clientLow());
    byte[] name = of.name().getBytes(UTF_8);
    to.putName(name, 0, name.length);
    return MessageHeaderEncoder.ENCODED_LENGTH + to.encodedLength();
  }

  public static RoutingQuery routingQuery(DirectBuffer buffer, int length) {
    return decoded(
        buffer,
        length,
        QueryRoutingDecoder.TEMPLATE_ID,
        (only, header) -> {
          QueryRoutingDecoder from = new QueryRoutingDecoder().wrapAndApplyHeader(only, 0, header);
          byte[] name = new byte[from.nameLength()];
          from.getName(name, 0, name.length);
          return new RoutingQuery(
              from.knownVersion(),
              from.replyRoom(),
              from.clientHigh(),
              from.clientLow(),
              new String(name, UTF_8));
        });
  }

  public static int encode(RoutingAnswer of, MutableDirectBuffer buffer) {
    RoutingReplyEncoder to = new RoutingReplyEncoder();
    to.wrapAndApplyHeader(buffer, 0, new MessageHeaderEncoder());
    to.routingVersion(of.routingVersion()).configVersion(of.configVersion());
    to.place((short) of.place().number()).deltaBytes(of.deltaBytes());
    return MessageHeaderEncoder.ENCODED_LENGTH + to.encodedLength();
  }

  /** A delta behind the message is its last {@code deltaBytes}. */
  public static RoutingAnswer routingAnswer(DirectBuffer buffer, int length) {
    return decoded(
        buffer,
        length,
        RoutingReplyDecoder.TEMPLATE_ID,
        (only, header) -> {
          RoutingReplyDecoder from = new RoutingReplyDecoder().wrapAndApplyHeader(only, 0, header);
          return new RoutingAnswer(
              from.routingVersion(),
              from.configVersion(),
              RoutingAnswer.Place.of(from.place()),
              from.deltaBytes());
        });
  }

  public static int encode(AdminRequest of, MutableDirectBuffer buffer) {
    AdminEncoder to = new AdminEncoder();
    to.wrapAndApplyHeader(buffer, 0, new MessageHeaderEncoder());
    to.command(of.command().number()).replyRoom(of.replyRoom());
    var arguments = to.argumentsCount(of.arguments().size());
    for (Map.Entry<String, String> argument : of.arguments().entrySet()) {
      byte[] name = argument.getKey().getBytes(UTF_8);
      byte[] value = argument.getValue().getBytes(UTF_8);
      arguments.next().putName(name, 0, name.length).putValue(value, 0, value.length);
    }
    return MessageHeaderEncoder.ENCODED_LENGTH + to.encodedLength();
  }

  public static AdminRequest adminRequest(DirectBuffer buffer, int length) {
    return decoded(
        buffer,
        length,
        AdminDecoder.TEMPLATE_ID,
        (only, header) -> {
          AdminDecoder from = new AdminDecoder().wrapAndApplyHeader(only, 0, header);
          AdminCommand command = AdminCommand.of(from.command());
          int replyRoom = from.replyRoom();
          TreeMap<String, String> arguments = new TreeMap<>();
          for (var entry : from.arguments()) {
            byte[] name = new byte[entry.nameLength()];
            entry.getName(name, 0, name.length);
            byte[] value = new byte[entry.valueLength()];
            entry.getValue(value, 0, value.length);
            arguments.put(new String(name, UTF_8), new String(value, UTF_8));
          }
          return new AdminRequest(command, replyRoom, arguments);
        });
  }

  public static int encode(AdminAnswer of, MutableDirectBuffer buffer) {
    AdminReplyEncoder to = new AdminReplyEncoder();
    to.wrapAndApplyHeader(buffer, 0, new MessageHeaderEncoder()).more((short) (of.more() ? 1 : 0));
    var columns = to.columnsCount(of.columns().size());
    for (String column : of.columns()) {
      byte[] title = column.getBytes(UTF_8);
      columns.next().putTitle(title, 0, title.length);
    }
    var cells = to.cellsCount(of.columns().size() * of.rows().size());
    for (List<String> row : of.rows()) {
      for (String cell : row) {
        byte[] text = cell.getBytes(UTF_8);
        cells.next().putText(text, 0, text.length);
      }
    }
    byte[] text = of.text().getBytes(UTF_8);
    to.putText(text, 0, text.length);
    return MessageHeaderEncoder.ENCODED_LENGTH + to.encodedLength();
  }

  public static AdminAnswer adminAnswer(DirectBuffer buffer, int length) {
    return decoded(
        buffer,
        length,
        AdminReplyDecoder.TEMPLATE_ID,
        (only, header) -> {
          AdminReplyDecoder from = new AdminReplyDecoder().wrapAndApplyHeader(only, 0, header);
          boolean more = from.more() != 0;
          List<String> columns = new ArrayList<>();
          for (var entry : from.columns()) {
            byte[] title = new byte[entry.titleLength()];
            entry.getTitle(title, 0, title.length);
            columns.add(new String(title, UTF_8));
          }
          List<List<String>> rows = new ArrayList<>();
          List<String> row = new ArrayList<>();
          for (var entry : from.cells()) {
            byte[] text = new byte[entry.textLength()];
            entry.getText(text, 0, text.length);
            row.add(new String(text, UTF_8));
            if (row.size() == columns.size()) {
              rows.add(row);
              row = new ArrayList<>();
            }
          }
          byte[] text = new byte[from.textLength()];
          from.getText(text, 0, text.length);
          return new AdminAnswer(more, columns, rows, new String(text, UTF_8));
        });
  }

  private interface Reader<T> {
    T read(DirectBuffer only, MessageHeaderDecoder header);
  }

  private static <T> T decoded(DirectBuffer buffer, int length, int template, Reader<T> reader) {
    int observed = templateOf(buffer, length);
    if (observed != template) {
      throw new IllegalArgumentException(
          "message is another one; observed=template %d, limit=%d; remedy: check the caller"
              .formatted(observed, template));
    }
    try {
      // Nothing behind the message is read, whatever its groups say.
      DirectBuffer only = new UnsafeBuffer(buffer, 0, length);
      return reader.read(only, new MessageHeaderDecoder().wrap(only, 0));
    } catch (IndexOutOfBoundsException | IllegalStateException cut) {
      throw new IllegalArgumentException(
          "message is cut short; observed=%d bytes, limit=what its groups say; remedy: ask anew"
              .formatted(length),
          cut);
    }
  }
}
