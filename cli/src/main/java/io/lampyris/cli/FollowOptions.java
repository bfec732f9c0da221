package io.lampyris.cli;

import io.lampyris.cli.base.Durations;
import io.lampyris.cli.base.InputException;
import java.util.OptionalLong;
import picocli.CommandLine.Option;

/** What commands take that wait until what they began is done. */
final class FollowOptions {
  @Option(names = "--no-wait", description = "Return at once; the manager goes on by itself.")
  boolean noWait;

  @Option(
      names = "--timeout",
      paramLabel = "TIME",
      description =
          "Fail when it takes longer, like 90s, 30m or 12h (default: as long as it takes).")
  private String timeout = "0";

  /** 0: none. */
  long timeoutNs() throws InputException {
    OptionalLong ns = Durations.parseNs(timeout);
    if (ns.isEmpty()) {
      throw InputException.of(
          "--timeout is no time", "'" + timeout + "'", "like 90s, 30m or 12h", "correct it");
    }
    return ns.getAsLong();
  }
}
