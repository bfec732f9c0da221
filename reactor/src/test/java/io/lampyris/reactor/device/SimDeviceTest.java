package io.lampyris.reactor.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.bindings.NativeMemory;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.BufferPool.SizeClass;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.SimDevice;
import io.lampyris.reactor.sim.SimDisk;
import io.lampyris.reactor.sim.SimFaults;
import io.lampyris.reactor.sim.SimPower;
import io.lampyris.reactor.sim.SimReactor;
import io.lampyris.reactor.sim.Simulation;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

/** The simulated device is a device, and a cut of its power leaves what its package promises. */
final class SimDeviceTest extends DeviceConformance {
  private static final int SECTOR = SimDisk.SECTOR_BYTES;

  private final long seed = Long.getLong("seed", System.nanoTime());

  @Override
  Rig open(long sizeBytes) {
    return new SimRig(sizeBytes, seed, 4096);
  }

  private static final class SimRig implements Rig {
    final Prng prng;
    final SimPower power = SimPower.steady();
    final SimFaults faults = new SimFaults();
    final MemorySegment content;
    final SimDisk disk;
    private final Simulation simulation;
    private final SimReactor reactor;
    private final SimDevice device;

    SimRig(long sizeBytes, long seed, int alignment) {
      prng = new Prng(seed);
      simulation = new Simulation(prng);
      reactor = new SimReactor(simulation, "sim", List.of(new SizeClass(4096, 1)));
      content = NativeMemory.allocateAligned(sizeBytes);
      disk = new SimDisk(content, prng.split());
      device = new SimDevice(reactor, "disk", disk, alignment, power, faults);
    }

    @Override
    public Device device() {
      return device;
    }

    @Override
    public void run(Runnable work) {
      reactor.offer(nowNs -> work.run());
    }

    @Override
    public void await(BooleanSupplier done) {
      simulation.runUntil(done);
    }

    /** Fills sectors with a byte each and waits. */
    void write(int sector, int sectors, int value) {
      Counted request = begin(sector, sectors, value);
      await(request::isDone);
    }

    Counted begin(int sector, int sectors, int value) {
      MemorySegment bytes = NativeMemory.allocateAligned((long) sectors * SECTOR);
      bytes.fill((byte) value);
      Counted request = new Counted();
      request.transfer(IoRequest.Kind.WRITE, (long) sector * SECTOR, bytes, 0, sectors * SECTOR);
      device.submit(request);
      return request;
    }

    void cut() {
      power.cut();
      device.powerCut();
      disk.powerCut();
    }

    /** The one value that a sector is filled with. */
    int sector(int sector) {
      MemorySegment bytes = content.asSlice((long) sector * SECTOR, SECTOR);
      byte value = bytes.get(ValueLayout.JAVA_BYTE, 0);
      for (int i = 0; i < SECTOR; i++) {
        assertEquals(value, bytes.get(ValueLayout.JAVA_BYTE, i), "sectors are not torn");
      }
      return value;
    }

    @Override
    public void close() {
      device.close();
      reactor.close();
      NativeMemory.unmap(content);
    }
  }

  @Test
  void whatWasFlushedSurvivesACutAndTheRestIsOldOrNewBySector() throws Exception {
    Set<Integer> unflushedLeft = new HashSet<>();
    Set<Integer> inFlightLeft = new HashSet<>();
    Set<Boolean> torn = new HashSet<>();
    for (int round = 0; round < 200; round++) {
      try (SimRig rig = new SimRig(1 << 20, seed + round, SECTOR)) {
        rig.write(0, 16, 1);
        rig.write(64, 16, 1);
        assertEquals(0, flush(rig));
        rig.write(0, 16, 2);
        rig.write(0, 8, 3);
        rig.begin(32, 16, 4);
        rig.cut();
        Set<Integer> whole = new HashSet<>();
        for (int i = 0; i < 16; i++) {
          assertEquals(1, rig.sector(64 + i), "seed=" + (seed + round));
          unflushedLeft.add(rig.sector(i));
          inFlightLeft.add(rig.sector(32 + i));
          whole.add(rig.sector(i));
        }
        torn.add(whole.size() > 2);
      }
    }
    assertEquals(Set.of(1, 2, 3), unflushedLeft);
    assertEquals(Set.of(0, 4), inFlightLeft);
    assertEquals(Set.of(false, true), torn);
  }

