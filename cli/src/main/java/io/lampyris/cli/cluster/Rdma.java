package io.lampyris.cli.cluster;

import io.lampyris.bindings.verbs.VerbsLibrary;
import io.lampyris.bindings.verbs.VerbsOptions;
import io.lampyris.bindings.verbs.VerbsUnavailableException;
import io.lampyris.cli.base.InputException;
import io.lampyris.reactor.BufferPool;
import io.lampyris.reactor.Counters;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.net.tcp.TcpNetwork;
import io.lampyris.reactor.net.verbs.VerbsNetwork;
import io.lampyris.reactor.net.verbs.VerbsNetworkOptions;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether a process uses RDMA beside TCP, and by which device.
 *
 * @param isOff TCP alone
 * @param device null: the first that can be used; when it is named, it has to be there
 * @param port 0: the first that is up
 * @param gidIndex -1: the best
 */
public record Rdma(boolean isOff, @Nullable String device, int port, int gidIndex) {
  private static final Logger LOG = LoggerFactory.getLogger(Rdma.class);
  static final String KEY = "cluster.rdma";
  private static final Pattern NAMED =
      Pattern.compile("([A-Za-z0-9_.-]{1,63})(?::([1-9][0-9]{0,2})(?::([0-9]{1,3}))?)?");

  static Rdma in(TomlSource source) throws InputException {
    String text = source.text(KEY, "auto");
    Matcher named = NAMED.matcher(text);
    if (!named.matches()) {
      throw source.wrong(
          KEY + " is malformed", text, "auto, off, or DEVICE[:PORT[:GID_INDEX]]", "correct it");
    }
    return switch (text) {
      case "auto" -> new Rdma(false, null, 0, -1);
      case "off" -> new Rdma(true, null, 0, -1);
      default -> new Rdma(false, named.group(1), number(named, 2, 0), number(named, 3, -1));
    };
  }

  private static int number(Matcher named, int group, int otherwise) {
    String text = named.group(group);
    return text == null ? otherwise : Integer.parseInt(text);
  }

  /** A device that is named can be used, with a reactor's memory, or nothing is begun. */
  void require() throws InputException {
    if (device != null) {
      try {
        long bufferBytes = BufferPool.arenaBytes(BufferPool.DEFAULT_CLASSES);
        LOG.info("RDMA device: {}", VerbsNetwork.probe(options(), bufferBytes));
      } catch (VerbsUnavailableException e) {
        throw InputException.because(e);
      }
    }
  }

  private VerbsOptions options() {
    return new VerbsOptions(VerbsLibrary.DEFAULT_PATH, device, port, gidIndex);
  }

  /**
   * The network that goes by RDMA where both ends can; null when it is off, or there is none here.
   *
   * @throws VerbsUnavailableException when the device that is named cannot be used
   */
  @Nullable VerbsNetwork over(TcpNetwork tcp, Reactor on, Addresses addresses, Counters counters)
      throws VerbsUnavailableException {
    if (isOff) {
      return null;
    }
    try {
      VerbsNetwork made =
          new VerbsNetwork(
              on, "verbs", VerbsNetworkOptions.of(options()), tcp, addresses, counters);
      made.onTrouble(new RdmaTroubles());
      LOG.info("calls go by RDMA where both ends can: {}", made);
      return made;
    } catch (VerbsUnavailableException e) {
      if (device != null) {
        throw e;
      }
      LOG.info("calls go by TCP; {}", e.getMessage());
      return null;
    }
  }
}
