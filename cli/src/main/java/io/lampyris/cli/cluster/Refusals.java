package io.lampyris.cli.cluster;

import io.lampyris.reactor.net.tcp.CloseReason;
import io.lampyris.reactor.net.tcp.TcpNetwork;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Says in a role's log that secrets do not agree: at once, then at most once a minute for each of
 * the two cases, so that no stranger fills it. Owner: the network's reactor.
 */
final class Refusals implements TcpNetwork.Refusals {
  private static final Logger LOG = LoggerFactory.getLogger(Refusals.class);

  private final SaidNow strangers = new SaidNow();
  private final SaidNow ours = new SaidNow();

  @Override
  public void onRefusal(CloseReason reason, @Nullable InetSocketAddress peer) {
    long nowNs = System.nanoTime();
    if (reason == CloseReason.SECRET_REFUSED && ours.next(nowNs)) {
      LOG.error(
          "the cluster secret of this process was refused; observed={} ended the connection upon"
              + " the proof, {} so far, limit=the secret of that process; remedy: give both the"
              + " same cluster.secret_file and start this one again",
          peer,
          ours.count());
    } else if (reason == CloseReason.WRONG_SECRET && strangers.next(nowNs)) {
      LOG.warn(
          "somebody who has another cluster secret was refused; observed={}, {} so far, limit=the"
              + " secret of this process; remedy: if it belongs to this cluster, give it the same"
              + " cluster.secret_file; if not, keep it away from this port",
          peer,
          strangers.count());
    }
  }
}