  @Test
  void aWriteThatCompletedAfterAFlushWasSubmittedIsNotCoveredByIt() throws Exception {
    Set<Integer> left = new HashSet<>();
    for (int round = 0; round < 100; round++) {
      try (SimRig rig = new SimRig(1 << 20, seed + round, SECTOR)) {
        Counted flush = new Counted();
        rig.device().submit(flush.flush());
        Counted write = rig.begin(0, 1, 1);
        rig.await(() -> flush.isDone() && write.isDone());
        rig.cut();
        left.add(rig.sector(0));
      }
    }
    assertEquals(Set.of(0, 1), left);
  }

  @Test
  void everyModeOfACutComesUp() {
    Set<SimDisk.CutMode> seen = EnumSet.noneOf(SimDisk.CutMode.class);
    for (int round = 0; round < 200; round++) {
      try (SimRig rig = new SimRig(1 << 20, seed + round, SECTOR)) {
        seen.add(rig.disk.powerCut());
      }
    }
    assertEquals(EnumSet.allOf(SimDisk.CutMode.class), seen);
  }

  @Test
  void aReadBesideAWriteMaySeeHalfOfIt() {
    Set<Boolean> torn = new HashSet<>();
    for (int round = 0; round < 400; round++) {
      try (SimRig rig = new SimRig(1 << 20, seed + round, SECTOR)) {
        MemorySegment bytes = NativeMemory.allocateAligned(8 * SECTOR);
        Counted read = new Counted();
        read.transfer(IoRequest.Kind.READ, 0, bytes, 0, 8 * SECTOR);
        Counted write = rig.begin(0, 8, 1);
        rig.device().submit(read);
        rig.await(() -> read.isDone() && write.isDone());
        int ones = 0;
        for (int i = 0; i < 8; i++) {
          ones += bytes.get(ValueLayout.JAVA_BYTE, (long) i * SECTOR);
        }
        torn.add(ones > 0 && ones < 8);
        NativeMemory.unmap(bytes);
      }
    }
    assertEquals(Set.of(false, true), torn);
  }

  @Test
  void requestsOvertakeEachOther() {
    boolean overtaken = false;
    for (int round = 0; round < 20; round++) {
      try (SimRig rig = new SimRig(1 << 20, seed + round, SECTOR)) {
        Counted first = rig.begin(0, 1, 1);
        Counted second = rig.begin(8, 1, 1);
        rig.await(() -> first.isDone() || second.isDone());
        overtaken |= !first.isDone();
        rig.await(() -> first.isDone() && second.isDone());
      }
    }
    assertTrue(overtaken);
  }

  @Test
  void faultsAreErrorsOrAreWitnessed() {
    try (SimRig rig = new SimRig(1 << 20, seed, SECTOR)) {
      rig.faults.writeErrorOneIn = 1;
      Counted failed = rig.begin(0, 1, 1);
      rig.await(failed::isDone);
      assertEquals(Status.DEVICE_ERROR.code(), failed.result);
      assertEquals(0, rig.sector(0));
      rig.faults.writeErrorOneIn = 0;
      rig.faults.noSpaceOneIn = 1;
      Counted full = rig.begin(0, 1, 1);
      rig.await(full::isDone);
      assertEquals(Status.NO_SPACE.code(), full.result);
      rig.faults.noSpaceOneIn = 0;
      rig.faults.misdirectOneIn = 1;
      long[] went = {-1};
      rig.faults.witness = (meantFor, wentTo, bytes) -> went[0] = wentTo;
      rig.write(100, 1, 7);
      assertEquals(7, rig.sector((int) (went[0] / SECTOR)));
      rig.disk.flipBit(went[0], 0);
      assertEquals(6, rig.content.get(ValueLayout.JAVA_BYTE, went[0]));
    }
  }
}
