package io.lampyris.cli.embedded;

import io.lampyris.cli.rings.RingSamples;
import io.lampyris.client.BlockingFileSystem;
import io.lampyris.client.ClientCounters;
import io.lampyris.client.ClientIdentity;
import io.lampyris.client.ClientOptions;
import io.lampyris.client.Connector;
import io.lampyris.client.DataPathOptions;
import io.lampyris.client.FileSystemException;
import io.lampyris.client.ReactorDataPath;
import io.lampyris.client.RouteSource;
import io.lampyris.fuse.FuseMount;
import io.lampyris.fuse.MountException;
import io.lampyris.fuse.MountOptions;
import io.lampyris.fuse.requests.RequestAgent;
import io.lampyris.reactor.Counters;
import io.lampyris.reactor.Reactor;
import io.lampyris.usrbio.IovRegistry;
import io.lampyris.usrbio.RingServer;
import io.lampyris.usrbio.RingServerConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The client of a cluster, wherever its other parts run: a data path and rings on a reactor, files
 * for threads, and a mount. Owner: the thread that starts it.
 */
public final class ClientSide {
  private final Counters counters;
  private final ClientCounters clientCounters;
  private final ClientIdentity identity;
  private @Nullable ReactorDataPath dataPath;
  private @Nullable RingServer rings;
  private @Nullable RequestAgent requests;
  private @Nullable IovRegistry registry;

  public ClientSide(Counters counters, ClientCounters clientCounters, ClientIdentity identity) {
    this.counters = counters;
    this.clientCounters = clientCounters;
    this.identity = identity;
  }

  /** What the first agent of the client does; for a reactor's builder. */
  public ReactorDataPath dataPath(
      Reactor on, Connector connector, RouteSource routes, DataPathOptions options) {
    ReactorDataPath made =
        new ReactorDataPath(on, connector, routes, identity, clientCounters, options);
    dataPath = made;
    return made;
  }

  /** The second one. */
  public RingServer rings(Reactor on) {
    RingServer made = new RingServer(on, dataPath(), RingServerConfig.DEFAULT, counters);
    rings = made;
    return made;
  }

  /** The third one. */
  public RequestAgent requests(Reactor on) {
    RequestAgent made = new RequestAgent(on);
    requests = made;
    return made;
  }

  private ReactorDataPath dataPath() {
    ReactorDataPath made = dataPath;
    assert made != null : "the data path is made first";
    return made;
  }

  /** Files for threads that wait; the reactor runs. They are not started. */
  public BlockingFileSystem files(
      Parts parts, Connector connector, RouteSource routes, int metaNodeId, ClientOptions options) {
    BlockingFileSystem files =
        new BlockingFileSystem(
            dataPath(), connector, routes::routing, metaNodeId, identity, clientCounters, options);
    parts.onStop("file client", files);
    return files;
  }

  /** Mounts; returns when the mount answers. */
  public FuseMount mount(
      Parts parts, BlockingFileSystem files, Path at, String name, Path instanceDirectory)
      throws IOException, MountException, FileSystemException {
    RingServer server = rings;
    assert server != null : "the rings were made";
    IovRegistry opened =
        parts.add("ring registry", IovRegistry.open(server, files::openInode, instanceDirectory));
    registry = opened;
    files.onChange(opened.changes());
    RequestAgent agent = requests;
    assert agent != null : "who takes requests was made";
    return parts.add("mount", FuseMount.mount(at, files, opened, MountOptions.of(name), agent));
  }

  /** How its rings are, for the control channel. */
  public Map<String, Object> ringStatus() {
    IovRegistry opened = registry;
    return RingSamples.of(System.nanoTime(), opened == null ? List.of() : opened.rings());
  }

  /** What a client did, by the names under which its figures are shown. */
  public static Map<String, Long> figures(ClientCounters.Snapshot client) {
    Map<String, Long> all = new TreeMap<>();
    all.put("client_reads", client.readOperations());
    all.put("client_read_bytes", client.readBytes());
    all.put("client_writes", client.writeOperations());
    all.put("client_written_bytes", client.writeBytes());
    all.put("client_failures", client.failedOperations());
    all.put("client_chunk_calls", client.chunkCalls());
    all.put("client_retries", client.retries());
    all.put("client_failovers", client.failovers());
    all.put("client_damaged_payloads", client.damagedPayloads());
    all.put("client_read_ahead_hit_bytes", client.readAheadHitBytes());
    all.put("client_read_ahead_wasted_bytes", client.readAheadWastedBytes());
    all.put("client_copied_bytes", client.copiedBytes());
    all.put("client_meta_calls", client.metaCalls());
    return all;
  }
}
