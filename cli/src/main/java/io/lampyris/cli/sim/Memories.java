package io.lampyris.cli.sim;

import io.lampyris.chunkengine.chain.ChainTarget;
import io.lampyris.mgmtd.state.StateStore;
import io.lampyris.protocol.LocalState;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Routing.TargetState;
import io.lampyris.protocol.lease.LeaseTerms;
import io.lampyris.reactor.kv.Kv;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Which processes remember the updates that passed through a chain. A chunk's own record has its
 * last update; the others are in the memory of the chain's members, who tell them to whom they copy
 * to, and are forgotten when none of them serves any more. Looked at whenever managers decide and
 * processes end. Owner: the simulation's thread.
 */
final class Memories {
  /** What is known of one chain. */
  private static final class Memory {
    /** Members that serve and remember, by target, with the life of their process. */
    final Map<Long, Integer> members = new HashMap<>();

    Set<Long> serving = Set.of();
    int generation;
  }

  private final StateStore decided;
  private final Map<Integer, Memory> memories = new TreeMap<>();

  /**
   * @param store where managers write down what they decide
   */
  Memories(Kv store) {
    decided = new StateStore(store);
  }

  /** Which memory a chain goes by; another one when the last that had it is gone. */
  int of(int chainId) {
    Memory memory = memories.get(chainId);
    return memory == null ? 0 : memory.generation;
  }

  /**
   * @param machines whose processes are there
   */
  void look(List<StorageMachine> machines) {
    Map<Long, Integer> lives = new HashMap<>();
    Set<Long> whole = new HashSet<>();
    for (StorageMachine machine : machines) {
      for (ChainTarget target : machine.hosted()) {
        lives.put(target.targetId(), machine.lives);
        if (target.localState() == LocalState.UP_TO_DATE) {
          whole.add(target.targetId());
        }
      }
    }
    Routing routing = decided.load(LeaseTerms.DEFAULT).routing();
    for (Routing.Chain chain : routing.chains().values()) {
      Memory memory = memories.computeIfAbsent(chain.id(), id -> new Memory());
      look(memory, serving(routing, chain), lives, whole);
    }
  }

  private static void look(
      Memory memory, Set<Long> serving, Map<Long, Integer> lives, Set<Long> whole) {
    memory
        .members
        .entrySet()
        .removeIf(member ->
            !serving.contains(member.getKey())
                || !member.getValue().equals(lives.get(member.getKey())));
    boolean anew = memory.members.isEmpty();
    for (Long targetId : serving) {
      Integer life = lives.get(targetId);
      boolean promoted = !memory.serving.contains(targetId) && whole.contains(targetId);
      if (life != null && (anew || promoted)) {
        memory.members.put(targetId, life);
      }
    }
    memory.generation += anew ? 1 : 0;
    memory.serving = serving;
  }

  private static Set<Long> serving(Routing routing, Routing.Chain chain) {
    Set<Long> serving = new HashSet<>();
    for (Long targetId : chain.targetIds()) {
      Routing.Target target = routing.targets().get(targetId);
      if (target != null && target.state() == TargetState.SERVING) {
        serving.add(targetId);
      }
    }
    return serving;
  }
}
