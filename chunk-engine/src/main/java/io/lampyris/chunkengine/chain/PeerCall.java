package io.lampyris.chunkengine.chain;

import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.net.Call;
import org.jspecify.annotations.Nullable;

/** A call to another member of a chain. Owner: reactor. */
final class PeerCall extends Call {
  /** Who waits for the answer. */
  interface User {
    /** The call is its pool's again when this returns. */
    void onPeerReply(PeerCall call);
  }

  private final Peers peers;
  final boolean large;
  @Nullable User user;

  PeerCall(ReactorContext context, Peers peers, int requestBytes, int replyBytes, boolean large) {
    super(context, requestBytes, replyBytes);
    this.peers = peers;
    this.large = large;
  }

  @Override
  protected void onReply() {
    User waiting = user;
    assert waiting != null : "a sent call has its user";
    user = null;
    waiting.onPeerReply(this);
    peers.free(this);
  }
}
