package io.lampyris.cli.config;

import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.host.NamespaceName;
import io.lampyris.chunkengine.options.Durability;
import io.lampyris.chunkengine.options.IntegrityOptions;
import io.lampyris.chunkengine.options.SpaceOptions;
import io.lampyris.cli.base.Durations;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.base.Sizes;
import io.lampyris.protocol.FileLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.tomlj.Toml;
import org.tomlj.TomlArray;
import org.tomlj.TomlInvalidTypeException;
import org.tomlj.TomlParseError;
import org.tomlj.TomlParseResult;
import org.tomlj.TomlPosition;

/** Reads a configuration file strictly, and writes one that explains itself. */
public final class ConfigurationFile {
  public static final int TARGET_COUNT_MAX = 64;

  private static final long PERIOD_MIN_NS = TimeUnit.MINUTES.toNanos(1);
  private static final long PERIOD_MAX_NS = TimeUnit.DAYS.toNanos(365);
  private static final long RATE_MIN = 64 << 10;
  private static final long RATE_MAX = 1L << 40;

  /** The reactor's buffers, and SPDK's own. */
  private static final long SPDK_MEMORY_MIN = 192L << 20;

  private static final long SPDK_MEMORY_MAX = 1L << 40;

  /** A larger part of a device than this is not a reserve. */
  private static final int RESERVE_MAX = 50;

  private final Path file;
  private final TomlParseResult toml;

  private ConfigurationFile(Path file, TomlParseResult toml) {
    this.file = file;
    this.toml = toml;
  }

  /** What the file says; keys that it leaves out have their defaults. */
  public static Configuration read(Path file) throws InputException {
    TomlParseResult toml;
    try {
      toml = Toml.parse(file);
    } catch (IOException e) {
      throw InputException.of(
          "cannot read the configuration", e, "a readable file " + file, "name another file");
    }
    ConfigurationFile parsed = new ConfigurationFile(file, toml);
    parsed.checkSyntax();
    parsed.checkKeys();
    return parsed.configuration();
  }

  /** The keys of the table {@code storage}, for files that have it among others. */
  public static Set<String> storageKeys() {
    return Arrays.stream(Key.values())
        .filter(key -> key.table().equals("storage"))
        .map(key -> key.path)
        .collect(Collectors.toUnmodifiableSet());
  }

  /** What the table {@code storage} of such a file says. */
  public static StorageSettings storageSettings(Path file, TomlParseResult toml)
      throws InputException {
    return new ConfigurationFile(file, toml).storage(StorageSettings.DEFAULT);
  }

  /** The text of a file with these values and a comment on every key. */
  public static String render(Configuration values) {
    StringBuilder text =
        new StringBuilder(
            """
            # Configuration of a Lampyris instance, read at start. A key that is not known is an error.
            # Sizes are powers of 1024: 512MiB, 10GiB, 1T.
            """);
    String table = "";
    for (Key key : Key.values()) {
      if (!key.table().equals(table)) {
        table = key.table();
        text.append("\n[").append(table).append("]\n");
      }
      key.comment.lines().forEach(line -> text.append("# ").append(line).append("\n"));
      text.append(key.lastName()).append(" = ").append(render(key, values)).append('\n');
    }
    return text.toString();
  }

