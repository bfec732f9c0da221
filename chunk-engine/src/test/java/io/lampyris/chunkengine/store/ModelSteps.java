package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.store.ChunkModel.Change;
import io.lampyris.reactor.sim.Prng;

/** What a model test does to a target, at random. */
final class ModelSteps {
  static final int INODES = 3;
  private static final int CHUNKS = 6;

  /** Updates of one chunk that wait for each other; every subset may be what a crash leaves. */
  private static final int PENDING_MAX = 3;

  private final SimWorkload client;
  private final Prng prng;

  ModelSteps(SimWorkload client, Prng prng) {
    this.client = client;
    this.prng = prng;
  }

  /** Some operations at once, mostly waited for. */
  void step() {
    int ops = 1 + prng.below(6);
    for (int i = 0; i < ops; i++) {
      operation();
    }
    if (prng.below(4) > 0) {
      client.await();
    }
  }

  private void operation() {
    ChunkKey key = new ChunkKey(prng.below(INODES), prng.below(CHUNKS));
    int chance = prng.below(108);
    if (chance < 35) {
      read(key);
    } else if (chance >= 100 || client.model(key).isInTwoSteps()) {
      inTwoSteps(key);
    } else if (chance < 38) {
      client.await();
      client.remove(key.inode(), key.index(), 1 + prng.below(3));
      client.await();
    } else if (client.model(key).pending().size() < PENDING_MAX) {
      update(key, chance);
    }
  }

  private void update(ChunkKey key, int chance) {
    int size = SimWorkload.chunkSize(key);
    int length = client.model(key).lengthToCome();
    if (chance < 65 && length > 0) {
      int offset = prng.below(length);
      client.write(key, offset, 1 + small(length - offset));
    } else if (chance < 78 && length < size) {
      client.write(key, length, 1 + small(size - length));
    } else if (chance < 84) {
      client.write(key, 0, prng.oneIn(3) ? size : 1 + prng.below(size));
    } else if (chance < 88) {
      int offset = prng.below(size);
      client.write(key, offset, 1 + prng.below(size - offset));
    } else if (chance < 95) {
      client.truncate(key, prng.below(size + 1));
    } else if (chance < 98) {
      client.extend(key, prng.below(size + 1));
    } else {
      client.retry(key);
    }
  }

  private void inTwoSteps(ChunkKey key) {
    client.await();
    ChunkModel model = client.model(key);
    if (!model.isSettled()) {
      // In doubt, in a target that has gone offline.
      return;
    }
    int way = prng.below(6);
    if (model.staged != null && way < 4) {
      client.commit(key);
    } else if (model.staged != null && way == 4) {
      client.rollBack(key);
    } else {
      client.stage(key, anyChange(key));
    }
    if (prng.below(4) > 0) {
      client.await();
      if (model.isSettled()) {
        client.readPending(key);
      }
    }
  }

  private Change anyChange(ChunkKey key) {
    int size = SimWorkload.chunkSize(key);
    int length = client.model(key).length();
    int chance = prng.below(10);
    if (chance < 5 && length > 0) {
      int offset = prng.below(length);
      return client.change(Change.Kind.WRITE, offset, 1 + small(length - offset));
    }
    if (chance < 7 && length < size) {
      return client.change(Change.Kind.WRITE, length, 1 + small(size - length));
    }
    if (chance < 8) {
      return client.change(Change.Kind.WRITE, 0, size);
    }
    Change.Kind kind = chance < 9 ? Change.Kind.TRUNCATE : Change.Kind.EXTEND;
    return client.change(kind, 1 + prng.below(size), 0);
  }

  /** Less than a limit, and mostly much less. */
  int small(int limit) {
    int shift = prng.below(Integer.SIZE - Integer.numberOfLeadingZeros(limit));
    return prng.below(limit) >> shift;
  }

  private void read(ChunkKey key) {
    int size = SimWorkload.chunkSize(key);
    if (client.model(key).suspect && !client.verifiesAll) {
      client.read(key, 0, size);
    } else {
      int offset = prng.below(size);
      client.read(key, offset, 1 + prng.below(size - offset));
    }
  }
}
