package io.lampyris.cli.config;

import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What a configuration file says.
 *
 * @param targetCount empty when the file leaves it to the default
 * @param targetSizeBytes of one target; empty when the file leaves it to the default
 * @param chunkSizeBytes of new files
 * @param storage how targets are run
 * @param idle what reactors do when there is nothing to do
 * @param logLevel of the log file
 * @param logFileBytes when a log file is rolled over
 * @param logFiles how many rolled files are kept
 */
public record Configuration(
    OptionalInt targetCount,
    OptionalLong targetSizeBytes,
    int chunkSizeBytes,
    StorageSettings storage,
    Idle idle,
    LogLevel logLevel,
    long logFileBytes,
    int logFiles) {

  /** See the key {@code reactor.idle}. */
  public enum Idle {
    BLOCK,
    BACKOFF,
    SPIN
  }

  /** See the key {@code log.level}. */
  public enum LogLevel {
    TRACE,
    DEBUG,
    INFO,
    WARN,
    ERROR
  }

  /** What holds without a file. */
  public static final Configuration DEFAULT =
      new Configuration(
          OptionalInt.empty(),
          OptionalLong.empty(),
          1 << 20,
          StorageSettings.DEFAULT,
          Idle.BLOCK,
          LogLevel.INFO,
          16 << 20,
          4);

  /** The same with the targets that an instance has. */
  public Configuration withTargets(int count, long sizeBytes) {
    return new Configuration(
        OptionalInt.of(count),
        OptionalLong.of(sizeBytes),
        chunkSizeBytes,
        storage,
        idle,
        logLevel,
        logFileBytes,
        logFiles);
  }
}
