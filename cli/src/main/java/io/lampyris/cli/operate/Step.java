package io.lampyris.cli.operate;

import io.lampyris.cli.operate.ClusterView.Chain;
import java.util.List;
import java.util.stream.Collectors;

/**
 * How far an operation is.
 *
 * @param done there is nothing left to do
 * @param finished members of chains that are where they should be
 * @param total of so many
 * @param changing chains that are being changed
 * @param waits for whom or what, for people; empty: for the chains
 * @param blocked why it cannot go on by itself; empty: it can. What, observed, limit, remedy
 */
public record Step(
    boolean done, int finished, int total, int changing, String waits, List<String> blocked) {
  public Step {
    blocked = List.copyOf(blocked);
    assert blocked.isEmpty() || blocked.size() == 4 : "a message has four parts";
  }

  static Step done(int total) {
    return new Step(true, total, total, 0, "", List.of());
  }

  static Step running(int finished, int total, int changing) {
    return new Step(false, finished, total, changing, "", List.of());
  }

  static Step waiting(int finished, int total, int changing, String waits) {
    return new Step(false, finished, total, changing, waits, List.of());
  }

  Step blocked(String what, Object observed, String limit, String remedy) {
    return new Step(
        false,
        finished,
        total,
        changing,
        what,
        List.of(what, String.valueOf(observed), limit, remedy));
  }

  Step unblocked() {
    return running(finished, total, changing);
  }

  static int changing(List<Chain> chains) {
    return (int) chains.stream().filter(Chain::isChanging).count();
  }

  static String ids(List<Chain> chains) {
    return chains.stream()
        .map(chain -> String.valueOf(chain.id()))
        .collect(Collectors.joining(" "));
  }
}
