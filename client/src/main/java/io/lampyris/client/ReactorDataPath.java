package io.lampyris.client;

import io.lampyris.reactor.Agent;
import io.lampyris.reactor.ReactorContext;

/**
 * The data path on one reactor. Owner: reactor.
 *
 * <p>A file range becomes one call per chunk, all sent at once as far as the window allows; their
 * payloads are parts of the caller's own memory, or copies when others can shrink that. Writes to
 * one chunk reach storage in the order in which they were submitted, as long as none has to be sent
 * again: who needs the order of overlapping writes waits for the first, as POSIX asks for as well.
 *
 * <p>Nothing is allocated per operation once the pools are warm; the one exception is a write from
 * memory that the 64 views of {@link PayloadCrc} do not cover (about 100 bytes).
 */
public final class ReactorDataPath implements DataPath, Agent {
  private final ChunkClient client;
  private final ChunkOperations chunks;
  private final ClientCounters counters;
  private final DataPathOptions options;

  /**
   * @param context the reactor that runs this agent
   * @param connector ways to storage nodes, asked for on the reactor
   */
  public ReactorDataPath(
      ReactorContext context,
      Connector connector,
      RouteSource routes,
      ClientIdentity identity,
      ClientCounters counters,
      DataPathOptions options) {
    this.client = new ChunkClient(context, connector, routes, identity, counters, options);
    this.chunks = new ChunkOperations(client);
    this.counters = counters;
    this.options = options;
  }

  @Override
  public void submit(FileIo io) {
    if (!io.isInternal() && !io.flushed) {
      OpenInode.WriteBack buffered = io.inode.dirtyWriteBack();
      if (buffered != null) {
        buffered.flushBefore(io);
        return;
      }
    }
    io.begin(counters, options.pieceMaxBytes());
    client.submit(io);
  }

  @Override
  public int inFlight() {
    return client.inFlight();
  }

  /** Truncation, removal and queries of chunks. */
  public ChunkOperations chunks() {
    return chunks;
  }

  public ReactorContext context() {
    return client.context();
  }

  @Override
  public String roleName() {
    return "data-path";
  }

  @Override
  public int doWork(long nowNs) {
    return client.hasWork() ? client.drain() : 0;
  }

  @Override
  public boolean mayBlock(long nowNs) {
    return !client.hasWork();
  }
}
