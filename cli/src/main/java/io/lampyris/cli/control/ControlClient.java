package io.lampyris.cli.control;

import io.lampyris.cli.base.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Asks a running instance. */
public final class ControlClient {
  private ControlClient() {}

  /**
   * One request and its answer.
   *
   * @throws IOException when nobody listens, or the answer does not come in time, or is an error
   */
  public static Map<String, Object> ask(Path socket, String command, Duration limit)
      throws IOException {
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      CompletableFuture<String> answer = new CompletableFuture<>();
      Thread.ofVirtual().start(() -> converse(channel, command, answer));
      String line = answer.get(limit.toMillis(), TimeUnit.MILLISECONDS);
      Map<String, Object> object = Json.parseObject(line);
      Object error = object.get("error");
      if (error != null) {
        throw new IOException(error.toString());
      }
      return object;
    } catch (TimeoutException e) {
      throw new IOException(
          "the instance does not answer; observed=nothing on %s for %d ms"
              .formatted(socket, limit.toMillis()),
          e);
    } catch (ExecutionException e) {
      throw new IOException("the control channel broke: " + e.getCause(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } catch (IllegalArgumentException e) {
      throw new IOException("the instance answered something else", e);
    }
  }

  private static void converse(
      SocketChannel channel, String command, CompletableFuture<String> answer) {
    try {
      String request = Json.write(Map.of("command", command)) + "\n";
      ByteBuffer bytes = ByteBuffer.wrap(request.getBytes(StandardCharsets.UTF_8));
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      BufferedReader lines =
          new BufferedReader(Channels.newReader(channel, StandardCharsets.UTF_8));
      String line = lines.readLine();
      if (line == null) {
        throw new IOException("closed without an answer");
      }
      answer.complete(line);
    } catch (IOException e) {
      answer.completeExceptionally(e);
    }
  }
}
