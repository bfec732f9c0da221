package io.lampyris.reactor.net;

import java.util.concurrent.locks.LockSupport;

/** A call for threads that are no reactors: sends and parks until the answer. */
public final class BlockingCall extends Call {
  private volatile boolean done;
  private volatile Thread waiter = Thread.currentThread();

  public BlockingCall(int requestCapacity, int replyCapacity) {
    super(null, requestCapacity, replyCapacity);
  }

  /**
   * Sends and waits. An interrupt does not end the wait (the payload is the service's until the
   * answer) but is kept for the caller to see.
   *
   * @return the result
   */
  public long send(Connection connection) {
    done = false;
    waiter = Thread.currentThread();
    connection.send(this);
    boolean interrupted = false;
    while (!done) {
      LockSupport.park(this);
      interrupted |= Thread.interrupted();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return result;
  }

  @Override
  protected void onReply() {
    Thread thread = waiter;
    done = true;
    LockSupport.unpark(thread);
  }
}
