package io.lampyris.mgmtd.service;

import io.lampyris.mgmtd.chain.Member;
import io.lampyris.mgmtd.state.ChainInfo;
import io.lampyris.mgmtd.state.ClusterState;
import io.lampyris.mgmtd.state.DeposedException;
import io.lampyris.mgmtd.state.Draft;
import io.lampyris.mgmtd.state.NodeInfo;
import io.lampyris.mgmtd.state.TargetInfo;
import io.lampyris.protocol.cluster.AdminAnswer;
import io.lampyris.protocol.cluster.AdminCommand;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;

/** Carries out one operator's command. Owner: the manager's reactor. */
final class Admin {
  private final Primary primary;
  private final Arguments arguments;

  Admin(Primary primary, SortedMap<String, String> arguments) {
    this.primary = primary;
    this.arguments = new Arguments(arguments);
  }

  AdminAnswer run(AdminCommand command) throws RefusedException, DeposedException {
    Views views = new Views(primary, arguments);
    AdminChains chains = new AdminChains(primary, arguments);
    AdminConfig config = new AdminConfig(primary, arguments);
    return switch (command) {
      case STATUS -> new Health(primary).answer();
      case NODE_LIST -> views.nodes();
      case NODE_SHOW -> views.targetsOf(node().id());
      case NODE_REGISTER -> register();
      case NODE_DRAIN -> put(node().in(NodeInfo.Phase.DRAINING), drainingWhat());
      case NODE_UNDRAIN -> put(node().in(NodeInfo.Phase.ACTIVE), "may keep its targets");
      case NODE_DECOMMISSION -> decommission();
      case NODE_TAG -> put(node().tagged(arguments.behind("tag.")), "has these tags now");
      case TARGET_LIST -> views.targets();
      case TARGET_SHOW -> views.target(target().id());
      case TARGET_RETIRE -> retire(true);
      case TARGET_UNRETIRE -> retire(false);
      case CHAIN_LIST -> views.chains();
      case CHAIN_SHOW -> views.members(chain());
      case CHAIN_CREATE -> chains.create();
      case CHAIN_FORCE -> chains.force(chain());
      case CHAIN_REORDER -> chains.reorder(chain());
      case CHAIN_REBALANCE -> chains.rebalance();
      case TABLE_LIST -> views.tables();
      case TABLE_SET -> chains.setTable();
      case CLIENT_LIST -> views.clients();
      case CONFIG_GET -> config.get();
      case CONFIG_SET -> config.set(false);
      case CONFIG_VERIFY -> config.set(true);
    };
  }

  private ClusterState state() {
    return primary.state();
  }

  private NodeInfo node() throws RefusedException {
    int id = arguments.id("node");
    NodeInfo node = state().nodes().get(id);
    if (node == null) {
      throw RefusedException.because("no such node", id, "a known one", "node list");
    }
    return node;
  }

  private TargetInfo target() throws RefusedException {
    long id = arguments.whole("target");
    TargetInfo target = state().targets().get(id);
    if (target == null) {
      throw RefusedException.because("no such target", id, "a known one", "target list");
    }
    return target;
  }

  private ChainInfo chain() throws RefusedException {
    int id = arguments.id("chain");
    ChainInfo chain = state().chains().get(id);
    if (chain == null) {
      throw RefusedException.because("no such chain", id, "a known one", "chain list");
    }
    return chain;
  }

  private AdminAnswer register() throws RefusedException, DeposedException {
    int id = arguments.id("node");
    NodeInfo known = state().nodes().get(id);
    String address = arguments.text("address", known == null ? "" : known.address());
    String domain = arguments.text("domain", known == null ? "" : known.domain());
    NodeInfo node = known == null ? NodeInfo.of(id, address, domain) : known.at(address, domain);
    return put(node, "is registered");
  }

  private AdminAnswer put(NodeInfo node, String what) throws DeposedException {
    Draft draft = state().draft();
    draft.put(node);
    primary.commit(draft);
    return AdminAnswer.of("node %d %s".formatted(node.id(), what));
  }

  private String drainingWhat() throws RefusedException {
    int members = membersOn(node().id()).size();
    return "is draining: %d members of chains are to be moved".formatted(members);
  }

  private AdminAnswer decommission() throws RefusedException, DeposedException {
    NodeInfo node = node();
    List<Long> members = membersOn(node.id());
    if (!members.isEmpty()) {
      throw RefusedException.because(
          "node has members of chains", "targets " + members, "none", "drain it first");
    }
    boolean stop = arguments.flag("stop");
    if (primary.isLeased(node.id()) && stop) {
      return put(
          node.in(NodeInfo.Phase.LEAVING),
          "is told to end, and is forgotten when its lease has lapsed");
    }
    if (primary.isLeased(node.id())) {
      throw RefusedException.because(
          "node may hold a lease",
          "node " + node.id(),
          "none",
          "stop its process, then repeat; or node decommission --stop");
    }
    primary.forget(node.id());
    return AdminAnswer.of("node %d is forgotten".formatted(node.id()));
  }

  private List<Long> membersOn(int nodeId) {
    List<Long> members = new ArrayList<>();
    for (TargetInfo target : state().targets().values()) {
      if (target.nodeId() == nodeId && !state().isFree(target.id())) {
        members.add(target.id());
      }
    }
    return members;
  }

  private AdminAnswer retire(boolean is) throws RefusedException, DeposedException {
    List<TargetInfo> targets = retirees();
    Draft draft = state().draft();
    int members = 0;
    for (TargetInfo target : targets) {
      draft.put(target.retiring(is));
      members += state().isFree(target.id()) ? 0 : 1;
    }
    primary.commit(draft);
    List<Long> ids = targets.stream().map(TargetInfo::id).toList();
    return AdminAnswer.of(
        is
            ? "targets %s are to be replaced: %d members of chains are to be moved"
                .formatted(ids, members)
            : "targets %s may stay".formatted(ids));
  }

  private List<TargetInfo> retirees() throws RefusedException {
    if (arguments.has("target")) {
      return List.of(target());
    }
    int nodeId = node().id();
    int disk = arguments.count("disk", 0);
    List<TargetInfo> targets =
        state().targets().values().stream()
            .filter(target -> target.nodeId() == nodeId && target.disk() == disk)
            .toList();
    if (targets.isEmpty()) {
      throw RefusedException.because(
          "disk has no targets", "disk %d of node %d".formatted(disk, nodeId), ">= 1", "node show");
    }
    return targets;
  }

  /** Members in words. */
  static String words(List<Member> members) {
    List<String> words = new ArrayList<>();
    members.forEach(member -> words.add(member.targetId() + ":" + member.state()));
    return String.join(" ", words);
  }
}
