package io.lampyris.meta.kv;

import io.lampyris.reactor.kv.KeyRange;
import io.lampyris.reactor.kv.KvException;
import io.lampyris.reactor.kv.OptimisticKv;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import org.jspecify.annotations.Nullable;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.CompressionType;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.Slice;
import org.rocksdb.Snapshot;
import org.rocksdb.Status.SubCode;
import org.rocksdb.WALRecoveryMode;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;

/**
 * The embedded engine: RocksDB with its write-ahead log. A commit is one write batch that is handed
 * to the log unsynced; {@link #sync} makes the log durable. Owner: one thread.
 */
public final class RocksDbKv extends OptimisticKv {
  private static final long WRITE_BUFFER_BYTES = 16 << 20;
  private static final int WRITE_BUFFERS_MAX = 3;
  private static final long BLOCK_CACHE_BYTES = 32 << 20;
  private static final long WAL_MAX_BYTES = 128 << 20;
  private static final int OPEN_FILES_MAX = 512;

  private final LRUCache cache;
  private final BloomFilter filter;
  private final Options options;
  private final RocksDB db;
  private final ReadOptions readNow = new ReadOptions();
  private final WriteOptions unsynced = new WriteOptions().setSync(false);
  private final WriteBatch batch = new WriteBatch();

  private RocksDbKv(LRUCache cache, BloomFilter filter, Options options, RocksDB db) {
    this.cache = cache;
    this.filter = filter;
    this.options = options;
    this.db = db;
  }

  /**
   * Opens the store in a directory, which is made when it is missing.
   *
   * @throws KvException when it is corrupt, or in use by another process
   */
  public static RocksDbKv open(Path directory) {
    NativeLibrary.load();
    try {
      Files.createDirectories(directory);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    LRUCache cache = new LRUCache(BLOCK_CACHE_BYTES);
    BloomFilter filter = new BloomFilter(10, false);
    Options options = options(cache, filter);
    try {
      return new RocksDbKv(cache, filter, options, RocksDB.open(options, directory.toString()));
    } catch (RocksDBException e) {
      options.close();
      filter.close();
      cache.close();
      throw failed("open " + directory, e);
    }
  }

  private static Options options(LRUCache cache, BloomFilter filter) {
    BlockBasedTableConfig table =
        new BlockBasedTableConfig()
            .setBlockCache(cache)
            .setFilterPolicy(filter)
            .setBlockSize(8 << 10)
            .setCacheIndexAndFilterBlocks(true)
            .setPinL0FilterAndIndexBlocksInCache(true);
    return new Options()
        .setCreateIfMissing(true)
        .setTableFormatConfig(table)
        .setWriteBufferSize(WRITE_BUFFER_BYTES)
        .setMaxWriteBufferNumber(WRITE_BUFFERS_MAX)
        .setMaxTotalWalSize(WAL_MAX_BYTES)
        .setMaxBackgroundJobs(2)
        .setMaxOpenFiles(OPEN_FILES_MAX)
        .setCompressionType(CompressionType.LZ4_COMPRESSION)
        .setLevelCompactionDynamicLevelBytes(true)
        // A power cut may leave a hole in the unsynced end of the log: what lies before it is a
        // prefix of the commits with all synced ones in it, which is what I4 asks for.
        .setWalRecoveryMode(WALRecoveryMode.PointInTimeRecovery)
        .setInfoLogLevel(InfoLogLevel.WARN_LEVEL)
        .setMaxLogFileSize(1 << 20)
        .setKeepLogFileNum(4)
        .setStatsDumpPeriodSec(0)
        .setStatsPersistPeriodSec(0);
  }

  @Override
  public void sync() {
    try {
      db.flushWal(true);
    } catch (RocksDBException e) {
      throw failed("sync of the write-ahead log", e);
    }
  }

  @Override
  protected byte @Nullable [] read(@Nullable Object snapshot, byte[] key) {
    try {
      if (snapshot == null) {
        return db.get(readNow, key);
      }
      try (ReadOptions then = new ReadOptions().setSnapshot((Snapshot) snapshot)) {
        return db.get(then, key);
      }
    } catch (RocksDBException e) {
      throw failed("get", e);
    }
  }

  @Override
  protected Cursor cursor(@Nullable Object snapshot, byte[] begin, byte[] end, boolean reverse) {
    return new RocksCursor(db, (Snapshot) snapshot, begin, end, reverse);
  }

  @Override
  protected Object snapshot() {
    return db.getSnapshot();
  }

  @Override
  protected void releaseSnapshot(Object snapshot) {
    db.releaseSnapshot((Snapshot) snapshot);
  }

  @Override
  protected void apply(List<KeyRange> cleared, NavigableMap<byte[], byte @Nullable []> points) {
    try {
      batch.clear();
      for (KeyRange range : cleared) {
        batch.deleteRange(range.begin, range.end);
      }
      for (Map.Entry<byte[], byte @Nullable []> point : points.entrySet()) {
        byte[] value = point.getValue();
        if (value == null) {
          batch.delete(point.getKey());
        } else {
          batch.put(point.getKey(), value);
        }
      }
      db.write(unsynced, batch);
    } catch (RocksDBException e) {
      throw failed("commit", e);
    }
  }

  @Override
  protected void closeEngine() {
    batch.close();
    unsynced.close();
    readNow.close();
    db.close();
    options.close();
    filter.close();
    cache.close();
  }

  private static KvException failed(String what, RocksDBException cause) {
    org.rocksdb.Status status = cause.getStatus();
    boolean noSpace = status != null && status.getSubCode() == SubCode.NoSpace;
    return new KvException(
        "rocksdb failed; observed=%s: %s; remedy: see the LOG file in its directory"
            .formatted(what, cause.getMessage()),
        noSpace,
        cause);
  }

  /** An iterator with both bounds set, so that it never walks the tombstones of its neighbours. */
  private static final class RocksCursor implements Cursor {
    private final Slice lower;
    private final Slice upper;
    private final ReadOptions bounds;
    private final RocksIterator iterator;
    private final boolean reverse;

    RocksCursor(
        RocksDB db, @Nullable Snapshot snapshot, byte[] begin, byte[] end, boolean reverse) {
      this.reverse = reverse;
      lower = new Slice(begin);
      upper = new Slice(end);
      bounds = new ReadOptions().setIterateLowerBound(lower).setIterateUpperBound(upper);
      if (snapshot != null) {
        bounds.setSnapshot(snapshot);
      }
      iterator = db.newIterator(bounds);
      if (reverse) {
        iterator.seekToLast();
      } else {
        iterator.seek(begin);
      }
    }

    @Override
    public boolean isValid() {
      if (iterator.isValid()) {
        return true;
      }
      try {
        iterator.status();
        return false;
      } catch (RocksDBException e) {
        throw failed("range", e);
      }
    }

    @Override
    public byte[] key() {
      return iterator.key();
    }

    @Override
    public byte[] value() {
      return iterator.value();
    }

    @Override
    public void advance() {
      if (reverse) {
        iterator.prev();
      } else {
        iterator.next();
      }
    }

    @Override
    public void close() {
      iterator.close();
      bounds.close();
      upper.close();
      lower.close();
    }
  }
}
