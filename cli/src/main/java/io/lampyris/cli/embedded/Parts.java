package io.lampyris.cli.embedded;

import java.util.ArrayDeque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What has been started, to be stopped in the reverse order (I1). */
public final class Parts implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Parts.class);

  private record Part(String name, AutoCloseable stop) {}

  private final ArrayDeque<Part> started = new ArrayDeque<>();

  public <T extends AutoCloseable> T add(String name, T part) {
    onStop(name, part);
    return part;
  }

  public void onStop(String name, AutoCloseable stop) {
    LOG.info("started: {}", name);
    started.push(new Part(name, stop));
  }

  /** One part that does not stop keeps none of the others from it. */
  @Override
  public void close() {
    while (!started.isEmpty()) {
      Part part = started.pop();
      long beganNs = System.nanoTime();
      try {
        part.stop.close();
        LOG.info("stopped: {} in {} ms", part.name, (System.nanoTime() - beganNs) / 1_000_000);
      } catch (Exception e) {
        LOG.error("{} did not stop cleanly", part.name, e);
      }
    }
  }
}
