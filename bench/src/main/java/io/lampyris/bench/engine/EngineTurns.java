package io.lampyris.bench.engine;

import com.sun.management.OperatingSystemMXBean;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.device.UringDevice;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * One target on one reactor that is measured whenever a line on standard input asks for it, so that
 * a script can measure it in turns with what is built on it.
 *
 * <pre>
 *   EngineTurns DIR MIB
 *   in:  read|write BLOCK_BYTES DEPTH MILLISECONDS
 *   out: operations per second, CPU time of this process per operation in µs
 * </pre>
 */
public final class EngineTurns {
  private static final long MIB = 1 << 20;

  private EngineTurns() {}

  public static void main(String[] args) throws Exception {
    Path target = Path.of(args[0]);
    int chunks = Integer.parseInt(args[1]);
    long deviceBytes = (chunks + chunks / 4 + 64) * MIB;
    TargetStore.format(target, new TargetSpec(1, 1, deviceBytes));
    TargetStore store = TargetStore.open(target, TargetOptions.defaults());
    List<Load> made = new ArrayList<>();
    try (Reactor reactor =
        Reactor.builder("bench")
            .agent(self -> {
              attach(store, self);
              made.add(new Load(self, store, chunks));
              return made.getFirst();
            })
            .start()) {
      assert reactor.threadId() != 0 : "it runs";
      Load load = made.getFirst();
      // Twice: later writes go to blocks that were written before, as those of a device in use.
      load.fill();
      load.fill();
      answer(load);
    } finally {
      store.close();
    }
  }

  private static void attach(TargetStore store, Reactor reactor) {
    try {
      store.attach(reactor, (path, direct) -> UringDevice.open(reactor, path, direct));
    } catch (StoreException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void answer(Load load) throws IOException, InterruptedException {
    var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    System.out.println("ready");
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.split(" ", -1);
      if (words.length != 4) {
        throw new IllegalArgumentException(
            "engine: wrong request; observed=%s, limit=read|write BLOCK_BYTES DEPTH MILLISECONDS;"
                    .formatted(line)
                + " remedy: ask so");
      }
      long cpuNs = system.getProcessCpuTime();
      long beginNs = System.nanoTime();
      long done =
          load.run(
              words[0].equals("write"),
              Integer.parseInt(words[1]),
              Integer.parseInt(words[2]),
              TimeUnit.MILLISECONDS.toNanos(Long.parseLong(words[3])));
      double seconds = (System.nanoTime() - beginNs) / 1e9;
      cpuNs = system.getProcessCpuTime() - cpuNs;
      System.out.printf(
          Locale.ROOT, "%.1f %.1f%n", done / seconds, cpuNs / 1e3 / Math.max(1, done));
    }
  }
}
