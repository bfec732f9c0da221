package io.lampyris.mgmtd.lease;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.protocol.lease.Grant;
import io.lampyris.protocol.lease.HeldLease;
import io.lampyris.protocol.lease.LeaseTerms;
import io.lampyris.reactor.sim.Prng;
import java.util.List;
import org.junit.jupiter.api.Test;

class LeaseTest {
  private static final LeaseTerms TERMS = LeaseTerms.DEFAULT;
  private static final long MS = 1_000_000;
  private static final long SEED = Long.getLong("seed", 20_261_121L);

  /** A clock that starts anywhere and runs at its own rate. */
  private record Skewed(long startNs, int ppm) {
    long at(long trueNs) {
      return startNs + trueNs + (long) (trueNs / 1e6 * ppm);
    }
  }

  /** True time from the node's last moment to the manager's decision; negative: too early. */
  private static long marginNs(Skewed node, Skewed manager, Prng random) {
    HeldLease held = new HeldLease(TERMS, 5);
    GrantedLeases granted = new GrantedLeases(TERMS);
    long now = 0;
    for (int i = 0; i < 4; i++) {
      long sequence = held.ask(node.at(now));
      now += random.below(400) * MS;
      Renewal renewal = granted.renew(1, 5, sequence, manager.at(now), 3);
      boolean lost = i == 3 && random.coin();
      if (!lost && renewal instanceof Renewal.Granted answer) {
        held.onGrant(answer.grant(), node.at(now + random.below(300) * MS));
      }
      now += random.below(500) * MS;
    }
    long last = now;
    while (granted.mayHold(1)) {
      last = held.mayServe(node.at(now), 3) ? now : last;
      now += MS / 4;
      granted.expire(manager.at(now));
    }
    return held.mayServe(node.at(now), 3) ? -1 : now - last;
  }

  @Test
  void aNodeHasStoppedBeforeItIsDeclaredFailedWhateverTheClocksDo() {
    Prng random = new Prng(SEED);
    long least = Long.MAX_VALUE;
    for (int run = 0; run < 2_000; run++) {
      int worst = TERMS.driftPpm();
      int nodePpm = run % 3 == 0 ? -worst : random.between(-worst, worst + 1);
      int managerPpm = run % 3 == 0 ? worst : random.between(-worst, worst + 1);
      Skewed node = new Skewed(random.nextLong(), nodePpm);
      Skewed manager = new Skewed(random.nextLong(), managerPpm);
      long margin = marginNs(node, manager, random);
      assertTrue(margin >= 0, "I1: seed=" + SEED + " run=" + run);
      least = Math.min(least, margin);
    }
    System.out.println("least margin in ns: " + least + " seed=" + SEED);
  }

  @Test
  void clocksBeyondTheBoundWouldBeFound() {
    Prng random = new Prng(SEED);
    int early = 0;
    for (int run = 0; run < 300; run++) {
      Skewed node = new Skewed(0, -200_000);
      Skewed manager = new Skewed(0, 200_000);
      early += marginNs(node, manager, random) < 0 ? 1 : 0;
    }
    assertTrue(early > 0, "the rig cannot fail");
  }

  @Test
  void theDefaultsLeaveTimeForANewChainWithinFiveSeconds() {
    long decision = TERMS.deathToDecisionNs();
    System.out.println("death to decision, worst: " + decision / MS + " ms");
    assertTrue(decision < 3_000 * MS, "I5: " + decision);
  }

  @Test
  void aReturningNodeServesNothingUnderRoutingOlderThanItsGrant() {
    HeldLease held = new HeldLease(TERMS, 1);
    GrantedLeases granted = new GrantedLeases(TERMS);
    assertFalse(held.mayServe(0, 7));
    held.onGrant(grant(granted.renew(4, 1, held.ask(0), 10, 7)), 20);
    assertTrue(held.mayServe(21, 7));
    assertFalse(held.mayServe(TERMS.durationNs(), 7));
    assertEquals(List.of(4), granted.expire(10 + TERMS.waitNs()));
    assertEquals(List.of(), granted.expire(11 + TERMS.waitNs()));
    long back = 3 * TERMS.durationNs();
    Renewal renewal = granted.renew(4, 1, held.ask(back), back, 9);
    assertTrue(renewal instanceof Renewal.Granted again && again.returned());
    assertTrue(held.onGrant(grant(renewal), back));
    assertFalse(held.mayServe(back, 7), "I2");
    assertTrue(held.mayServe(back, 9));
  }

  @Test
  void delayedRequestsAndReplacedProcessesGetNothing() {
    GrantedLeases granted = new GrantedLeases(TERMS);
    granted.renew(4, 1, 8, 0, 1);
    assertInstanceOf(Renewal.Refused.class, granted.renew(4, 1, 8, 1, 1), "I3");
    assertInstanceOf(Renewal.Granted.class, granted.renew(4, 2, 1, 2, 1));
    assertInstanceOf(Renewal.Refused.class, granted.renew(4, 1, 9, 3, 1), "I3");
  }

  @Test
  void aGrantThatComesTooLateOrForAnotherProcessGivesNothing() {
    HeldLease held = new HeldLease(TERMS, 2);
    long sequence = held.ask(0);
    assertFalse(held.onGrant(new Grant(1, 1, sequence, 1), 1));
    assertFalse(held.onGrant(new Grant(1, 2, sequence + 16, 1), 1));
    assertFalse(held.onGrant(new Grant(1, 2, sequence, 1), TERMS.durationNs()));
    assertFalse(held.mayServe(1, 1));
  }

  @Test
  void aManagerThatTakesOverWaitsForLeasesThatItDidNotGrant() {
    GrantedLeases granted = new GrantedLeases(TERMS);
    granted.presume(List.of(2, 1), 100);
    assertTrue(granted.mayHold(1), "I4");
    assertEquals(List.of(), granted.expire(99 + TERMS.waitNs()));
    assertEquals(List.of(1, 2), granted.expire(100 + TERMS.waitNs()));
  }

  @Test
  void aManagerThatSleptWaitsForThoseWhoMayHaveRenewedMeanwhile() {
    GrantedLeases granted = new GrantedLeases(TERMS);
    granted.presume(List.of(1), 0);
    assertEquals(List.of(1), granted.expire(TERMS.waitNs()));
    granted.renew(2, 1, 1, TERMS.waitNs(), 1);
    long awakeNs = 5 * TERMS.waitNs();
    granted.wakeUp(awakeNs);
    assertFalse(granted.mayHold(1), "who was declared failed stays so");
    assertEquals(List.of(), granted.expire(awakeNs + TERMS.waitNs() - 1));
    assertEquals(List.of(2), granted.expire(awakeNs + TERMS.waitNs()));
  }

  @Test
  void termsThatCannotWorkAreRefusedWithARemedy() {
    List<Runnable> wrong =
        List.of(
            () -> new LeaseTerms(0, 1, 1, 0),
            () -> new LeaseTerms(100, 34, 1, 0),
            () -> new LeaseTerms(100, 10, 0, 0),
            () -> new LeaseTerms(100, 10, 1, 100_001));
    for (Runnable make : wrong) {
      IllegalArgumentException refused = assertThrows(IllegalArgumentException.class, make::run);
      assertTrue(String.valueOf(refused.getMessage()).contains("remedy: "));
    }
  }

  private static Grant grant(Renewal renewal) {
    return assertInstanceOf(Renewal.Granted.class, renewal).grant();
  }
}
