package io.lampyris.cli.host;

import io.lampyris.bindings.KernelClock;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Clocks: what reading one costs, and whether the time of day is right. */
final class ClockCheck {
  private static final String SOURCES = "/sys/devices/system/clocksource/clocksource0/";

  /** Those that a program reads without a system call. */
  private static final Set<String> FAST =
      Set.of("tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter");

  private ClockCheck() {}

  static List<Finding> of(Host host) {
    return List.of(source(host.files()), synchronised(host));
  }

  private static Finding source(HostFiles files) {
    String id = "clock.source";
    String limit = "tsc, or another that is read without a system call";
    String current = files.text(SOURCES + "current_clocksource").orElse("");
    if (current.isEmpty()) {
      return Finding.info(id, "the kernel does not say", limit, "");
    }
    if (FAST.contains(current)) {
      return Finding.ok(id, current, limit);
    }
    String available = files.text(SOURCES + "available_clocksource").orElse("");
    return Finding.warn(
        id,
        current + " of " + available,
        limit,
        List.of(available.split(" ", -1)).contains("tsc")
            ? "echo tsc > " + SOURCES + "current_clocksource"
            : "dmesg | grep -i tsc    # says why the kernel gave it up; often the firmware's");
  }

  private static Finding synchronised(Host host) {
    String id = "clock.synchronised";
    String limit = "kept right by NTP or PTP: times of files are each client's own";
    Optional<KernelClock> clock = host.clock();
    if (clock.isEmpty()) {
      return Finding.info(id, "adjtimex is not allowed here", limit, "");
    }
    return clock.get().synchronised()
        ? Finding.ok(id, "yes, within %,d µs".formatted(clock.get().maxErrorUs()), limit)
        : Finding.warn(
            id,
            "no",
            limit,
            host.install(
                "chrony && systemctl enable --now chrony",
                "chrony && systemctl enable --now chronyd"));
  }
}