  private static String render(Key key, Configuration values) {
    return switch (key) {
      case TARGET_COUNT ->
          values.targetCount().isPresent()
              ? Integer.toString(values.targetCount().getAsInt())
              : key.defaultText;
      case TARGET_SIZE ->
          values.targetSizeBytes().isPresent()
              ? quoted(Sizes.exact(values.targetSizeBytes().getAsLong()))
              : key.defaultText;
      case CHUNK_SIZE -> quoted(Sizes.exact(values.chunkSizeBytes()));
      case STORAGE_DURABILITY -> quoted(values.storage().durability().toString());
      case STORAGE_VERIFY -> quoted(name(values.storage().integrity().verify()));
      case STORAGE_SCRUB_PERIOD ->
          quoted(Durations.exact(values.storage().integrity().scrubPeriodNs()));
      case STORAGE_SCRUB_RATE ->
          quoted(Sizes.exact(values.storage().integrity().scrubBytesPerSecond()));
      case STORAGE_COMPACTION_RATE ->
          quoted(Sizes.exact(values.storage().space().compactionBytesPerSecond()));
      case STORAGE_RESERVE_LOW -> Integer.toString(values.storage().space().lowPercent());
      case STORAGE_RESERVE_REJECT -> Integer.toString(values.storage().space().rejectPercent());
      case STORAGE_DISCARD -> quoted(name(values.storage().space().discard()));
      case STORAGE_NAMESPACES ->
          values.storage().nvme().namespaces().stream()
              .map(name -> quoted(name == null ? "" : name.toString()))
              .collect(Collectors.joining(", ", "[", "]"));
      case STORAGE_SPDK_HOME -> quoted(values.storage().nvme().spdkHome());
      case STORAGE_SPDK_MEMORY -> quoted(Sizes.exact(values.storage().nvme().memoryBytes()));
      case STORAGE_SPDK_HUGE_PAGES -> Boolean.toString(values.storage().nvme().hugePages());
      case REACTOR_IDLE -> quoted(name(values.idle()));
      case LOG_LEVEL -> quoted(name(values.logLevel()));
      case LOG_FILE_SIZE -> quoted(Sizes.exact(values.logFileBytes()));
      case LOG_FILES -> Integer.toString(values.logFiles());
    };
  }

  private static String name(Enum<?> choice) {
    return choice.name().toLowerCase(Locale.ROOT);
  }

  private static String quoted(String text) {
    return '"' + text + '"';
  }

  private void checkSyntax() throws InputException {
    if (toml.hasErrors()) {
      TomlParseError first = toml.errors().getFirst();
      throw InputException.of(
          "%s, line %d: not TOML".formatted(file, first.position().line()),
          String.valueOf(first.getMessage()),
          "key = value",
          "correct that line");
    }
  }

  private void checkKeys() throws InputException {
    for (String path : toml.dottedKeySet()) {
      if (Key.named(path).isEmpty()) {
        throw InputException.of(
            "%s, line %d: there is no key '%s'".formatted(file, line(path), path),
            path,
            Arrays.stream(Key.values()).map(key -> key.path).collect(Collectors.joining(" ")),
            "the nearest key is '%s'; use that, or remove the line"
                .formatted(Key.nearest(path).path));
      }
    }
  }

  private Configuration configuration() throws InputException {
    Configuration base = Configuration.DEFAULT;
    return new Configuration(
        toml.contains(Key.TARGET_COUNT.path)
            ? OptionalInt.of((int) integer(Key.TARGET_COUNT, 1, 1, TARGET_COUNT_MAX))
            : base.targetCount(),
        isBlank(Key.TARGET_SIZE)
            ? base.targetSizeBytes()
            : OptionalLong.of(size(Key.TARGET_SIZE, 0)),
        chunkSize(base.chunkSizeBytes()),
        storage(base.storage()),
        choice(Key.REACTOR_IDLE, base.idle(), Configuration.Idle.values()),
        choice(Key.LOG_LEVEL, base.logLevel(), Configuration.LogLevel.values()),
        logFileSize(base.logFileBytes()),
        (int) integer(Key.LOG_FILES, base.logFiles(), 1, 20));
  }

  private boolean isBlank(Key key) throws InputException {
    return string(key, "").isBlank();
  }

  private int chunkSize(int otherwise) throws InputException {
    long bytes = size(Key.CHUNK_SIZE, otherwise);
    if (bytes > Integer.MAX_VALUE || !FileLayout.isChunkSize((int) bytes)) {
      throw wrong(
          Key.CHUNK_SIZE, Sizes.exact(bytes), "a power of two from 64KiB to 64MiB", "correct it");
    }
    return (int) bytes;
  }

