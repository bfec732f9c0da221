package io.lampyris.usrbio;

import io.lampyris.client.VirtualTree.Caller;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Who registered: a process, told apart from a later one with the same number by when it started.
 * Processes in foreign pid namespaces have number 0; those of one user count as one process, so
 * that what they registered goes with the last of them, never too early.
 */
record ClientProcess(int pid, long startTicks) {
  private static final long UNKNOWN = -1;

  /** Position of the start time in /proc/PID/stat behind the name: proc(5), field 22. */
  private static final int START_FIELD = 19;

  static ClientProcess of(Caller caller) {
    if (caller.pid() <= 0) {
      return new ClientProcess(0, caller.user().uid());
    }
    int process = threadGroup(caller.pid());
    return new ClientProcess(process, startTicks(process));
  }

  /** True only if it certainly is: hidden processes never are. */
  boolean isDead() {
    return pid > 0 && startTicks != UNKNOWN && startTicks(pid) != startTicks;
  }

  /** Its name; empty when it is gone or hidden. */
  String program() {
    return isDead() || pid == 0 ? "" : read(pid, "comm").strip();
  }

  /** FUSE tells the number of the calling thread. */
  private static int threadGroup(int thread) {
    String status = read(thread, "status");
    int at = status.indexOf("\nTgid:");
    if (at < 0) {
      return thread;
    }
    int end = status.indexOf('\n', at + 1);
    return Integer.parseInt(status.substring(at + "\nTgid:".length(), end).strip());
  }

  private static long startTicks(int process) {
    String stat = read(process, "stat");
    // The name is in parentheses and may hold any character, parentheses too.
    int nameEnd = stat.lastIndexOf(") ");
    if (nameEnd < 0) {
      return UNKNOWN;
    }
    return Long.parseLong(stat.substring(nameEnd + 2).split(" ", START_FIELD + 2)[START_FIELD]);
  }

  private static String read(int process, String file) {
    try {
      byte[] bytes = Files.readAllBytes(Path.of("/proc/" + process + "/" + file));
      return new String(bytes, StandardCharsets.ISO_8859_1);
    } catch (IOException gone) {
      return "";
    }
  }
}
