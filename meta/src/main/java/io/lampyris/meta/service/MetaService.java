package io.lampyris.meta.service;

import io.lampyris.meta.ops.Bootstrap;
import io.lampyris.meta.ops.InodeNumbers;
import io.lampyris.meta.ops.LayoutPolicy;
import io.lampyris.meta.ops.View;
import io.lampyris.meta.schema.CorruptValueException;
import io.lampyris.meta.schema.Outcome;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.Agent;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.kv.Kv;
import io.lampyris.reactor.kv.KvException;
import io.lampyris.reactor.kv.Transaction;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Service;
import java.util.ArrayDeque;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The metadata service; see the package for what is answered when. Owner: its reactor. */
public final class MetaService implements Service, Agent {
  /** What the reactor may be late with a sync that nobody waits for. */
  static final long SYNC_DELAY_MAX_NS = 4_000_000;

  private static final Logger LOG = LoggerFactory.getLogger(MetaService.class);

  /** Within one process nothing conflicts; over a remote store this bounds the retries. */
  private static final int ATTEMPTS_MAX = 16;

  private final ReactorContext context;
  private final Kv kv;
  private final LayoutPolicy layouts;
  private final LongSupplier wallClockNs;
  private final InodeNumbers numbers;
  private final Outcomes outcomes = new Outcomes(Outcomes.OUTCOMES_MAX);
  private final RequestDecoder decoder = new RequestDecoder();
  private final Operations operations = new Operations();

  /** Answered calls that wait for the sync, with their results in them; in order (I2). */
  private final ArrayDeque<Call> waiting = new ArrayDeque<>();

  /** Something was committed since the last sync. */
  private boolean unsynced;

  /** Of the last commit that changed something; one that only read answers the same version. */
  private long lastVersion;

  private long timer;
  private boolean timerSet;
  private long failure;
  private boolean saidNoChains;

  /** Like the other constructor, with a root of mode 0755 that belongs to uid 0. */
  public MetaService(
      ReactorContext context, Kv kv, LayoutPolicy layouts, LongSupplier wallClockNs) {
    this(context, kv, layouts, wallClockNs, Bootstrap.Root.DEFAULT);
  }

  /**
   * Prepares the store, and makes the root directory on first use.
   *
   * @param kv stays the caller's, who closes it after the reactor
   * @param wallClockNs since the epoch
   * @throws IllegalStateException when the store has another schema version
   */
  public MetaService(
      ReactorContext context,
      Kv kv,
      LayoutPolicy layouts,
      LongSupplier wallClockNs,
      Bootstrap.Root root) {
    this.context = context;
    this.kv = kv;
    this.layouts = layouts;
    this.wallClockNs = wallClockNs;
    this.numbers = new InodeNumbers(kv);
    Bootstrap.prepare(kv, root, wallClockNs.getAsLong());
    unsynced = outcomes.trimNow(kv);
  }

  @Override
  public String roleName() {
    return "meta";
  }

  @Override
  public void onCall(Call call) {
    if (call.deadlineNs <= context.nowNs()) {
      // Its sender has given it up, and may have tried again.
      call.reply(Status.TIMEOUT.code());
      return;
    }
    call.result = failure != 0 ? failure : executeGuarded(call);
    if (!waiting.isEmpty()) {
      waiting.add(call);
    } else if (unsynced && call.result >= 0 && operations.promisesDurability()) {
      waiting.add(call);
    } else {
      syncLater();
      call.reply(call.result);
    }
  }

  private long executeGuarded(Call call) {
    operations.reset();
    call.replyLength = 0;
    try {
      return execute(call, decoder.decode(call));
    } catch (Request.Malformed e) {
      return Status.INVALID_ARGUMENT.code();
    } catch (LayoutPolicy.NoChainsException e) {
      if (!saidNoChains) {
        // Clients try again and again until there are; once there are, there always are.
        saidNoChains = true;
        LOG.warn("{}", e.getMessage());
      }
      return Status.BUSY.code();
    } catch (CorruptValueException e) {
      LOG.error("metadata is corrupt: {}", e.getMessage(), e);
      return Status.DATA_CORRUPTION.code();
    } catch (KvException e) {
      LOG.error("metadata store failed: {}", e.getMessage(), e);
      return statusOf(e);
    }
  }

  private static long statusOf(KvException e) {
    return e.isNoSpace() ? Status.NO_SPACE.code() : Status.DEVICE_ERROR.code();
  }

  private long execute(Call call, Request request) {
    numbers.refill();
    for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      Transaction transaction = kv.begin();
      try (View view = new View(transaction, numbers, layouts, wallClockNs.getAsLong())) {
        long result = executeOnce(call, request, view);
        if (result < 0 || operations.isReadOnly()) {
          return result;
        }
        long version = view.commit();
        if (version != Transaction.CONFLICT) {
          unsynced |= version > lastVersion;
          lastVersion = version;
          return result;
        }
      }
    }
    return Status.BUSY.code();
  }

  /** One attempt; a retry of what is recorded is answered from the record (I4). */
  private long executeOnce(Call call, Request request, View view) {
    if (!(request instanceof Request.Recorded recorded) || !recorded.identity().isRetried()) {
      return operations.execute(call, request, view);
    }
    Outcome last = Outcomes.last(view, recorded);
    long sequence = recorded.identity().sequence();
    if (last != null && last.sequence() > sequence) {
      return Status.CANCELLED.code();
    }
    if (last != null && last.sequence() == sequence) {
      return operations.repeat(call, recorded, last);
    }
    long result = operations.execute(call, request, view);
    if (result >= 0) {
      outcomes.record(view, recorded, last == null);
    }
    return result;
  }

  @Override
  public int doWork(long nowNs) {
    int answered = waiting.size();
    if (answered > 0) {
      sync();
      for (int i = 0; i < answered; i++) {
        Call call = waiting.remove();
        call.reply(call.result);
      }
    }
    return answered;
  }

  private void sync() {
    try {
      if (failure == 0) {
        unsynced |= outcomes.trim(kv);
        kv.sync();
        unsynced = false;
      }
    } catch (KvException e) {
      LOG.error("metadata is not durable, the service stops answering: {}", e.getMessage(), e);
      failure = statusOf(e);
    }
    if (failure != 0) {
      for (Call call : waiting) {
        call.result = failure;
        call.replyLength = 0;
      }
    }
    if (timerSet) {
      timerSet = false;
      context.timers().cancel(timer);
    }
  }

  /** Nobody waits for what was committed, but it does not stay unsynced either (I3). */
  private void syncLater() {
    if (unsynced && !timerSet) {
      timerSet = true;
      timer = context.timers().schedule(context.nowNs() + SYNC_DELAY_MAX_NS, this::onTimer);
    }
  }

  private void onTimer(long nowNs) {
    timerSet = false;
    if (waiting.isEmpty() && unsynced) {
      sync();
    }
  }

  @Override
  public boolean mayBlock(long nowNs) {
    return waiting.isEmpty();
  }

  /** Syncs what is left, and answers whoever waits. */
  @Override
  public void onClose() {
    if (waiting.isEmpty() && unsynced) {
      sync();
    }
    doWork(context.nowNs());
  }
}
