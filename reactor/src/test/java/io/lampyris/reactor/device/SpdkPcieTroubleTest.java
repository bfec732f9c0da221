package io.lampyris.reactor.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.spdk.SpdkEnvironment;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.testkit.SpdkPcie;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What goes wrong with a controller on a bus in the middle of work. In the virtual rig, with three
 * controllers: two are lost.
 */
@Timeout(120)
class SpdkPcieTroubleTest {
  private static final int MORE = 300;
  private static final SpdkController.Patience SHORT =
      new SpdkController.Patience(TimeUnit.SECONDS.toNanos(2), TimeUnit.SECONDS.toNanos(8));

  @SuppressWarnings("NullAway.Init")
  private static SpdkEnvironment environment;

  @BeforeAll
  static void load() throws IOException {
    environment = SpdkPcie.environment();
  }

  private static SpdkRig open(int controller) throws Exception {
    return new SpdkRig(environment, SpdkPcie.transportId(controller), 1, SHORT);
  }

  private static void goesOnAfter(SpdkRig rig, String... request) throws Exception {
    SpdkLoad load = new SpdkLoad(rig);
    load.awaitMore(MORE);
    SpdkPcie.host(request);
    rig.await(() -> rig.controller.resets() > 0);
    if (request[0].equals("slow")) {
      SpdkPcie.host("slow", request[1], "0");
    }
    load.awaitMore(MORE);
    load.end();
    assertEquals(0, load.errors.get());
    assertEquals(0, load.wrong.get());
    assertTrue(rig.device.resent() > 0, "something was in flight");
  }

  @Test
  void aControllerThatForgetsItsQueuesIsResetAndGoesOn() throws Exception {
    try (SpdkRig rig = open(0)) {
      goesOnAfter(rig, "reset", "nv0");
    }
  }

  /** An operation in ten seconds is as good as none. */
  @Test
  void aControllerThatHangsIsResetAndGoesOn() throws Exception {
    try (SpdkRig rig = open(0)) {
      goesOnAfter(rig, "slow", "nv0n1", "1");
      assertTrue(rig.device.timeouts() > 0);
    }
  }

  private static void answersErrorsAfter(String how, int controller) throws Exception {
    try (SpdkRig rig = open(controller)) {
      SpdkLoad load = new SpdkLoad(rig);
      load.awaitMore(MORE);
      SpdkPcie.host(how, "nv" + controller);
      rig.await(() -> load.running.get() == 0);
      assertEquals(SpdkLoad.BLOCKS, load.errors.get());
      assertEquals(0, load.wrong.get());
      MemorySegment memory = NativeMemory.allocateAligned(4096);
      assertEquals(
          Status.DEVICE_ERROR.code(),
          DeviceConformance.one(rig, IoRequest.Kind.READ, 0, memory, 4096));
      assertEquals(Status.DEVICE_ERROR.code(), DeviceConformance.flush(rig));
      NativeMemory.unmap(memory);
    }
  }

  @Test
  void aControllerWithoutPowerAnswersErrorsAndNothingHangs() throws Exception {
    answersErrorsAfter("cut", 1);
  }

  @Test
  void aControllerThatIsTakenOutAnswersErrorsAndNothingHangs() throws Exception {
    answersErrorsAfter("unplug", 2);
  }
}
