package io.lampyris.cli;

import io.lampyris.cli.base.FailedException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/**
 * {@code lampyris exec}, as far as it needs words: {@code bin/lampyris} replaces itself by the
 * program, so that no JVM stands between it and whoever waits for it or sends it signals.
 */
@Command(
    name = "exec",
    mixinStandardHelpOptions = true,
    description = {
      "Runs a program with reads of files on a mount going through rings.",
      "",
      "Any dynamically linked program, unchanged: a library is loaded into it (LD_PRELOAD; what is"
          + " there already stays) that takes over read, pread, readv and preadv of at least 64 KiB,"
          + " and of any size with O_DIRECT, from files of at least 2 MiB. Sequential reads are"
          + " fetched ahead. Writes, mmap, stdio and all else go by the kernel as ever, and a read"
          + " sees every write that had returned before it. Exit code and signals are the program's"
          + " own.",
      "",
      "It pays for reads in random order, several times over. What is read in order the kernel has"
          + " read ahead, and small reads through its page cache are its own, for they may be"
          + " repeated; if yours are not, let LAMPYRIS_PRELOAD_MIN_READ take them over as well.",
      "",
      "Whatever a ring cannot serve goes by the kernel. To see which reads were taken over, and why"
          + " others were not, set LAMPYRIS_PRELOAD_LOG to a file. A statically linked program"
          + " cannot be helped, and is run with a warning."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  lampyris exec dd if=/mnt/l/data of=/dev/null bs=1M",
      "  lampyris exec -- python3 train.py --data /mnt/l/data",
      "  LAMPYRIS_PRELOAD_MIN_READ=4096 lampyris exec -- python3 sample.py /mnt/l/data",
      "  LAMPYRIS_PRELOAD_LOG=/tmp/log lampyris exec sha256sum /mnt/l/data; cat /tmp/log"
    })
final class ExecCommand implements Callable<Integer> {
  @Parameters(
      arity = "1..*",
      paramLabel = "PROGRAM",
      description = "What to run, with its arguments; after -- if one of those could be an option.")
  private List<String> program = List.of();

  @Override
  public Integer call() throws FailedException {
    throw FailedException.of(
        "a JVM cannot become a program",
        "exec " + String.join(" ", program),
        "bin/lampyris, which can",
        "run bin/lampyris exec");
  }
}
