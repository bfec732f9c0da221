package io.lampyris.cli.embedded;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** How to start this program again with the flags it was started with. */
public final class SelfCommand {
  private static final String MAIN = "io.lampyris.cli.Main";

  private SelfCommand() {}

  /**
   * Java, its flags and the main class; the arguments follow.
   *
   * @param errors where a crash report goes
   */
  public static List<String> java(Path errors) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    for (String flag : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
      if (!flag.startsWith("-XX:ErrorFile=") && !flag.startsWith("-agentlib")) {
        command.add(flag);
      }
    }
    command.add("-XX:ErrorFile=" + errors.resolve("hs_err_%p.log"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), MAIN));
    return command;
  }
}