  private StorageSettings storage(StorageSettings base) throws InputException {
    IntegrityOptions integrity =
        new IntegrityOptions(
            choice(Key.STORAGE_VERIFY, base.integrity().verify(), IntegrityOptions.Verify.values()),
            scrubPeriod(base.integrity().scrubPeriodNs()),
            rate(Key.STORAGE_SCRUB_RATE, base.integrity().scrubBytesPerSecond(), RATE_MIN));
    return new StorageSettings(
        durability(base.durability()), integrity, space(base.space()), nvme(base.nvme()));
  }

  private NvmeSettings nvme(NvmeSettings base) throws InputException {
    long memory = size(Key.STORAGE_SPDK_MEMORY, base.memoryBytes());
    if (memory < SPDK_MEMORY_MIN || memory > SPDK_MEMORY_MAX) {
      throw wrong(
          Key.STORAGE_SPDK_MEMORY,
          Sizes.exact(memory),
          Sizes.exact(SPDK_MEMORY_MIN) + " to " + Sizes.exact(SPDK_MEMORY_MAX),
          "correct it");
    }
    return new NvmeSettings(
        namespaces(),
        string(Key.STORAGE_SPDK_HOME, base.spdkHome()),
        memory,
        bool(Key.STORAGE_SPDK_HUGE_PAGES, base.hugePages()));
  }

  private List<@Nullable NamespaceName> namespaces() throws InputException {
    Key key = Key.STORAGE_NAMESPACES;
    List<@Nullable NamespaceName> names = new ArrayList<>();
    for (Object each : list(key)) {
      if (!(each instanceof String text)) {
        throw wrong(key, each, "texts in quotation marks", "put it in quotes");
      }
      try {
        names.add(text.isBlank() ? null : NamespaceName.parse(text));
      } catch (StoreException e) {
        throw InputException.because(e);
      }
    }
    for (NamespaceName name : names) {
      if (name != null && names.stream().filter(o -> o != null && o.isSame(name)).count() > 1) {
        throw wrong(key, name + " twice", "each namespace once", "correct it");
      }
    }
    return names;
  }

  private List<Object> list(Key key) throws InputException {
    try {
      TomlArray array = toml.getArray(key.path);
      return array == null ? List.of() : array.toList();
    } catch (TomlInvalidTypeException e) {
      throw wrong(key, String.valueOf(toml.get(key.path)), "a list in brackets", "correct it");
    }
  }

  private boolean bool(Key key, boolean otherwise) throws InputException {
    try {
      Boolean value = toml.getBoolean(key.path);
      return value == null ? otherwise : value;
    } catch (TomlInvalidTypeException e) {
      throw wrong(key, String.valueOf(toml.get(key.path)), "true or false", "correct it");
    }
  }

  private Durability durability(Durability otherwise) throws InputException {
    String text = string(Key.STORAGE_DURABILITY, otherwise.toString());
    Optional<Durability> parsed = Durability.parse(text);
    if (parsed.isEmpty()) {
      throw wrong(
          Key.STORAGE_DURABILITY,
          "'" + text + "'",
          "strict, none, or interval:MS with MS from 1 to " + Durability.INTERVAL_MAX_MS,
          "choose one of these; strict loses nothing");
    }
    return parsed.get();
  }

  private long scrubPeriod(long otherwise) throws InputException {
    String text = string(Key.STORAGE_SCRUB_PERIOD, Durations.exact(otherwise));
    OptionalLong parsed = Durations.parseNs(text);
    boolean allowed =
        parsed.isPresent()
            && (parsed.getAsLong() == 0
                || (parsed.getAsLong() >= PERIOD_MIN_NS && parsed.getAsLong() <= PERIOD_MAX_NS));
    if (!allowed) {
      throw wrong(
          Key.STORAGE_SCRUB_PERIOD,
          "'" + text + "'",
          "0, or 1m to 365d",
          "write it like 90m, 12h or 7d");
    }
    return parsed.getAsLong();
  }

