package io.lampyris.meta.service;

import io.lampyris.meta.ops.View;
import io.lampyris.meta.schema.Keys;
import io.lampyris.meta.schema.Outcome;
import io.lampyris.reactor.kv.Kv;
import io.lampyris.reactor.kv.Transaction;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Remembers what updates came to (package I4) and forgets the oldest (I5). Owner: reactor. */
final class Outcomes {
  static final int OUTCOMES_MAX = 4096;

  /** Trimming reads every outcome, so it waits for as many new ones. */
  private static final int TRIM_EVERY = 1024;

  private static final class Dated {
    final byte[] key;
    final long recordedNs;

    Dated(byte[] key, long recordedNs) {
      this.key = key;
      this.recordedNs = recordedNs;
    }
  }

  private final int max;
  private int addedSinceTrim;

  Outcomes(int max) {
    this.max = max;
  }

  /** What this channel did last; null when nothing is recorded. */
  static @Nullable Outcome last(View view, Request.Recorded request) {
    byte[] value = view.transaction().get(key(request.identity()));
    return value == null ? null : Outcome.decode(value);
  }

  /** Records a success in the transaction that it happens in. */
  void record(View view, Request.Recorded request, boolean firstOfChannel) {
    Outcome outcome =
        new Outcome(
            request.operation(), request.identity().sequence(), view.nowNs(), view.answer());
    view.transaction().put(key(request.identity()), outcome.encode());
    if (firstOfChannel) {
      addedSinceTrim++;
    }
  }

  private static byte[] key(Request.Identity identity) {
    return Keys.outcome(identity.client().high(), identity.client().low(), identity.channel());
  }

  /** Forgets the oldest outcomes when it is time to; returns whether it committed anything. */
  boolean trim(Kv kv) {
    return addedSinceTrim >= TRIM_EVERY && trimNow(kv);
  }

  boolean trimNow(Kv kv) {
    addedSinceTrim = 0;
    try (Transaction transaction = kv.begin()) {
      List<Dated> all = new ArrayList<>();
      transaction.range(
          Keys.outcomes(),
          Keys.end(Keys.outcomes()),
          Integer.MAX_VALUE,
          false,
          (key, value) -> all.add(new Dated(key, Outcome.decode(value).recordedNs())));
      if (all.size() <= max) {
        return false;
      }
      all.sort(Comparator.comparingLong(dated -> dated.recordedNs));
      for (Dated old : all.subList(0, all.size() - max)) {
        transaction.clear(old.key);
      }
      return transaction.commit() != Transaction.CONFLICT;
    }
  }
}
