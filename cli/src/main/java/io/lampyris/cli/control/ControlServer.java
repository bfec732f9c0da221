package io.lampyris.cli.control;

import io.lampyris.cli.base.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Answers requests on DIR/control.sock until it is closed. */
public final class ControlServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ControlServer.class);
  private static final int CONNECTIONS_MAX = 64;

  private final Path socket;
  private final ServerSocketChannel server;
  private final Map<String, Supplier<Map<String, Object>>> commands;
  private final Set<SocketChannel> connections = ConcurrentHashMap.newKeySet();

  private ControlServer(
      Path socket,
      ServerSocketChannel server,
      Map<String, Supplier<Map<String, Object>>> commands) {
    this.socket = socket;
    this.server = server;
    this.commands = Map.copyOf(commands);
  }

  /**
   * Binds the socket, in place of one that a dead instance left behind, and answers from now on.
   */
  public static ControlServer start(
      Path socket, Map<String, Supplier<Map<String, Object>>> commands) throws IOException {
    Files.deleteIfExists(socket);
    ServerSocketChannel channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    channel.bind(UnixDomainSocketAddress.of(socket));
    Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-------"));
    ControlServer server = new ControlServer(socket, channel, commands);
    Thread.ofVirtual().name("control").start(server::acceptAll);
    return server;
  }

  private void acceptAll() {
    try {
      while (true) {
        SocketChannel connection = server.accept();
        if (connections.size() >= CONNECTIONS_MAX) {
          connection.close();
          continue;
        }
        connections.add(connection);
        Thread.ofVirtual().name("control-connection").start(() -> serve(connection));
      }
    } catch (ClosedChannelException e) {
      LOG.debug("control channel closed");
    } catch (IOException e) {
      LOG.warn("control channel is lost; status will not answer", e);
    }
  }

  private void serve(SocketChannel connection) {
    try (connection;
        BufferedReader lines =
            new BufferedReader(Channels.newReader(connection, StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        ByteBuffer answer =
            ByteBuffer.wrap((Json.write(answer(line)) + "\n").getBytes(StandardCharsets.UTF_8));
        while (answer.hasRemaining()) {
          connection.write(answer);
        }
      }
    } catch (IOException e) {
      LOG.debug("control connection broke", e);
    } finally {
      connections.remove(connection);
    }
  }

  private Map<String, Object> answer(String line) {
    try {
      Object name = Json.parseObject(line).getOrDefault("command", "");
      Supplier<Map<String, Object>> command = commands.get(String.valueOf(name));
      return command == null
          ? Map.of(
              "error", "no such command; observed=%s, limit=%s".formatted(name, commands.keySet()))
          : command.get();
    } catch (RuntimeException e) {
      LOG.warn("control request failed: {}", line, e);
      return Map.of("error", String.valueOf(e.getMessage()));
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
    for (SocketChannel connection : connections) {
      connection.close();
    }
    Files.deleteIfExists(socket);
  }
}
