package io.lampyris.protocol.cluster;

/** What an operator can ask. Arguments are named; what is not named has its default. */
public enum AdminCommand {
  /** Health with its reasons, and counts. */
  STATUS(1, true),

  /** Every node. */
  NODE_LIST(16, true),
  /** One node with its targets: {@code node}. */
  NODE_SHOW(17, true),
  /** A node may take part: {@code node}, {@code address}, {@code domain}. */
  NODE_REGISTER(18, false),
  /** Its targets are moved elsewhere: {@code node}. */
  NODE_DRAIN(19, false),
  /** Its targets may stay, and it may take more: {@code node}. */
  NODE_UNDRAIN(20, false),
  /** It is forgotten, once nothing is on it: {@code node}. */
  NODE_DECOMMISSION(21, false),
  /** Sets tags, or clears them when their value is empty: {@code node}, {@code tag.NAME}. */
  NODE_TAG(22, false),

  /** Every target; of one {@code node} only when it is named. */
  TARGET_LIST(32, true),
  /** One target: {@code target}. */
  TARGET_SHOW(33, true),
  /** The disk under targets will be replaced: {@code target}, or {@code node} and {@code disk}. */
  TARGET_RETIRE(34, false),
  /** They may stay after all; arguments as of TARGET_RETIRE. */
  TARGET_UNRETIRE(35, false),

  /** Every chain. */
  CHAIN_LIST(48, true),
  /** One chain with its members: {@code chain}. */
  CHAIN_SHOW(49, true),
  /**
   * Makes chains of free targets: {@code replicas}, {@code targets-per-disk}, {@code seed}, and
   * {@code table}, the id of the table that lists them.
   */
  CHAIN_CREATE(50, false),
  /**
   * A chain of which nobody serves goes on with what a member holds: {@code chain}, {@code target};
   * {@code accept-loss} is the chain's version once the operator has been told what is lost.
   */
  CHAIN_FORCE(51, false),
  /** Serving members take an order: {@code chain}, {@code targets} with commas. */
  CHAIN_REORDER(52, false),
  /** Evens out chains over all nodes; {@code seed}; {@code dry-run}. */
  CHAIN_REBALANCE(53, false),

  /** Every chain table. */
  TABLE_LIST(64, true),
  /** Makes a chain table: {@code table}, {@code chains} with commas. */
  TABLE_SET(65, false),

  /** Who follows routing. */
  CLIENT_LIST(80, true),

  /** Settings in force; {@code node} for those of one node, {@code key} for one. */
  CONFIG_GET(96, true),
  /**
   * Sets keys, or clears them when their value is empty: {@code set.KEY}; {@code tag} as NAME=VALUE
   * for nodes with that tag only.
   */
  CONFIG_SET(97, false),
  /** What CONFIG_SET would do. */
  CONFIG_VERIFY(98, true);

  private final int number;
  private final boolean readOnly;

  AdminCommand(int number, boolean readOnly) {
    this.number = number;
    this.readOnly = readOnly;
  }

  public int number() {
    return number;
  }

  /** Whether it changes nothing. */
  public boolean isReadOnly() {
    return readOnly;
  }

  /** The command with this wire number. */
  public static AdminCommand of(int number) {
    for (AdminCommand command : values()) {
      if (command.number == number) {
        return command;
      }
    }
    throw new IllegalArgumentException(
        "no such command; observed=%d, limit=a known one; remedy: update the manager"
            .formatted(number));
  }
}
