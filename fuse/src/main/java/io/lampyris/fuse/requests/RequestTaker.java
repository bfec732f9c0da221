package io.lampyris.fuse.requests;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.lampyris.bindings.Epoll;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** How one thread gets the requests it has to handle. Owner: that thread. */
public final class RequestTaker implements AutoCloseable {
  private final RequestQueue queue;
  private final Epoll forKernel;
  private final Epoll forNotes;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment scratch = arena.allocate(JAVA_LONG);

  RequestTaker(RequestQueue queue) {
    this.queue = queue;
    forKernel = new Epoll(queue.fd(), queue.noteFd());
    forNotes = new Epoll(queue.noteFd());
  }

  /**
   * The next request that this thread has to handle; waits for it. Null when there will be none.
   */
  public @Nullable Request take() {
    while (true) {
      await();
      Request request = queue.takeHandedOver(scratch);
      if (request == null) {
        request = queue.takeOwn();
      }
      if (request != null || queue.isOver()) {
        return request;
      }
    }
  }

  private void await() {
    boolean kernel = queue.enterWait();
    (kernel ? forKernel : forNotes).await(-1);
    queue.leaveWait(kernel);
  }

  @Override
  public void close() {
    forKernel.close();
    forNotes.close();
    arena.close();
  }
}
