package io.lampyris.reactor.net;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lampyris.protocol.Status;
import org.junit.jupiter.api.Test;

class LocalNetworkTest extends NetworkConformance {
  private final LocalNetwork network = new LocalNetwork();

  @Override
  protected Network serving() {
    return network;
  }

  @Override
  protected Network calling() {
    return network;
  }

  @Override
  protected void open() {}

  @Override
  protected void shut() {}

  @Test
  void aNodeThatIsNotThereIsUnreachable() {
    assertEquals(Status.UNREACHABLE.code(), blocking(0).send(network.connect(9, 9)));
  }
}