  private SpaceOptions space(SpaceOptions base) throws InputException {
    int low = (int) integer(Key.STORAGE_RESERVE_LOW, base.lowPercent(), 0, RESERVE_MAX);
    int reject = (int) integer(Key.STORAGE_RESERVE_REJECT, base.rejectPercent(), 0, RESERVE_MAX);
    if (reject > low) {
      Key named =
          toml.contains(Key.STORAGE_RESERVE_REJECT.path)
              ? Key.STORAGE_RESERVE_REJECT
              : Key.STORAGE_RESERVE_LOW;
      throw wrong(
          named,
          "reserve_reject %d, reserve_low %d".formatted(reject, low),
          "reserve_reject not above reserve_low",
          "set both");
    }
    return new SpaceOptions(
        low,
        reject,
        rate(Key.STORAGE_COMPACTION_RATE, base.compactionBytesPerSecond(), 0),
        choice(Key.STORAGE_DISCARD, base.discard(), SpaceOptions.Discard.values()));
  }

  /** Bytes a second; 0 where the least is 0. */
  private long rate(Key key, long otherwise, long min) throws InputException {
    long bytes = size(key, otherwise);
    boolean isOff = min == 0 && bytes == 0;
    if (!isOff && (bytes < RATE_MIN || bytes > RATE_MAX)) {
      throw wrong(
          key,
          Sizes.exact(bytes),
          (min == 0 ? "0, or " : "") + Sizes.exact(RATE_MIN) + " to " + Sizes.exact(RATE_MAX),
          "correct it");
    }
    return bytes;
  }

  private long logFileSize(long otherwise) throws InputException {
    long bytes = size(Key.LOG_FILE_SIZE, otherwise);
    if (bytes < 64 << 10 || bytes > 1L << 30) {
      throw wrong(Key.LOG_FILE_SIZE, Sizes.exact(bytes), "64KiB to 1GiB", "correct it");
    }
    return bytes;
  }

  private long integer(Key key, long otherwise, long min, long max) throws InputException {
    Long value;
    try {
      value = toml.getLong(key.path);
    } catch (TomlInvalidTypeException e) {
      throw wrong(key, String.valueOf(toml.get(key.path)), "a whole number", "correct it");
    }
    if (value == null) {
      return otherwise;
    }
    if (value < min || value > max) {
      throw wrong(key, value, min + " to " + max, "correct it");
    }
    return value;
  }

  private long size(Key key, long otherwise) throws InputException {
    String text = string(key, "");
    return text.isEmpty()
        ? otherwise
        : Sizes.parse("%s, line %d: %s".formatted(file, line(key.path), key.path), text);
  }

  private <E extends Enum<E>> E choice(Key key, E otherwise, E[] choices) throws InputException {
    String text = string(key, otherwise.name());
    for (E choice : choices) {
      if (choice.name().equalsIgnoreCase(text)) {
        return choice;
      }
    }
    String names =
        Arrays.stream(choices)
            .map(choice -> choice.name().toLowerCase(Locale.ROOT))
            .collect(Collectors.joining(", "));
    throw wrong(key, "'" + text + "'", names, "choose one of these");
  }

  private String string(Key key, String otherwise) throws InputException {
    try {
      String text = toml.getString(key.path);
      return text == null ? otherwise : text;
    } catch (TomlInvalidTypeException e) {
      throw wrong(
          key, String.valueOf(toml.get(key.path)), "a text in quotation marks", "put it in quotes");
    }
  }

  private InputException wrong(Key key, Object observed, String limit, String remedy) {
    return InputException.of(
        "%s, line %d: wrong value of %s".formatted(file, line(key.path), key.path),
        observed,
        limit,
        remedy);
  }

  private int line(String path) {
    TomlPosition position = toml.inputPositionOf(path);
    return position == null ? 0 : position.line();
  }

  /** Writes the file for the first time. */
  public static void write(Path file, Configuration values) throws IOException {
    Files.writeString(file, render(values));
  }
}
