package io.lampyris.cli.control;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ControlChannelTest {
  private static final Duration LIMIT = Duration.ofSeconds(10);

  @TempDir private Path dir;

  @Test
  void aRequestIsAnsweredAndOnlyTheOwnerMayAsk_I1() throws IOException {
    Path socket = dir.resolve("control.sock");
    try (ControlServer _ =
        ControlServer.start(socket, Map.of("status", () -> Map.of("health", "HEALTH_OK")))) {
      assertEquals(Map.of("health", "HEALTH_OK"), ControlClient.ask(socket, "status", LIMIT));
      assertEquals(
          "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)));
      IOException e =
          assertThrows(IOException.class, () -> ControlClient.ask(socket, "dance", LIMIT));
      assertTrue(String.valueOf(e.getMessage()).contains("no such command"));
    }
    assertFalse(Files.exists(socket));
  }

  @Test
  void aSilentClientAndOneThatSendsRubbishHoldUpNobody_I2() throws IOException {
    Path socket = dir.resolve("control.sock");
    try (ControlServer _ = ControlServer.start(socket, Map.of("status", () -> Map.of("a", 1L)));
        SocketChannel _ = SocketChannel.open(UnixDomainSocketAddress.of(socket));
        SocketChannel rude = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      rude.write(ByteBuffer.wrap("rubbish\n".getBytes(StandardCharsets.UTF_8)));
      assertEquals(Map.of("a", 1L), ControlClient.ask(socket, "status", LIMIT));
    }
  }

  @Test
  void theSocketThatADeadInstanceLeftIsReplaced() throws IOException {
    Path socket = Files.createFile(dir.resolve("control.sock"));
    try (ControlServer _ = ControlServer.start(socket, Map.of("status", () -> Map.of("a", 1L)))) {
      assertEquals(Map.of("a", 1L), ControlClient.ask(socket, "status", LIMIT));
    }
  }
}
