package io.lampyris.cli.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

final class RdmaTroublesTest {
  private final Logger log = (Logger) LoggerFactory.getLogger(RdmaTroubles.class);
  private final ListAppender<ILoggingEvent> said = new ListAppender<>();
  private final InetSocketAddress at =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 9801);

  @BeforeEach
  void listen() {
    // Others of this JVM may have turned off what is above it.
    log.setLevel(Level.WARN);
    said.start();
    log.addAppender(said);
  }

  @AfterEach
  void stop() {
    log.detachAppender(said);
    log.setLevel(null);
  }

  private String said(int index) {
    String message = said.list.get(index).getFormattedMessage();
    assertTrue(message.matches("(?s).*; observed=.*, limit=.*; remedy: .*"), message);
    return message;
  }

  @Test
  void aBlockedWayIsSaidOnceAMinuteForEachNode() {
    RdmaTroubles troubles = new RdmaTroubles();
    troubles.onBlockedWay(7, at);
    troubles.onBlockedWay(7, at);
    troubles.onBlockedWay(8, null);
    assertEquals(2, said.list.size());
    assertTrue(said(0).contains("node 7") && said(0).contains(":9801"), said(0));
    assertTrue(said(0).contains("UDP port 4791"), said(0));
    assertTrue(said(1).contains("node 8"), said(1));
  }

  @Test
  void lostPacketsAreSaidWithBothSizes() {
    RdmaTroubles troubles = new RdmaTroubles();
    troubles.onLostPackets(7, at, 4096, 1024);
    troubles.onLostPackets(7, at, 4096, 1024);
    assertEquals(1, said.list.size());
    assertTrue(said(0).contains("4096 bytes do not come"), said(0));
    assertTrue(said(0).contains("and 1024 do") && said(0).contains("MTU"), said(0));
  }
}
