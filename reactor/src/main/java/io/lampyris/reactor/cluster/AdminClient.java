package io.lampyris.reactor.cluster;

import io.lampyris.protocol.Status;
import io.lampyris.protocol.cluster.AdminAnswer;
import io.lampyris.protocol.cluster.AdminCommand;
import io.lampyris.protocol.cluster.AdminRequest;
import io.lampyris.protocol.cluster.ClusterCodec;
import io.lampyris.reactor.net.BlockingCall;
import io.lampyris.reactor.net.Network;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongSupplier;
import org.agrona.ExpandableArrayBuffer;

/** Asks the primary manager and waits. Owner: a thread that is no reactor. */
public final class AdminClient {
  private static final int REQUEST_BYTES = 48 << 10;
  private static final int REPLY_BYTES = 48 << 10;

  private final Managers managers;
  private final LongSupplier nowNs;
  private final long timeoutNs;
  private final BlockingCall call = new BlockingCall(REQUEST_BYTES, REPLY_BYTES);
  private final ExpandableArrayBuffer scratch = new ExpandableArrayBuffer();

  /**
   * @param nowNs the clock that the network's deadlines go by
   * @param timeoutNs for each manager that is tried
   */
  public AdminClient(Network network, List<Integer> managers, LongSupplier nowNs, long timeoutNs) {
    this.managers = new Managers(network, managers);
    this.nowNs = nowNs;
    this.timeoutNs = timeoutNs;
  }

  /** All rows of an answer, however many messages they take. */
  public AdminAnswer ask(AdminCommand command, Map<String, String> arguments)
      throws AdminException {
    AdminAnswer answer = askOnce(command, arguments);
    while (answer.more()) {
      TreeMap<String, String> rest = new TreeMap<>(arguments);
      rest.put("after", answer.rows().getLast().getFirst());
      answer = answer.followedBy(askOnce(command, rest));
    }
    return answer;
  }

  private AdminAnswer askOnce(AdminCommand command, Map<String, String> arguments)
      throws AdminException {
    AdminRequest request = new AdminRequest(command, REPLY_BYTES, arguments);
    int length = ClusterCodec.encode(request, scratch);
    if (length > REQUEST_BYTES) {
      throw new AdminException(
          Status.INVALID_ARGUMENT,
          "arguments are too long; observed=%d bytes, limit=%d; remedy: ask in parts"
              .formatted(length, REQUEST_BYTES));
    }
    // A command may have been carried out although its answer was lost; carried out again, it
    // changes nothing or is refused.
    for (int tries = 0; ; tries++) {
      int manager = managers.current();
      call.request.putBytes(0, scratch, 0, length);
      call.requestLength = length;
      call.deadlineNs = nowNs.getAsLong() + timeoutNs;
      long result = call.send(managers.connection(manager));
      AdminAnswer answer = answer();
      if (result >= 0) {
        return answer;
      }
      Status status = Status.of(result);
      boolean untouched = status == Status.NOT_PRIMARY || status == Status.UNREACHABLE;
      managers.failed(manager);
      boolean mayTry = untouched || (command.isReadOnly() && Managers.isElsewhere(result));
      if (!mayTry || tries + 1 >= managers.count()) {
        throw new AdminException(status, message(status, answer.text()));
      }
    }
  }

  private AdminAnswer answer() {
    try {
      return ClusterCodec.adminAnswer(call.reply, call.replyLength);
    } catch (IllegalArgumentException none) {
      return AdminAnswer.of("");
    }
  }

  private static String message(Status status, String text) {
    return text.isEmpty()
        ? "no manager answers; observed=%s, limit=a primary; remedy: start one, or wait for it"
            .formatted(status)
        : text;
  }
}
