package io.lampyris.bench.engine;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** fio's io_uring engine past the page cache, in a process of its own. */
final class Fio {
  private static final long EXTRA_MAX_S = 120;

  /**
   * fio's buffers in transparent huge pages, as ours are: a MiB of scattered pages is more segments
   * than a virtio disk takes in one request. From glibc 2.35 on; earlier ones ignore it.
   */
  private static final String HUGE_PAGES = "glibc.malloc.hugetlb=1";

  // Fields of the terse output, version 3, from 0.
  private static final int ERROR = 4;
  private static final int READ_KIB = 5;
  private static final int READ_MS = 8;
  private static final int WRITE_KIB = 46;
  private static final int WRITE_MS = 49;
  private static final int USER_PERCENT = 87;
  private static final int SYSTEM_PERCENT = 88;

  private final List<String> extra;

  /**
   * @param extra options for every measured run
   */
  Fio(List<String> extra) {
    this.extra = extra;
  }

  /** Writes incompressible bytes over a range, so that later writes find touched space. */
  void fill(Path file, long offset, long bytes) throws IOException, InterruptedException {
    List<String> command = command("fill", file, offset, bytes);
    command.addAll(
        List.of("--rw=write", "--bs=1M", "--iodepth=16", "--refill_buffers", "--end_fsync=1"));
    run(command, TimeUnit.HOURS.toSeconds(1));
  }

  /** Runs one workload for some seconds. */
  Figures measure(Workload load, Path file, long offset, long bytes, int seconds)
      throws IOException, InterruptedException {
    List<String> command = command(load.name(), file, offset, bytes);
    command.add("--rw=" + (load.writes ? "randwrite" : "randread"));
    command.add("--bs=" + load.blockBytes);
    command.add("--iodepth=" + load.depth);
    command.addAll(List.of("--norandommap", "--randrepeat=0", "--time_based"));
    command.add("--runtime=" + seconds);
    if (load.writes) {
      command.add("--fdatasync=" + load.depth);
    }
    command.addAll(extra);
    String[] fields = run(command, seconds).split(";", -1);
    if (fields.length <= SYSTEM_PERCENT || !fields[ERROR].equals("0")) {
      throw new IOException(
          "fio failed; observed=%s from %s".formatted(String.join(";", fields), command));
    }
    long kib = Long.parseLong(fields[load.writes ? WRITE_KIB : READ_KIB]);
    long ms = Long.parseLong(fields[load.writes ? WRITE_MS : READ_MS]);
    double cpu = percent(fields[USER_PERCENT]) + percent(fields[SYSTEM_PERCENT]);
    return new Figures(
        kib * 1024 / load.blockBytes,
        TimeUnit.MILLISECONDS.toNanos(ms),
        (long) (cpu * TimeUnit.MILLISECONDS.toNanos(ms)),
        0,
        0,
        0);
  }

  private static double percent(String field) {
    return Double.parseDouble(field.replace("%", "")) / 100;
  }

  private static List<String> command(String name, Path file, long offset, long bytes) {
    return new ArrayList<>(
        List.of(
            "fio",
            "--name=" + name,
            "--filename=" + file,
            "--ioengine=io_uring",
            "--direct=1",
            "--offset=" + offset,
            "--size=" + bytes,
            "--output-format=terse",
            "--terse-version=3"));
  }

  private static String run(List<String> command, long seconds)
      throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("GLIBC_TUNABLES", HUGE_PAGES);
    Process fio = builder.start();
    try {
      fio.getOutputStream().close();
      String output = new String(fio.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!fio.waitFor(seconds + EXTRA_MAX_S, TimeUnit.SECONDS) || fio.exitValue() != 0) {
        throw new IOException("fio failed; observed=%s from %s".formatted(output, command));
      }
      for (String line : output.split("\n", -1)) {
        if (line.startsWith("3;")) {
          return line;
        }
      }
      throw new IOException("fio said nothing; observed=%s from %s".formatted(output, command));
    } finally {
      fio.destroyForcibly();
    }
  }
}
